"""Several places: as many comparisons at once, in the same turns, and what is told stays true."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from time import sleep

import numpy as np
import pytest

from app.server import devices
from app.server.jobs import Begun, Job, Outcome
from app.server.process import Turn, Wanted, Worker, always
from app.server.queue import Ahead, Busy, Line, Question, Ticket
from app.server.runner import Runner, ZeroRunner
from app.server.service import Service
from app.server.snapshot import Comparison
from app.server.turns import Places, Rounds, Turns
from app.settings import Settings
from mode_core.metrics import Measured
from mode_core.pictures.files import png_bytes
from mode_core.types import Image
from tests.made_up.fake_runner import FakeRunner, last
from tests.server.test_queue import Held, of

WAIT_S = 10


class Site:
    """A line of two places, both held by questions that take 30 and 10 seconds."""

    def __init__(self) -> None:
        self.line, self.order = Line(length=20, places=2), list[str]()
        self.held = [Held(), Held()]
        self.current = [
            self.line.join(work, of(visitor), seconds=seconds)
            for work, visitor, seconds in zip(self.held, "ab", (30, 10), strict=True)
        ]
        assert all(one.started.wait(WAIT_S) for one in self.held)
        self.tickets: dict[str, Ticket] = {}

    def join(self, *names: str) -> None:
        """Each name is that of a visitor and the seconds of their question."""
        for name in names:

            def work(_: Turn, name: str = name) -> Iterator[str]:
                self.order.append(name)
                yield name

            self.tickets[name] = self.line.join(work, of(name[0]), seconds=int(name[1:]))

    def told(self) -> dict[str, tuple[int, int]]:
        """What comes before each, and the seconds until its turn."""
        ahead = {name: self.line.ahead_of(one) for name, one in self.tickets.items()}
        return {name: (one.tickets, round(one.seconds)) for name, one in ahead.items()}

    def end(self) -> None:
        for one in self.held:
            one.gate.set()


def test_as_many_are_served_at_once_as_there_are_places_each_at_its_own() -> None:
    line, both, at = Line(length=9, places=2), [Event(), Event()], list[int]()

    def work(turn: Turn) -> Iterator[int]:
        at.append(turn.place)
        both[turn.place].set()
        assert all(one.wait(WAIT_S) for one in both)
        yield turn.place

    tickets = [line.join(work) for _ in range(2)]
    assert sorted(value for one in tickets for _, value in one) == [0, 1]
    assert sorted(at) == [0, 1]
    assert not line.is_busy


def test_the_wait_is_until_the_first_place_that_is_free() -> None:
    site = Site()
    site.join("c5", "d8", "e1", "f1")
    # 10 s: c; 15 s: d; 23 s: e; 24 s: f
    assert site.told() == {"c5": (2, 10), "d8": (3, 15), "e1": (4, 23), "f1": (5, 24)}
    site.current[0].cancel()  # 0 s: c; 5 s: d; 10 s: e; 11 s: f
    assert site.told() == {"c5": (2, 0), "d8": (3, 5), "e1": (4, 10), "f1": (5, 11)}
    site.end()


def test_what_those_who_wait_are_told_comes_true_at_two_places() -> None:
    site = Site()
    site.join("a3", "b3", "c3", "a4", "b4", "d1")
    told = site.told()
    assert sorted(told, key=lambda name: told[name]) == ["c3", "d1", "a3", "b3", "a4", "b4"]
    site.held[1].gate.set()  # one place serves them all, one after the other
    for one in site.tickets.values():
        list(one)
    assert site.order == ["c3", "d1", "a3", "b3", "a4", "b4"]
    assert [site.line.ahead_of(one) for one in site.tickets.values()] == [Ahead(0, 0)] * 6
    site.end()


def test_those_at_work_come_after_every_newcomer() -> None:
    waiting: Rounds[str] = Rounds()
    for one in ("a1", "a2", "b1", "b2", "b3"):
        waiting.add(one[0], one)
    assert [waiting.serve(), waiting.serve()] == ["a1", "b1"]
    waiting.add("c", "c1")
    assert list(waiting) == ["c1", "a2", "b2", "b3"]


def test_who_is_at_work_for_long_is_not_forgotten_for_those_who_are_quick() -> None:
    waiting: Rounds[str] = Rounds()
    for one in ("a1", "b1", "b2"):
        waiting.add(one[0], one)
    for quick in ("", "b", "b"):
        waiting.serve()
        if quick:
            waiting.ended(quick)
    for one in ("a2", "c1"):
        waiting.add(one[0], one)
    assert list(waiting) == ["c1", "a2"]
    waiting.ended("a")


def test_nobody_is_told_that_the_line_is_full_while_places_are_free() -> None:
    line, held = Line(length=1, places=4), [Held() for _ in range(5)]
    tickets = [line.join(work, of(visitor)) for work, visitor in zip(held, "abcde", strict=True)]
    assert all(work.started.wait(WAIT_S) for work in held[:4])
    with pytest.raises(Busy, match="busy, position 2: 1 comparisons are waiting already"):
        line.join(Held(), of("f"))
    for work in held:
        work.gate.set()
    for ticket in tickets:
        list(ticket)


def test_a_picture_goes_where_it_was_before_unless_that_would_have_to_wait() -> None:
    places: Places[str] = Places(3)
    assert [places.take("1", "lake"), places.take("2", "hill")] == [0, 1]
    places.leave(0)
    places.leave(1)
    assert places.take("3", "hill") == 1
    assert places.take("4", "hill") == 0  # its own is taken, and another is free
    assert (places.take("5"), places.free, places.busy) == (2, 0, ["4", "3", "5"])
    places.leave(1)
    assert places.take("6", "lake") == 1


def test_a_visitor_s_picture_is_asked_at_the_same_worker_again() -> None:
    line, held, at = Line(length=9, places=2), Held(), list[int]()

    def work(turn: Turn) -> Iterator[int]:
        at.append(turn.place)
        yield turn.place

    first = line.join(held, picture="lake")
    assert held.started.wait(WAIT_S)
    list(line.join(work, picture="hill"))  # the first place is taken
    held.gate.set()
    list(first)
    while line.is_busy:
        Event().wait(0.01)
    for picture in ("hill", "lake", "hill"):
        list(line.join(work, Question(), picture=picture))
        while line.is_busy:
            Event().wait(0.01)
    assert at == [1, 1, 0, 1]


def test_metrics_are_measured_at_as_many_places() -> None:
    turns, may, held = Turns(2), Event(), list[int]()

    def measure(visitor: str) -> int:
        with turns.turn(visitor) as place:
            held.append(place)
            assert may.wait(WAIT_S)
            return place

    with ThreadPoolExecutor(3) as crowd:
        third = [crowd.submit(measure, visitor) for visitor in "abc"]
        while len(held) < 2 or len(turns._waiting) < 1:
            Event().wait(0.01)
        assert sorted(held) == [0, 1]
        may.set()
        assert sum(one.result() for one in third) in (1, 2)
    assert not turns._places.busy


def test_each_worker_has_its_own_gpu_and_its_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(devices, "cores", lambda: 7)
    monkeypatch.setattr(devices, "gpus", lambda: 2)
    shares = [devices.told(place, 3) for place in range(3)]
    assert [one["MODE_DEVICE"] for one in shares] == ["cuda:0", "cuda:1", "cuda:0"]
    assert {one["OMP_NUM_THREADS"] for one in shares} == {"2"}
    assert devices.told(0, 20)["OMP_NUM_THREADS"] == "1"
    assert devices.told(0, 1) == {}
    monkeypatch.setattr(devices, "gpus", lambda: 0)
    assert devices.told(1, 2) == {"OMP_NUM_THREADS": "3"}
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert devices.told(1, 2) == {}
    monkeypatch.setattr(devices, "gpus", lambda: 2)
    monkeypatch.setenv("MODE_DEVICE", "cpu")
    assert devices.told(1, 2) == {}


def test_there_is_a_worker_for_each_gpu_unless_the_operator_says_how_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for gpus, wanted, on, workers in (
        (0, "", "", 1), (1, "", "", 1), (4, "", "", 4), (4, "2", "", 2), (0, "3", "", 3),
        (4, "", "cuda", 4), (4, "", "cuda:2", 1), (4, "", "cpu", 1), (4, "3", "cpu", 3),
    ):  # fmt: skip
        monkeypatch.setattr(devices, "gpus", lambda gpus=gpus: gpus)
        monkeypatch.setenv("MODE_DEVICE", on)
        monkeypatch.setenv("MODE_WORKERS", wanted)
        assert devices.places_here(Settings.from_environment()) == workers
    for wrong, words in (("0", "whole number above 0"), ("two", "above 0"), ("65", "64 at most")):
        monkeypatch.setenv("MODE_WORKERS", wrong)
        with pytest.raises(SystemExit, match=words):
            Settings.from_environment()


def test_a_borrowed_gpu_has_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spaces", Lender)
    assert ZeroRunner(Settings(workers=4)).places == 1


class Lender:
    """Stands in for the package `spaces`."""

    @staticmethod
    def GPU(duration: object) -> object:  # noqa: N802
        return lambda task: task


def test_a_process_has_what_it_alone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODE_DEVICE", "cuda")
    worker = Worker(60, told={"MODE_DEVICE": "cuda:1"})
    try:
        assert worker.call(devices.setting, "MODE_DEVICE") == "cuda:1"
    finally:
        worker.close()


def test_who_has_no_turn_is_measured_where_nobody_is_at_work(
    photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, asked = Runner(Settings(), places=2), list[int]()
    for place, worker in enumerate(runner.metrics):

        def call(*_: object, place: int = place, **how: object) -> Measured:
            asked.append(place)
            return Measured({}, {})

        monkeypatch.setattr(worker, "call", call)
    runner.measure(photo, photo, ["psnr"])
    with runner.metrics[0]._lock:
        runner.measure(photo, photo, ["psnr"])
        runner.measure(photo, photo, ["psnr"], always)
        runner.measure(photo, photo, ["psnr"], Turn(0))
    assert asked == [0, 1, 1, 0]


class Counting(FakeRunner):
    """Its work takes time but no core; it knows how many were at it at once."""

    def __init__(self, places: int) -> None:
        super().__init__(places=places)
        self.now, self.most, self.lock = 0, 0, Lock()

    def run(self, jobs: Sequence[Job], wanted: Wanted = always) -> Iterator[Begun | Outcome]:
        for one in super().run(jobs, wanted):
            if isinstance(one, Outcome):
                with self.lock:
                    self.now += 1
                    self.most = max(self.most, self.now)
                sleep(0.05)
                with self.lock:
                    self.now -= 1
            yield one


@pytest.mark.parametrize("places", [1, 2])
def test_twenty_visitors_are_answered_at_as_many_places_as_there_are_each_with_their_own(
    places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.server.measuring.measurable", lambda _: ())
    service = Service(Settings(), runner := Counting(places))  # type: ignore[arg-type]
    shades = range(40, 240, 10)
    keys = [
        service.add_photo(png_bytes(np.full((8, 8, 3), shade, np.uint8))).key for shade in shades
    ]

    def visit(key: str) -> Comparison:
        return last(service.compare(key, ["jpeg"], 0.1, Question(visitor=key)))

    with ThreadPoolExecutor(20) as crowd:
        shown = list(crowd.map(visit, keys))
    for shade, one in zip(shades, shown, strict=True):
        decoded = service.store.get(one.slots[0].key)
        assert np.all(decoded.pixels == shade // 2 + 3)  # type: ignore[union-attr]
    assert runner.most == places
