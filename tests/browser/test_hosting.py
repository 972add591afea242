"""The server among strangers: what they leave behind, and what its log and its page make of it."""

from __future__ import annotations

import json
import re
import socket
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser

from mode_core.pictures.files import png_bytes
from tests.browser.conftest import Site, served, watched
from tests.browser.page_server import ENDLESS_BPP
from tests.browser.test_api import call, get
from tests.browser.viewer_page import settled
from tests.conftest import make_photo

pytestmark = pytest.mark.browser


def form(*files: bytes) -> tuple[bytes, str]:
    edge = uuid4().hex
    head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    body = b"".join(head.encode() + one + b"\r\n" for one in files) + f"--{edge}--\r\n".encode()
    return body, f"multipart/form-data; boundary={edge}"


def uploaded(url: str, data: bytes) -> str:
    body, kind = form(data)
    post = urllib.request.Request(f"{url}gradio_api/upload", body, {"Content-Type": kind})
    (name,) = json.loads(get(post))
    return str(name)


def half_sent(url: str, path: str, head: bytes, kind: str, size: int) -> socket.socket:
    """A sender who announces `size` bytes, sends half of them, and stays."""
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    sender = socket.create_connection((host, int(port)), timeout=20)
    lines = (
        f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n"
    )
    sender.sendall(lines.encode() + head + bytes(size // 2))
    return sender


def until(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def asked(url: str, name: str) -> str:
    """What is said to somebody who compares an uploaded picture."""
    file = {"path": name, "meta": {"_type": "gradio.FileData"}}
    return call(url, json.dumps({"data": [file, 1, ["jpeg"]]}).encode())


def test_those_who_send_the_same_picture_at_once_are_all_answered(viewer: Site) -> None:
    """Each of a hundred uploads it, then each asks: the first answers used to remove the file."""
    photo = png_bytes(make_photo(48, 64, seed=1))

    def ask(name: str) -> str:
        said = asked(viewer.url, name)
        return said.partition("\n")[0] if '"width": 64' in said else said

    with ThreadPoolExecutor(100) as users:
        names = list(users.map(lambda _: uploaded(viewer.url, photo), range(100)))
        said = list(users.map(ask, names))
    assert Counter(said) == {"event: complete": 100}
    assert viewer.files == []


def test_strangers_leave_nothing_on_the_disk(viewer: Site) -> None:
    url, before = viewer.url, viewer.folders
    start = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    kind = "multipart/form-data; boundary=x"
    senders = [half_sent(url, "/gradio_api/upload", start, kind, 400_000) for _ in range(12)]
    senders += [half_sent(url, "/mode/photo", b"", "image/png", 400_000) for _ in range(12)]
    assert viewer.files == []
    for sender in senders:
        sender.close()
    uploaded(url, bytes(900_000))
    body, kind = form(*[bytes(400_000)] * 2)
    post = urllib.request.Request(f"{url}gradio_api/upload", body, {"Content-Type": kind})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        get(post)
    for name in ("nonsense", uploaded(url, b"no picture")):
        assert "event: error" in call(url, json.dumps({"data": [name, 1, ["jpeg"]]}).encode())
    assert viewer.files == []
    assert viewer.folders == before


def test_what_visitors_do_wrong_is_no_traceback_in_the_log(viewer: Site) -> None:
    url, before = viewer.url, viewer.log
    file = {"path": "x", "meta": {"_type": "gradio.FileData"}}
    for wrong in (
        [{**file, "size": "abc"}, 0.1, []], [{**file, "path": "/etc/passwd"}, 0.1, []],
        [{**file, "path": "http://127.0.0.1:9/x.png"}, 0.1, []], [5, 0.1, []], [None, 0.1, [file]],
    ):  # fmt: skip
        assert "event: error" in call(url, json.dumps({"data": wrong}).encode())
    for path in ("queue/data?session_hash=nobody", "call/compare/nothing"):
        assert b"404" in get(f"{url}gradio_api/{path}")
    for path in ("/mode/photo", "/mode/file", "/gradio_api/queue/join", "/gradio_api/upload"):
        half_sent(url, path, b"", "multipart/form-data; boundary=x", 60_000).close()
    get(f"{url}config")  # by now those have been seen to leave
    log = viewer.log.removeprefix(before)
    assert "Traceback" not in log
    assert len(log.splitlines()) < 12


def test_answers_that_nobody_fetches_are_not_kept_for_ever(viewer_url: str) -> None:
    """The first of 300 callers comes too late; the last does not."""
    address = f"{viewer_url}gradio_api/call/compare"
    body = json.dumps({"data": [None, 1, None]}).encode()
    post = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    events: list[str] = []
    while len(events) < 300:
        if (event := event_of(post)) != "busy":
            events.append(event)
    assert "404" in get(f"{address}/{events[0]}").decode()
    assert "no file was sent" in get(f"{address}/{events[-1]}").decode()


def event_of(post: urllib.request.Request) -> str:
    try:
        return str(json.loads(get(post))["event_id"])
    except urllib.error.HTTPError:
        return "busy"  # more wait in Gradio's queue than it takes


def being_coded(url: str, name: str) -> HTTPResponse:
    """The answer to a question that takes for as long as somebody listens to it."""
    address = f"{url}gradio_api/call/compare"
    file = {"path": name, "meta": {"_type": "gradio.FileData"}}
    body = json.dumps({"data": [file, ENDLESS_BPP, ["jpeg"]]}).encode()
    post = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    answer: HTTPResponse = urllib.request.urlopen(f"{address}/{event_of(post)}", timeout=60)
    return answer


def test_a_short_line_answers_or_says_that_it_is_busy_and_sigterm_leaves_nothing(
    tmp_path: Path,
) -> None:
    widths = range(40, 60)
    with served("page_server", tmp_path, "5") as site:
        sent = [uploaded(site.url, png_bytes(make_photo(30, width))) for width in widths]
        endless = being_coded(site.url, uploaded(site.url, png_bytes(make_photo(30, 39))))
        with ThreadPoolExecutor(len(sent)) as users:
            asking = [users.submit(asked, site.url, name) for name in sent]
            assert until(lambda: sum(one.done() for one in asking) >= 15)
            endless.close()
            said = [one.result() for one in asking]
        refused = [text for text in said if re.search(r"busy, position \d+: ", text)]
        told = zip(said, widths, strict=True)
        answered = [text for text, width in told if f'"width": {width}' in text]
        assert len(refused) + len(answered) == len(sent), said
        assert len(answered) >= 5
        assert refused
        uploaded(site.url, bytes(900_000))
        half_sent(site.url, "/gradio_api/upload", b"", "multipart/form-data; boundary=x", 900_000)
    assert site.files == []


def test_a_script_that_gets_into_the_page_does_not_run(chromium: Browser, viewer_url: str) -> None:
    page, trouble = watched(chromium, viewer_url)
    settled(page)
    assert trouble == []
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "document.documentElement.dataset.bad = 1";
          document.head.append(script);
          document.body.insertAdjacentHTML(
            "beforeend", "<img src=x onerror='document.documentElement.dataset.bad = 1'>");
        }"""
    )
    until(lambda: (page.wait_for_timeout(50), len(trouble) >= 2)[1])
    assert page.evaluate("document.documentElement.dataset.bad") is None
    assert all("Content Security Policy" in one or "404" in one for one in trouble)
    page.close()


def test_no_other_site_shows_the_page_in_a_frame(chromium: Browser, viewer_url: str) -> None:
    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text))
    page.set_content(f"<iframe src='{viewer_url}'></iframe>")
    assert until(
        lambda: (page.wait_for_timeout(50), any("frame-ancestors" in one for one in said))[1]
    )
    page.close()
