"""Two processes at one comparison: sooner done, nothing twice, nothing begun for nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Barrier, Event, Lock
from time import monotonic, sleep

import numpy as np
import pytest

from app.server import devices
from app.server import jobs as work
from app.server.jobs import Job, Outcome
from app.server.measuring import Measuring
from app.server.memory import Memory
from app.server.process import Turn, Unwanted, Wanted
from app.server.runner import Runner
from app.server.snapshot import Comparison, Slot
from app.server.store import Decoded, Entry, Photo, size_of
from app.server.together import Hand, together
from app.settings import Settings
from mode_core.codecs.roundtrip import decode_all
from mode_core.metrics import Measured
from mode_core.pictures.files import png_bytes
from mode_core.types import Image, Target
from tests.conftest import make_photo
from tests.made_up.fake_runner import last

WAIT_S = 10


def job(codec: str, photo: Image | None = None) -> Job:
    return Job(codec, ("",), 0.5, make_photo(16, 16) if photo is None else photo)


def test_two_hands_work_at_once_and_share_all_there_is() -> None:
    both = Barrier(2)

    def hand(task: str) -> Iterator[str]:
        yield f"begun {task}"
        both.wait(WAIT_S)  # passes only with two at work
        yield task

    news = list(together([Hand(hand), Hand(hand)], "abcd"))
    assert sorted(news) == sorted([*"abcd", *(f"begun {task}" for task in "abcd")])
    assert all(news.index(f"begun {task}") < news.index(task) for task in "abcd")


def test_a_hand_that_is_free_takes_what_is_next() -> None:
    done = Event()

    def slow(task: str) -> Iterator[str]:
        assert done.wait(WAIT_S)
        yield f"slow {task}"

    def quick(task: str) -> Iterator[str]:
        if task == "d":
            done.set()
        yield task

    found = sorted(together([Hand(slow), Hand(quick)], "abcd"))
    assert found in (["b", "c", "d", "slow a"], ["a", "c", "d", "slow b"])


def test_what_nobody_hears_is_not_begun_and_nobody_is_held_up() -> None:
    begun, gate, ended = list[str](), Event(), Barrier(3)

    def hand(task: str) -> Iterator[str]:
        begun.append(task)
        yield task
        assert gate.wait(WAIT_S)
        ended.wait(WAIT_S)

    news = together([Hand(hand), Hand(hand)], "abcd")
    assert {next(news), next(news)} == {"a", "b"}
    news.close()  # type: ignore[attr-defined]  # comes back, though both are at work
    gate.set()
    ended.wait(WAIT_S)
    sleep(0.1)
    assert sorted(begun) == ["a", "b"]


def test_a_hand_that_is_not_ready_leaves_all_to_others() -> None:
    ready, begun = Event(), Event()

    def main(task: str) -> Iterator[str]:
        begun.set()
        if task == "c":
            ready.set()
            sleep(0.3)
        yield f"main {task}"

    def helper(task: str) -> Iterator[str]:
        yield f"helper {task}"

    found = sorted(together([Hand(main), Hand(helper, ready.is_set)], "abcd"))
    assert found == ["helper d", "main a", "main b", "main c"]


def test_a_hand_whose_work_nobody_wants_takes_no_more() -> None:
    def hand(task: str) -> Iterator[str]:
        yield task
        raise Unwanted("gone")

    assert sorted(together([Hand(hand), Hand(hand)], "abcd")) == ["a", "b"]


def test_an_error_of_our_own_is_raised_where_it_is_heard() -> None:
    def broken(task: str) -> Iterator[str]:
        yield task
        raise KeyError(task)

    with pytest.raises(KeyError, match="a"):
        list(together([Hand(broken)], "ab"))


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    made = Runner(Settings(job_seconds=100), hands=2)
    yield made
    made.close()


Answer = Callable[..., Measured]


def put(patch: pytest.MonkeyPatch, runner: Runner, answer: Callable[[str], Answer]) -> None:
    """In the place of each process, what a test has by its name."""
    for name in ("codecs", "metrics"):
        patch.setattr(getattr(runner, name)[0], "call", answer(name))


def refused(*_: object, **__: object) -> Measured:
    raise AssertionError("this process has other work")


def test_the_process_for_metrics_codes_as_well_and_files_are_the_same(
    runner: Runner, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, lock, both = list[str](), Lock(), Barrier(2)
    for name in ("codecs", "metrics"):
        (worker,) = getattr(runner, name)
        call = worker.call

        def counted(*args: object, name: str = name, call: object = call, **how: object) -> object:
            with lock:
                calls.append(name)
                first = calls.count(name) == 1
            if first:
                both.wait(WAIT_S)  # neither may do it all before the other has begun
            return call(*args, **how)  # type: ignore[operator]

        monkeypatch.setattr(worker, "call", counted)
    jobs = [job(codec, photo) for codec in ("jpeg", "webp", "avif", "jxl")]
    news = list(runner.run(jobs, Turn()))
    made = {one.codec: one.pictures[0].file for one in news if isinstance(one, Outcome)}
    assert made == {one.codec: work.run_job(one).pictures[0].file for one in jobs}
    assert set(calls) == {"codecs", "metrics"}
    assert len(calls) == len(jobs)


def test_while_something_is_measured_one_process_codes(
    runner: Runner, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner.metrics[0], "call", refused)
    with runner.metrics[0]._lock:
        news = list(runner.run([job("jpeg", photo), job("webp", photo)], Turn()))
    assert [one.codec for one in news] == ["jpeg", "jpeg", "webp", "webp"]


class Bench:
    """A picture of a comparison, and metrics that a test takes."""

    def __init__(self, runner: Runner, photo: Image) -> None:
        store: Memory[Entry] = Memory(1 << 20, size_of)
        self.measuring = Measuring(runner, store, Memory(10))
        self.original = Photo("photo", photo, png_bytes(photo))
        (made,) = work.run_job(job("jpeg", photo)).pictures
        one = Decoded.of(made, "photo", 0.5)
        store.put(one.key, one)
        self.shown = Comparison("photo", self.original, 0.5, [Slot.of(one)])

    def filled(self) -> Iterator[Comparison]:
        return self.measuring.filled(self.shown, self.original, (), "", lambda: True)


def test_who_closes_a_comparison_is_not_held_up_by_what_is_measured(
    runner: Runner, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, ended, heard = Event(), Event(), list[bool]()

    def call(*_: object, wanted: Wanted, **__: object) -> Measured:
        if first.is_set():
            until = monotonic() + WAIT_S
            while wanted() and monotonic() < until:
                sleep(0.01)
            heard.append(not wanted())
            ended.set()
        first.set()
        return Measured({"one": 1.0}, {})

    monkeypatch.setattr("app.server.measuring.measurable", lambda _: ("one", "two"))
    monkeypatch.setattr(runner.metrics[0], "call", call)
    monkeypatch.setattr(runner, "can_help", lambda: False)
    moments = Bench(runner, photo).filled()
    next(moments)
    moments.close()  # type: ignore[attr-defined]  # the page's own loop does this
    assert ended.wait(WAIT_S)  # though the visitor still counts as there
    assert heard == [True]


def test_metrics_are_taken_by_both(
    runner: Runner, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, both = list[str](), Barrier(2)

    def answer(name: str) -> Answer:
        def call(*given: object, **_: object) -> Measured:
            asked.append(name)
            both.wait(WAIT_S)
            return Measured({str(given[-1]): 1.0}, {})

        return call

    put(monkeypatch, runner, answer)
    monkeypatch.setattr("app.server.measuring.measurable", lambda _: ("one", "two"))
    measured = last(Bench(runner, photo).filled()).slots[0].measured
    assert measured is not None
    assert set(measured.values) == {"['one']", "['two']"}
    assert sorted(asked) == ["codecs", "metrics"]


def test_a_process_that_codes_is_not_asked_to_measure(
    runner: Runner, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner.codecs[0], "call", refused)
    monkeypatch.setattr(runner.metrics[0], "call", lambda *_, **__: Measured({"one": 1.0}, {}))
    monkeypatch.setattr("app.server.measuring.measurable", lambda _: ("one", "two", "three"))
    with runner.codecs[0]._lock:
        assert len(list(Bench(runner, photo).filled())) == 3


def test_the_part_in_view_is_measured_where_nobody_is_at_work(
    runner: Runner, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()
    put(monkeypatch, runner, lambda name: lambda *_, **__: asked.append(name) or Measured({}, {}))
    runner.measure(photo, photo, ["psnr"])
    with runner.metrics[0]._lock:
        runner.measure(photo, photo, ["psnr"])
        runner.measure(photo, photo, ["psnr"], Turn())
    assert asked == ["metrics", "codecs", "metrics"]


def test_only_small_pictures_and_our_own_weights_are_worth_two_processes() -> None:
    two = Runner(Settings(), hands=2)
    assert two.hands_for(1_500_000, ["elic", "vq", "jpeg"]) == 2
    assert two.hands_for(1_500_001, ["elic", "vq"]) == 1
    assert two.hands_for(1000, ["elic", "elic.public"]) == 1
    assert Runner(Settings()).hands_for(1000) == 1


@pytest.mark.parametrize(
    ("cores", "places", "driver", "device", "hands"),
    [
        (1, 1, False, "", 1),
        (2, 1, False, "", 2),
        (2, 2, False, "", 1),
        (3, 2, False, "", 1),
        (4, 2, False, "", 2),
        (16, 1, True, "", 1),
        (16, 1, True, "cpu", 2),
        (16, 1, False, "cuda:1", 1),
    ],
)
def test_there_are_two_hands_where_each_has_a_core_and_none_a_gpu(
    cores: int, places: int, driver: bool, device: str, hands: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "cores", lambda: cores)
    monkeypatch.setattr(devices, "_has_driver", lambda: driver)
    monkeypatch.setenv("MODE_DEVICE", device)
    assert devices.hands_here(places) == hands


def test_hands_share_the_threads_of_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cores", lambda: 8)
    monkeypatch.setattr(devices, "_has_driver", lambda: False)
    monkeypatch.delenv("MODE_DEVICE", raising=False)
    for operator, threads in (("", [8, 4, 2]), ("4,2", [4, 2, 2]), ("1", [1, 1, 1])):
        monkeypatch.setenv("OMP_NUM_THREADS", operator)
        assert [devices.threads_here(*one) for one in ((1, 1), (1, 2), (2, 2))] == threads
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    assert devices.told(0, 1, 2) == {"OMP_NUM_THREADS": "2"}
    assert devices.told(0, 1) == devices.told(1, 2) == {}


def test_a_picture_is_drawn_on_as_many_threads_whoever_works_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    runner, threads = Runner(Settings(), hands=2), list[object]()

    def call(task: object, *given: object, **_: object) -> Outcome:
        threads.append(given[0])
        return Outcome("jpeg")

    monkeypatch.setattr(runner.codecs[0], "call", call)
    for height in (16, 1600):
        one = job("jpeg", np.zeros((height, 1000, 3), np.uint8))
        list(runner.run([one], Turn()))
        with runner.metrics[0]._lock:
            list(runner.run([one, one], Turn()))
    assert threads == [4, 4, 4, 8, 8, 8]


def test_a_task_has_its_threads(one_thread: None) -> None:
    import torch

    assert work.on_threads(2, torch.get_num_threads) == 2
    assert work.on_threads(0, torch.get_num_threads) == 2
    told = work.on_threads(1, work.machine, "elic"), work.on_threads(1, work.machine, "jpeg")
    cores = work.cores()
    assert told[1] == f"{cores} processor cores"
    assert told[0] == (told[1] if cores == 1 else f"1 of {cores} processor cores")


@pytest.mark.weights
def test_reading_counts_once_in_what_a_file_will_take() -> None:
    runner, photo = Runner(Settings()), make_photo(64, 96)
    made = decode_all("mode", photo, Target(bpp=0.5))
    read, draw = 1.0, 0.1
    made = [replace(one, decode_s=read + draw, read_s=read, encode_s=2.0) for one in made]
    runner._learn(Outcome("mode", tuple(made)))
    told = runner.pace.seconds("mode", photo.size // 3, 2, encodes=False)
    assert told == pytest.approx(read + 2 * draw)
