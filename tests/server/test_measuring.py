"""The metrics that take longer: visitors take turns at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Event, Thread

import numpy as np
import pytest

from app.server.queue import Question
from app.server.service import Service
from app.settings import Settings
from mode_core.metrics import Measured
from mode_core.pictures.files import png_bytes
from mode_core.types import Image
from tests.made_up.fake_runner import FakeRunner, last

WAIT_S = 20


class HeldRunner(FakeRunner):
    """Measures nothing slow before it may, and notes whose pictures it measures."""

    def __init__(self) -> None:
        super().__init__()
        self.measuring, self.may = Event(), Event()
        self.order: list[int] = []

    def measure(
        self,
        reference: Image,
        decoded: Image,
        names: Sequence[str],
        wanted: Callable[[], bool] | None = None,
    ) -> Measured:
        if "lpips" in names:
            self.measuring.set()
            assert self.may.wait(WAIT_S)
            self.order.append(int(reference[0, 0, 0]))
        return super().measure(reference, decoded, names, wanted)


@pytest.fixture
def runner() -> HeldRunner:
    return HeldRunner()


@pytest.fixture
def service(runner: HeldRunner, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr("app.server.measuring.measurable", lambda _: ("lpips",))
    yield Service(Settings(), runner)  # type: ignore[arg-type]
    runner.may.set()


def visit(service: Service, visitor: str, shade: int) -> Thread:
    """Somebody's comparison of a flat picture, once it waits to be measured or is."""
    key = service.add_photo(png_bytes(np.full((16, 16, 3), shade, np.uint8))).key
    moments = service.compare(key, ["jpeg"], 0.1, Question(visitor=visitor))
    ready = next(one for one in moments if all(slot.state == "ready" for slot in one.slots))
    assert not ready.done
    waiting = len(service._measuring._turns._waiting)
    thread = Thread(target=last, args=(moments,), daemon=True)
    thread.start()
    while not service.runner.measuring.is_set() or (  # type: ignore[attr-defined]
        shade > 1 and len(service._measuring._turns._waiting) == waiting
    ):
        thread.join(0.01)
    return thread


def test_one_visitor_s_many_pictures_are_measured_in_turn_with_others(
    service: Service, runner: HeldRunner
) -> None:
    crowd = [visit(service, "a" if shade < 5 else "b", shade) for shade in range(1, 7)]
    runner.may.set()
    for thread in crowd:
        thread.join(WAIT_S)
    assert runner.order == [1, 5, 2, 6, 3, 4]


def test_what_is_measured_holds_nobody_in_the_line(service: Service, runner: HeldRunner) -> None:
    first = visit(service, "a", 1)
    other = visit(service, "b", 2)  # is coded while the first is being measured
    assert [job.codec for job in runner.jobs] == ["jpeg", "jpeg"]
    assert runner.order == []
    runner.may.set()
    for thread in (first, other):
        thread.join(WAIT_S)


def test_whoever_leaves_while_they_wait_is_not_measured(
    service: Service, runner: HeldRunner
) -> None:
    first = visit(service, "a", 1)
    key = service.add_photo(png_bytes(np.full((16, 16, 3), 9, np.uint8))).key
    there = [True]
    moments = service.compare(key, ["jpeg"], 0.1, Question(listening=lambda: there[0]))
    assert next(one for one in moments if one.slots[0].state == "ready")
    there[0] = False
    assert list(moments) == []
    runner.may.set()
    first.join(WAIT_S)
    assert runner.order == [1]


def test_a_failure_of_the_moment_is_not_remembered(
    service: Service, runner: HeldRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def measure(*given: object) -> Measured:
        (name,) = given[2]  # type: ignore[misc]
        asked.append(name)
        stopped = {name: "the helper was stopped"} if len(asked) == 1 else {}
        return Measured({} if stopped else {name: 1.0}, stopped)

    monkeypatch.setattr(runner, "measure", measure)
    monkeypatch.setattr("app.server.measuring.measurable", lambda keys: keys)
    key = service.add_photo(png_bytes(np.full((16, 16, 3), 9, np.uint8))).key
    last(service.compare(key, ["jpeg"], 0.1))
    first = asked[0]
    measured = last(service.compare(key, ["jpeg"], 0.1)).slots[0].measured
    assert measured is not None
    assert measured.values[first] == 1.0
    assert asked.count(first) == 2
