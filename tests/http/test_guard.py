"""What visitors can ask for, and what every answer says: the guard before the real page."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.explorer.curves import number
from app.http.calls import Calls
from app.server.queue import Question
from app.settings import MEBIBYTE, Settings
from app.ui import _Asked, build_demo, front
from tests.made_up.fake_runner import FakeRunner

JSON = {"content-type": "application/json"}
FILE = {"path": "photo.png", "meta": {"_type": "gradio.FileData"}}


@pytest.fixture(scope="module")
def demo() -> Any:
    return build_demo(Settings(upload_bytes=MEBIBYTE), FakeRunner())


@pytest.fixture(scope="module")
def page(demo: Any) -> Iterator[TestClient]:
    app = gr.mount_gradio_app(FastAPI(openapi_url=None), demo, path="/", app_kwargs=front(demo))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def sentence(answer: Any) -> str:
    """An error is one sentence, as JSON, that names nothing of the server."""
    found: dict[str, str] = answer.json()
    assert set(found) == {"error"}
    assert not re.search(r"Traceback|File \"|/[a-z]+/[a-z]+/|Error", found["error"])
    return found["error"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_no_other_origin_may_read_anything(page: TestClient, origin: str) -> None:
    for host in ("page.example", "127.0.0.1:7860"):
        headers = {"Origin": origin, "Host": host}
        asks = {"Access-Control-Request-Method": "POST"}
        for answer in (
            page.get("/config", headers=headers),
            page.options("/", headers=headers | asks),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]


def test_another_sites_page_may_not_send_anything(page: TestClient) -> None:
    for path in ("/mode/photo", "/gradio_api/upload", "/gradio_api/call/rd"):
        answer = page.post(path, content=b"x", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
        assert "another site" in sentence(answer)


def test_the_page_names_its_own_scripts_and_allows_no_other(page: TestClient) -> None:
    answer = page.get("/")
    policy = dict(
        rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";")
    )
    inline = re.findall(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", answer.text, re.DOTALL)
    assert len(inline) >= 4
    hashes = {f"'sha256-{b64encode(sha256(one.encode()).digest()).decode()}'" for one in inline}
    assert set(policy["script-src"].split()) == {"'self'", "'unsafe-eval'", *hashes}
    assert inline[0].lstrip().startswith("{\n  const own = window.requestAnimationFrame")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert page.get("/config").headers["content-security-policy"].startswith("default-src 'none'")


def test_a_space_stands_in_its_frame_and_an_operator_may_name_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert Settings.from_environment().frames == "'self'"
    monkeypatch.setenv("SPACE_ID", "somebody/mode")
    hosts = "https://huggingface.co https://*.hf.space"
    assert Settings.from_environment().frames == f"'self' {hosts}"
    monkeypatch.setenv("MODE_FRAMES", "'self' https://example.com")
    assert Settings.from_environment().frames == "'self' https://example.com"
    for wrong in ("*; script-src *", "a,b", "x\ny"):
        monkeypatch.setenv("MODE_FRAMES", wrong)
        with pytest.raises(SystemExit, match="MODE_FRAMES is"):
            Settings.from_environment()


NOT_OURS = re.findall(r"\S+", """
/monitoring /monitoring/summary /monitoring/x /gradio_api/file=http://example.com/x.png
/gradio_api/file=/etc/passwd /gradio_api/file/app.py /gradio_api/proxy=https://x.hf.space/
/gradio_api/stream/a/b/1/playlist.m3u8 /gradio_api/dev/reload /gradio_api/deep_link
/gradio_api/upload_progress /gradio_api/mcp/ /gradio_api/mcp/schema /gradio_api/openapi.json
/gradio_api/runs /gradio_api/token /gradio_api/user /gradio_api/queue/status /login_check /logout
/gradio_api/custom_component/a/b/c/d /svelte/x /docs /redoc /openapi.json /pwa_icon/9
/gradio_api/vibe-code /gradio_api/app_id
""")  # fmt: skip


@pytest.mark.parametrize("path", NOT_OURS)
def test_what_no_visitor_needs_is_not_there(page: TestClient, path: str) -> None:
    for answer in (page.get(path), page.head(path), page.post(path, json={})):
        assert answer.status_code == 404
    assert sentence(page.get(path)) == "there is nothing at this address"


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/run/rd", "/gradio_api/api/rd", "/login", "/gradio_api/process_recording",
     "/gradio_api/vibe-edit", "/gradio_api/stream/x", "/gradio_api/run-history/connect"],
)  # fmt: skip
def test_what_no_visitor_sends_is_not_taken(page: TestClient, path: str) -> None:
    assert page.post(path, json={"data": ["kodak", "psnr"]}).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "nosuch", 404, "there is nothing at this address"),
        ("POST", "nosuch", 404, "there is nothing at this address"),
        ("GET", "media/x", 404, "there is nothing at this address"),
        ("GET", "media/..%2f..%2fx.png", 404, "there is nothing at this address"),
        ("GET", "media/%ff%00.png", 404, "this is not in memory any more"),
        ("GET", "static/shared/%2e%2e/ui.py", 404, "there is nothing at this address"),
        ("GET", "static/shared/%00.js", 404, "there is nothing at this address"),
        ("GET", "blind/a/b/c.png", 404, "there is no such picture"),
        ("GET", "photo", 405, "this address takes POST alone"),
        ("POST", "catalogue", 405, "this address takes GET and HEAD alone"),
        # the page of a test is there whatever its name, so that it is the method which is wrong
        ("POST", "blind/nosuch", 405, "this address takes GET and HEAD alone"),
        ("POST", "static", 404, "there is nothing at this address"),
    ],
)
def test_whatever_is_wrong_with_an_address_of_ours_is_a_sentence(
    page: TestClient, method: str, path: str, status: int, words: str
) -> None:
    answer = page.request(method, f"/mode/{path}")
    assert answer.status_code == status
    assert words in sentence(answer)
    if status == 405:
        assert set(answer.headers["allow"].split(", ")) <= set(words.split())


def test_a_range_that_cannot_be_has_the_status_for_it(page: TestClient) -> None:
    address = "/mode/static/shared/dom.js"
    for asked, status in (("bytes=abc", 400), ("bytes=9999999-", 416), ("bytes=0-9", 206)):
        assert page.get(address, headers={"Range": asked}).status_code == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_other_methods_are_refused(page: TestClient, method: str) -> None:
    answer = page.request(method, "/")
    assert answer.status_code == 405
    assert sentence(answer)


def test_headers_have_a_limit(page: TestClient) -> None:
    assert page.get("/config", headers={"X-Long": "a" * 20_000}).status_code == 200
    assert page.get("/config", headers={"X-Long": "a" * 40_000}).status_code == 431


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("call/compare", b"{", 400, "not JSON"),
        ("call/compare", b"[" * 50_000, 400, "not JSON"),
        ("call/compare", b"[1]", 422, "a JSON object"),
        ("call/compare", b"0" * 70_000, 413, "more than 64 kB"),
        ("call/compare", {"data": 5}, 422, "3 values: image, bpp, codecs"),
        ("call/compare", {"data": []}, 422, "3 values: image, bpp, codecs"),
        ("call/compare", {"data": [0] * 4}, 422, "3 values: image, bpp, codecs"),
        ("call/nonsense", {"data": []}, 404, "no endpoint 'nonsense'; there are"),
        ("call/page_compare", {"data": []}, 404, "no endpoint"),
        ("call/compare", {"data": [0] * 3, "session_hash": [1]}, 422, "session_hash must"),
        ("call/compare", {"data": [0] * 3, "session_hash": "x" * 65}, 422, "session_hash must"),
        ("call/v2/compare", {}, 422, "by name: image, bpp, codecs"),
        ("call/v2/compare", {"image": FILE, "more": 1}, 422, "by name: image, bpp, codecs"),
        ("queue/join", {"data": [], "session_hash": "a"}, 422, "fn_index names no event"),
        ("queue/join", {"data": [], "session_hash": "a", "fn_index": 99}, 422, "fn_index"),
        ("queue/join", {"data": [], "session_hash": "a", "fn_index": True}, 422, "fn_index"),
        ("queue/join", {"data": [], "fn_index": 0}, 422, "fn_index"),
        ("component_server", {"component_id": 9999, "fn_name": "region"}, 422, "no function"),
        ("component_server", {"component_id": [], "fn_name": {}}, 422, "no function"),
        ("component_server", b"--x\r\n", 400, "not JSON"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_told_what_is_wrong(
    page: TestClient, path: str, body: Any, status: int, words: str, caplog: Any, capsys: Any
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = page.post(f"/gradio_api/{path}", content=content, headers=JSON)
    assert answer.status_code == status
    assert words in sentence(answer)
    assert "Traceback" not in caplog.text + capsys.readouterr().err


def test_a_call_says_that_it_is_json(page: TestClient) -> None:
    answer = page.post("/gradio_api/call/rd", content=b'{"data": ["kodak", "psnr"]}')
    assert answer.status_code == 415
    assert "Content-Type: application/json" in sentence(answer)


@pytest.mark.parametrize("cut", ["", "/explorer"])
def test_below_a_path_of_a_proxy_everything_is_found(demo: Any, cut: str) -> None:
    """Whether the proxy cuts its path off, as in docs/hosting.md, or not."""
    app = gr.mount_gradio_app(FastAPI(openapi_url=None), demo, path="/", app_kwargs=front(demo))
    with TestClient(app, root_path="/explorer") as client:
        for path in ("/", "/config", "/mode/static/shared/theme.css", "/mode/plotly.min.js"):
            assert client.get(cut + path).status_code == 200
        assert client.get(f"{cut}/monitoring/summary").status_code == 404
        assert sentence(client.get(f"{cut}/mode/nosuch")) == "there is nothing at this address"


def test_only_functions_of_the_page_can_be_called(page: TestClient, demo: Any) -> None:
    (at,) = (at for at, block in demo.blocks.items() if hasattr(block, "region"))
    for name, status in (("region", 200), ("get_config", 422), ("preprocess", 422)):
        call = {"component_id": at, "fn_name": name, "session_hash": "a", "data": [5]}
        assert page.post("/gradio_api/component_server", json=call).status_code == status


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"picture": "cat", "box": "all"}'])
def test_a_wrong_wish_for_a_part_is_told_so(page: TestClient, body: bytes, caplog: Any) -> None:
    answer = page.post("/mode/part", content=body)
    assert answer.status_code == 422
    assert re.search("not JSON|expected a picture", sentence(answer))
    assert "Traceback" not in caplog.text


def test_a_number_that_no_float_can_hold_is_none() -> None:
    assert number(10**400) is None
    data: Any = {"bpp": 10**400, "seq": True}
    asked = _Asked(gr.EventData(None, data), Question())
    assert (asked.number("bpp"), asked.question.number) == (0.0, 0.0)


def test_what_breaks_is_one_sentence_to_the_visitor_and_a_traceback_to_the_log(
    page: TestClient, demo: Any, caplog: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo.service, "add_file", lambda *_: 1 / 0)
    answer = page.post("/mode/file", content=b"x")
    assert (answer.status_code, sentence(answer)) == (
        500, "something broke on the server; its log says what"
    )  # fmt: skip
    assert "ZeroDivisionError" in caplog.text


def upload(page: TestClient, *files: bytes) -> Any:
    return page.post("/gradio_api/upload", files=[("files", ("a.png", one)) for one in files])


def test_an_upload_is_one_file_and_stays_in_memory(page: TestClient, demo: Any) -> None:
    answer = upload(page, b"pixels" * 100_000)
    (name,) = answer.json()
    assert "/" not in name
    assert demo.uploads.named(name) == b"pixels" * 100_000
    for refused, status, words in (
        (upload(page, b"1", b"2"), 400, "one file"),
        (upload(page, bytes(MEBIBYTE + 1)), 413, "more than 1 MB"),
        (page.post("/gradio_api/upload", data={"a": "b"}), 415, "multipart/form-data"),
        (page.post("/gradio_api/upload", files={"a": (None, b"text")}), 400, "no file"),
        (page.post("/gradio_api/upload", content=b"--x\r\ngarbage",
                   headers={"content-type": "multipart/form-data; boundary=x"}), 400, "no file"),
        (page.post("/gradio_api/upload", content=b"x",
                   headers={"content-type": "multipart/form-data"}), 400, "one file"),
    ):  # fmt: skip
        assert refused.status_code == status
        assert words in sentence(refused)


@pytest.mark.parametrize(
    "file",
    [5, FILE, {**FILE, "path": "/etc/passwd"}, {**FILE, "path": "http://127.0.0.1:9/x.png"},
     {**FILE, "size": "abc"}, {"path": "x", "url": "http://127.0.0.1:9/", "is_stream": True}],
)  # fmt: skip
def test_gradio_sees_no_file_in_a_call_but_its_name(demo: Any, file: Any) -> None:
    body = {"data": [file, 0.1, [{"deep": file}]], "session_hash": None}
    sent = Calls(demo).checked("call/compare", json.dumps(body).encode())
    name = file if file == 5 else file["path"]
    assert sent["data"] == [name, 0.1, [{"deep": name}]]
    assert len(sent["session_hash"]) == 32
