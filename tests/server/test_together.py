"""Two processes at one comparison: sooner done, nothing twice, nothing begun for nobody."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Barrier, Event, Lock, Thread
from time import sleep

import numpy as np
import pytest

from app.server import devices
from app.server import jobs as work
from app.server.jobs import Job, Outcome
from app.server.measuring import Measuring
from app.server.memory import Memory
from app.server.process import Turn, Unwanted
from app.server.runner import Runner
from app.server.snapshot import Comparison, Slot
from app.server.store import Decoded, Entry, Photo, size_of
from app.server.together import together
from app.settings import Settings
from mode_core.metrics import Measured
from mode_core.pictures.files import png_bytes
from mode_core.types import Image
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

    news = list(together([hand, hand], "abcd"))
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

    found = sorted(together([slow, quick], "abcd"))
    assert found in (["b", "c", "d", "slow a"], ["a", "c", "d", "slow b"])


def test_what_nobody_hears_is_not_begun() -> None:
    begun, gate = list[str](), Event()

    def hand(task: str) -> Iterator[str]:
        begun.append(task)
        yield task
        assert gate.wait(WAIT_S)

    news = together([hand, hand], "abcd")
    assert {next(news), next(news)} == {"a", "b"}
    closing = Thread(target=news.close)  # type: ignore[attr-defined]
    closing.start()
    sleep(0.1)
    gate.set()
    closing.join(WAIT_S)
    assert not closing.is_alive()
    assert sorted(begun) == ["a", "b"]


def test_a_hand_whose_work_nobody_wants_takes_no_more() -> None:
    def hand(task: str) -> Iterator[str]:
        yield task
        raise Unwanted("gone")

    assert sorted(together([hand, hand], "abcd")) == ["a", "b"]


def test_an_error_of_our_own_is_raised_where_it_is_heard() -> None:
    def broken(task: str) -> Iterator[str]:
        yield task
        raise KeyError(task)

    with pytest.raises(KeyError, match="a"):
        list(together([broken], "ab"))


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    made = Runner(Settings(job_seconds=100), hands=2)
    yield made
    made.close()


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
    def refused(*_: object, **__: object) -> Measured:
        raise AssertionError("the process for metrics has other work")

    monkeypatch.setattr(runner.metrics[0], "call", refused)
    with runner.metrics[0]._lock:
        news = list(runner.run([job("jpeg", photo), job("webp", photo)], Turn()))
    assert [one.codec for one in news] == ["jpeg", "jpeg", "webp", "webp"]


def test_metrics_are_taken_by_both_each_hand_beginning_with_its_own(
    runner: Runner, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, both = list[str](), Barrier(2)
    for name in ("codecs", "metrics"):

        def call(*given: object, name: str = name, **_: object) -> Measured:
            asked.append(name)
            both.wait(WAIT_S)
            return Measured({str(given[-1]): 1.0}, {})

        monkeypatch.setattr(getattr(runner, name)[0], "call", call)
    monkeypatch.setattr("app.server.measuring.measurable", lambda _: ("one", "two"))
    store: Memory[Entry] = Memory(1 << 20, size_of)
    measuring = Measuring(runner, store, Memory(10))
    original = Photo("photo", photo, png_bytes(photo))
    (made,) = work.run_job(job("jpeg", photo)).pictures
    one = Decoded.of(made, "photo", 0.5)
    store.put(one.key, one)
    shown = Comparison("photo", original, 0.5, [Slot.of(one)])
    end = last(measuring.filled(shown, original, (), "", lambda: True))
    assert end.slots[0].measured is not None
    assert set(end.slots[0].measured.values) == {"['one']", "['two']"}
    assert sorted(asked) == ["codecs", "metrics"]


def test_where_one_is_at_work_the_other_measures(
    runner: Runner, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()
    for name in ("codecs", "metrics"):

        def call(*_: object, name: str = name, **__: object) -> Measured:
            asked.append(name)
            return Measured({}, {})

        monkeypatch.setattr(getattr(runner, name)[0], "call", call)
    large = np.zeros((1200, 1300, 3), np.uint8)
    for hand in range(2):
        runner.measure(photo, photo, ["psnr"], Turn(hand))
        runner.measure(large, large, ["psnr"], Turn(hand))
        with runner.metrics[0]._lock:
            runner.measure(photo, photo, ["psnr"], Turn(hand))
    runner.measure(photo, photo, ["psnr"])
    assert asked == ["metrics", "metrics", "codecs", "codecs", "metrics", "codecs", "metrics"]


def test_only_small_pictures_and_our_own_weights_are_worth_two_processes() -> None:
    two = Runner(Settings(), hands=2)
    assert two.hands_for(1_500_000, ["elic", "vq", "jpeg"]) == 2
    assert two.hands_for(1_500_001, ["elic", "vq"]) == 1
    assert two.hands_for(1000, ["elic", "elic.public"]) == 1
    assert Runner(Settings()).hands_for(1000) == 1


@pytest.mark.parametrize(
    ("cores", "places", "gpus", "hands"),
    [(1, 1, 0, 1), (2, 1, 0, 2), (2, 2, 0, 1), (3, 2, 0, 1), (4, 2, 0, 2), (16, 1, 1, 1)],
)
def test_there_are_two_hands_where_each_has_a_core_and_none_a_gpu(
    cores: int, places: int, gpus: int, hands: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "cores", lambda: cores)
    monkeypatch.setattr(devices, "gpus", lambda: gpus)
    monkeypatch.delenv("MODE_DEVICE", raising=False)
    assert devices.hands_here(places) == hands


def test_hands_share_the_threads_of_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert [devices.threads_here(*one) for one in ((1, 1), (1, 2), (2, 2))] == [8, 4, 2]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert devices.threads_here(1, 2) == 1


def test_a_task_has_its_threads_and_what_comes_after_it_all(one_thread: None) -> None:
    import torch

    torch.set_num_threads(2)
    assert work.on_threads(1, torch.get_num_threads) == 1
    assert work.on_threads(0, torch.get_num_threads) == 2
    assert torch.get_num_threads() == 2
    told = work.on_threads(1, work.machine, "elic"), work.on_threads(1, work.machine, "jpeg")
    cores = work.cores()
    assert told[1] == f"{cores} processor cores"
    assert told[0] == (told[1] if cores == 1 else f"1 of {cores} processor cores")
