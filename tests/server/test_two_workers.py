"""Two real processes: both work at once, and one that is killed costs its own job a sentence."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest

from app.server import jobs as work
from app.server.jobs import Job, Outcome
from app.server.queue import Question
from app.server.runner import Runner
from app.server.service import Service
from app.server.snapshot import Comparison
from app.settings import Settings
from mode_core.cli.crowd.memory import held_by
from mode_core.pictures.files import png_bytes
from mode_core.stream.container import Bitstream, Stream
from mode_core.types import Reconstruction
from tests.made_up.fake_runner import last

WAIT_S = 60


def shaded(job: Job) -> Outcome:
    """What a codec that keeps the picture would give, once the picture's own file says so.

    The name of the file is the picture's shade; this process writes its own number beside it.
    """
    shade = int(job.pixels[0, 0, 0])
    place = Path(os.environ["TMPDIR"])
    (place / f"{shade}.pid").write_text(str(os.getpid()))
    until = monotonic() + WAIT_S
    while not (place / f"{shade}.may").exists() and monotonic() < until:
        sleep(0.005)
    height, width, _ = job.pixels.shape
    stream = Bitstream(1, bytes(4), 0, width, height, (Stream(bytes([shade])),), job.bpp)
    made = Reconstruction(
        codec=job.codec, profile="", anchor=None, label=job.codec, image=job.pixels,
        file=stream.to_bytes(), bitstream=stream, target_bpp=job.bpp, encode_s=0.1, decode_s=0.1,
    )  # fmt: skip
    return Outcome(job.codec, (made,), timing=str(os.getpid()), bpp=job.bpp)


class House:
    """A service over two processes, whose jobs last until they may end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runner = folder, Runner(Settings(), places=2)
        self.service = Service(Settings(), self.runner)
        self.crowd = ThreadPoolExecutor(8)

    def ask(self, shade: int) -> Comparison:
        """The comparison of a picture of this shade, at its end."""
        key = self.service.add_photo(png_bytes(np.full((16, 16, 3), shade, np.uint8))).key
        return last(self.service.compare(key, ["jpeg"], 0.1, Question(visitor=str(shade))))

    def at_work(self, shade: int) -> int:
        """The process that works at it, once one does."""
        file, until = self.folder / f"{shade}.pid", monotonic() + WAIT_S
        while not (file.exists() and file.read_text()):
            assert monotonic() < until
            sleep(0.005)
        return int(file.read_text())

    def let(self, *shades: int) -> None:
        for shade in shades:
            (self.folder / f"{shade}.may").touch()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(work, "run_job", shaded)
    monkeypatch.setattr("app.server.measuring.measurable", lambda _: ())
    made = House(tmp_path)
    yield made
    made.let(*range(256))
    made.crowd.shutdown()
    made.runner.close()


def test_both_work_at_once_and_a_killed_one_is_replaced(house: House) -> None:
    asked = {shade: house.crowd.submit(house.ask, shade) for shade in (10, 20)}
    first, other = house.at_work(10), house.at_work(20)
    assert len({first, other, os.getpid()}) == 3
    asked[30] = house.crowd.submit(house.ask, 30)
    os.kill(first, signal.SIGKILL)
    (lost,) = asked[10].result(WAIT_S).slots
    assert "the worker process stopped in the middle of this" in lost.error
    assert house.at_work(30) not in (first, other)
    house.let(20, 30)
    for shade in (20, 30):
        (slot,) = asked[shade].result(WAIT_S).slots
        picture = house.service.store.get(slot.key)
        assert slot.error == ""
        assert np.all(picture.pixels == shade)  # type: ignore[union-attr]
    house.let(10)
    (again,) = house.ask(10).slots
    assert again.error == ""


@pytest.mark.hostile
def test_twenty_kills_cost_twenty_sentences_and_nothing_grows(house: House) -> None:
    held, seen = list[float](), set[int]()
    for number in range(20):
        lost, kept = 2 * number + 10, 2 * number + 11
        asked = {shade: house.crowd.submit(house.ask, shade) for shade in (lost, kept)}
        victim = house.at_work(lost)
        assert house.at_work(kept) != victim
        assert victim not in seen
        seen.add(victim)
        os.kill(victim, signal.SIGKILL)
        (slot,) = asked[lost].result(WAIT_S).slots
        assert "the worker process stopped in the middle of this" in slot.error
        house.let(kept)
        (slot,) = asked[kept].result(WAIT_S).slots
        picture = house.service.store.get(slot.key)
        assert np.all(picture.pixels == kept)  # type: ignore[union-attr]
        held.append(held_by(os.getpid())[0] / 1e6)
    assert held[-1] < held[4] + 15
    assert held_by(os.getpid())[1] <= 4  # this process, two for codecs, and the reader
