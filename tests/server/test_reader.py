"""What strangers send is read elsewhere, in fair turns, and a trap costs a sentence."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from threading import Event, Thread

import numpy as np
import pytest

from app.server import process
from app.server.process import Unwanted, Worker
from app.server.reader import MEMORY_BYTES, FileTurns, Reader, Unread
from app.settings import Settings
from mode_core.errors import UnsupportedImage
from mode_core.pictures.files import png_bytes
from mode_core.types import Image
from tests.made_up.traps import many_scans


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    running = Reader(Settings(read_seconds=120))
    yield running
    running.close()


def test_a_picture_is_read_in_another_process(reader: Reader, photo: Image) -> None:
    read = reader.photo(png_bytes(photo))
    assert np.array_equal(read.pixels, photo)
    assert read.png.startswith(b"\x89PNG")
    assert read.key != reader.photo(png_bytes(photo[:-1])).key


def test_its_refusals_come_back(reader: Reader) -> None:
    with pytest.raises(UnsupportedImage, match="more than 100 scans"):
        reader.photo(many_scans(1000))


def test_it_loads_neither_torch_nor_the_page(reader: Reader, photo: Image) -> None:
    reader.photo(png_bytes(photo))
    loaded = reader.call(list, reader.call(eval, "list(__import__('sys').modules)"))
    assert not {"torch", "gradio", "pandas"} & set(loaded)


def test_what_takes_too_long_is_given_up_and_the_next_is_read(photo: Image) -> None:
    reader = Reader(Settings(read_seconds=1))
    with pytest.raises(Unread, match=r"took more than 1 s or 2 GB to read .* as a PNG or JPEG"):
        reader.call(time.sleep, 60)
    reader._worker.seconds = 120
    assert np.array_equal(reader.photo(png_bytes(photo)).pixels, photo)
    reader.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is kept on Linux")
def test_a_helper_that_does_not_start_is_no_visitor_s_fault(
    photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Reader(Settings())
    monkeypatch.setattr(process, "_START_S", 0.0)
    monkeypatch.setattr(process, "_has_news", lambda *_: False)  # a busy machine may be late, too
    with pytest.raises(Unread, match="could not start"):
        found.photo(png_bytes(photo), visitor="a")
    assert not found._turns._distrusted
    found.close()


def test_memory_beyond_the_limit_is_refused() -> None:
    worker = Worker(120, MEMORY_BYTES)
    assert len(worker.call(bytes, 1000)) == 1000
    with pytest.raises(MemoryError):
        worker.call(len, _Zeros(MEMORY_BYTES + 1))
    worker.close()


class _Zeros:
    """So many zeros where it is unpickled, and next to none on the way there."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return len(bytes(self.count))


class Queue:
    """Visitors who wait while somebody else is read, and the order in which they are served."""

    def __init__(self, most: int = 20) -> None:
        self.turns, self.order = FileTurns(most), list[str]()
        self.first_may_go, started = Event(), Event()

        def first() -> None:
            with self.turns.turn("first"):
                started.set()
                assert self.first_may_go.wait(20)

        self.threads = [Thread(target=first)]
        self.threads[0].start()
        assert started.wait(20)

    def join(self, visitor: str) -> None:
        before = len(self.turns._waiting)

        def wait() -> None:
            try:
                with self.turns.turn(visitor):
                    self.order.append(visitor)
            except Unread:
                self.order.append(f"not {visitor}")

        self.threads.append(Thread(target=wait))
        self.threads[-1].start()
        while len(self.turns._waiting) == before:
            time.sleep(0.01)

    def serve(self) -> list[str]:
        self.first_may_go.set()
        for thread in self.threads:
            thread.join(20)
        return self.order


def test_whoever_sends_much_waits_behind_everybody_else() -> None:
    queue = Queue()
    for visitor in ("a", "a", "a", "b", "c", "b"):
        queue.join(visitor)
    assert queue.serve() == ["a", "b", "c", "a", "b", "a"]


def test_more_than_a_few_files_of_one_visitor_are_refused_while_others_may_come() -> None:
    queue = Queue(most=4)
    queue.join("a")
    queue.join("a")
    with pytest.raises(Unread, match="too many of your files"), queue.turns.turn("a"):
        pass
    queue.join("b")
    assert queue.serve() == ["a", "b", "a"]


def test_whoever_sent_a_trap_sends_one_at_a_time() -> None:
    queue = Queue()
    for visitor in ("a", "a", "b"):
        queue.join(visitor)
    queue.turns.distrust("a")
    with pytest.raises(Unread, match="too many of your files"), queue.turns.turn("a"):
        pass
    while len(queue.turns._waiting.of("a")) > 1:
        time.sleep(0.01)
    assert sorted(queue.serve()) == ["a", "b", "not a"]


def test_whoever_has_gone_is_not_read() -> None:
    queue = Queue()
    with pytest.raises(Unwanted), queue.turns.turn("a", wanted=lambda: False):
        queue.order.append("a")
    queue.join("b")
    assert queue.serve() == ["b"]
