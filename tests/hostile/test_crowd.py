"""Many visitors at the real page: some leave in the middle, helper processes die, nothing grows."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from mode_core.pictures.files import png_bytes
from tests.conftest import ROOT, make_photo

pytestmark = [pytest.mark.hostile, pytest.mark.weights]
VISITORS, PICTURES, LEAVES_AFTER_S = 20, 3, 0.7
CODECS = ["webp", "elic"]


@contextmanager
def served(**own: str) -> Iterator[tuple[str, int]]:
    """The address of the real page with these settings, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "MODE_PORT": str(port), "MODE_CACHE_MB": "16", **own}
    server = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env)
    url = f"http://127.0.0.1:{port}/"
    for _ in range(600):
        sleep(0.2)
        try:
            urllib.request.urlopen(url, timeout=5).close()
            break
        except OSError:
            assert server.poll() is None, "the page did not come up"
    yield url, server.pid
    server.terminate()
    server.wait(20)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int, Path]]:
    """The address of the real page, its process, and where it may write."""
    folder = tmp_path_factory.mktemp("disk")
    with served(TMPDIR=str(folder)) as (url, pid):
        yield url, pid, folder


def upload(url: str, photo: bytes, visitor: str = "") -> str:
    mark = b"--x\r\n"
    part = b'Content-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    body = mark + part + photo + b"\r\n--x--\r\n"
    head = {"Content-Type": "multipart/form-data; boundary=x"} | says(visitor)
    post = urllib.request.Request(f"{url}gradio_api/upload", body, head)
    return str(json.load(urllib.request.urlopen(post, timeout=60))[0])


def says(visitor: str) -> dict[str, str]:
    """What a proxy on this machine says of whose request it is."""
    return {"X-Forwarded-For": visitor} if visitor else {}


def ask(url: str, photo: bytes, codecs: list[str], visitor: str = "") -> str:
    """The address of the stream that will have the answer."""
    file = {"path": upload(url, photo, visitor), "meta": {"_type": "gradio.FileData"}}
    body = json.dumps({"data": [file, 0.3, codecs]}).encode()
    call = f"{url}gradio_api/call/compare"
    head = {"Content-Type": "application/json"} | says(visitor)
    post = urllib.request.Request(call, body, head)
    return f"{call}/{json.load(urllib.request.urlopen(post, timeout=60))['event_id']}"


def answer(stream: str) -> Any:
    """The answer, or the sentence that stands in for it."""
    text = urllib.request.urlopen(stream, timeout=600).read().decode()
    last = text.strip().splitlines()[-1].removeprefix("data: ")
    found = json.loads(last)
    return found[0] if isinstance(found, list) else found


def photo_of(number: int) -> bytes:
    """Another picture for each number, which its size tells."""
    return png_bytes(make_photo(128, 100 + number, seed=number))


def leave(stream: str) -> None:
    """Listen for a moment and hang up."""
    parts = urlsplit(stream)
    with socket.create_connection((parts.hostname or "", parts.port or 80)) as line:
        line.sendall(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        sleep(LEAVES_AFTER_S)


def test_who_stays_gets_their_own_answers_while_others_leave(
    page: tuple[str, int, Path], say: Callable[[str], None]
) -> None:
    url, _, _ = page
    waits: list[float] = []
    busy: list[str] = []

    def visit(visitor: int) -> None:
        for at in range(PICTURES):
            number = visitor * PICTURES + at
            stream, since = ask(url, photo_of(number), CODECS), monotonic()
            if visitor % 2:
                leave(stream)
                continue
            told = answer(stream)
            if "rows" not in told:
                busy.append(told["error"] if isinstance(told, dict) else str(told))
                continue
            waits.append(monotonic() - since)
            assert (told["width"], told["height"]) == (100 + number, 128)
            assert [row["state"] for row in told["rows"]] == ["ready"] * 3, told["rows"]

    with ThreadPoolExecutor(VISITORS) as crowd:
        list(crowd.map(visit, range(VISITORS)))
    say(f"answered {len(waits)}: median {median(waits):.1f} s, worst {max(waits):.1f} s")
    assert len(waits) + len(busy) == VISITORS // 2 * PICTURES
    assert all("busy, position" in one for one in busy), busy


def test_twenty_long_questions_of_one_visitor_hold_nobody_up(
    page: tuple[str, int, Path], say: Callable[[str], None]
) -> None:
    """Told by the order of answers: whoever asks once comes before most of the twenty."""
    url, _, _ = page
    order: list[str] = []
    refused: list[str] = []

    def visit(visitor: str, stream: str) -> None:
        told = answer(stream)
        if "rows" in told:
            order.append(visitor)
        else:
            refused.append(visitor)
            assert "busy, position" in str(told), told

    greedy, others = "192.0.2.1", [f"198.51.100.{number}" for number in range(1, 6)]
    long = [png_bytes(make_photo(448, 400 + number, seed=number)) for number in range(20)]
    with ThreadPoolExecutor(len(long) + len(others)) as crowd:
        asked = [crowd.submit(ask, url, photo, ["elic"], greedy) for photo in long]
        visits = [crowd.submit(visit, greedy, one.result()) for one in asked]
        while not order:  # by then all of them wait
            sleep(0.1)
        for number, other in enumerate(others):
            stream = ask(url, photo_of(400 + number), ["elic"], other)
            visits.append(crowd.submit(visit, other, stream))
        for one in visits:
            one.result()
    last = max(at for at, visitor in enumerate(order) if visitor != greedy)
    before, after = order[:last].count(greedy), order[last:].count(greedy)
    say(f"of {greedy} {before} came before the last of the others, {after} after, {refused}")
    assert sorted(set(order) - {greedy}) == others
    assert set(refused) <= {greedy}
    assert before < after


def helpers_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
    return [int(one) for one in found.stdout.split()]


def test_killed_helpers_cost_a_sentence_each(
    page: tuple[str, int, Path], rng: np.random.Generator, say: Callable[[str], None]
) -> None:
    url, pid, _ = page
    lost = 0
    for number in range(20):
        stream = ask(url, photo_of(200 + number), ["elic"])
        sleep(rng.uniform(0.05, 0.6))
        for helper in helpers_of(pid):
            os.kill(helper, signal.SIGKILL)
        told = answer(stream)
        if "rows" in told:
            state, words = told["rows"][1]["state"], told["rows"][1]["error"]
            assert state == "ready" or "restarted" in words, told["rows"][1]
            lost += state != "ready"
        else:
            assert "save it anew" in str(told), told
    say(f"{lost} of 20 jobs were lost")
    again = answer(ask(url, photo_of(300), ["elic"]))
    assert again["rows"][1]["state"] == "ready"


def resident(pid: int) -> float:
    """Megabytes of the page's own process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_memory_and_disk_stay_flat(page: tuple[str, int, Path], say: Callable[[str], None]) -> None:
    url, pid, folder = page
    seen = []
    for number in range(300):
        # small, since uploads are kept as well, up to a bound of their own
        photo = png_bytes(make_photo(16 + number % 20, 16 + number // 20, seed=number))
        told = answer(ask(url, photo, ["jpeg"]))
        assert told["rows"][1]["state"] == "ready"
        if number % 100 == 99:
            seen.append(resident(pid))
    say(f"megabytes after 100, 200 and 300: {[round(one) for one in seen]}")
    assert seen[-1] < seen[0] + 15
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files == []
