"""Two processes at one comparison: sooner done, nothing twice, nothing begun for nobody."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Barrier, Event, Lock, Thread
from time import sleep

import numpy as np
import pytest

from app.server import devices
from app.server import jobs as work
from app.server.jobs import Begun, Job, Outcome
from app.server.process import Turn
from app.server.runner import Runner
from app.server.together import together
from app.settings import Settings
from mode_core.metrics import Measured
from mode_core.types import Image
from tests.conftest import make_photo

WAIT_S = 10


def job(codec: str, photo: Image | None = None) -> Job:
    return Job(codec, ("",), 0.5, make_photo(16, 16) if photo is None else photo)


def of(jobs: list[Job], kind: type, news: list[Begun | Outcome]) -> list[str]:
    found = sorted(one.codec for one in news if isinstance(one, kind))
    assert len(news) == 2 * len(jobs)
    return found


def test_two_hands_work_at_once_and_share_all_there_is() -> None:
    both, jobs = Barrier(2), [job(name) for name in "abcd"]

    def hand(one: Job) -> Outcome:
        both.wait(WAIT_S)  # passes only with two at work
        return Outcome(one.codec)

    news = list(together([hand, hand], jobs))
    assert of(jobs, Begun, news) == of(jobs, Outcome, news) == list("abcd")


def test_a_hand_that_is_free_takes_what_is_next() -> None:
    done, jobs = Event(), [job(name) for name in "abcd"]

    def slow(one: Job) -> Outcome:
        assert done.wait(WAIT_S)
        return Outcome(f"slow {one.codec}")

    def quick(one: Job) -> Outcome:
        if one.codec == "d":
            done.set()
        return Outcome(one.codec)

    found = of(jobs, Outcome, list(together([slow, quick], jobs)))
    assert found in (["b", "c", "d", "slow a"], ["a", "c", "d", "slow b"])


def test_what_nobody_wants_is_not_begun() -> None:
    begun, gate, jobs = list[str](), Event(), [job(name) for name in "abcd"]

    def hand(one: Job) -> Outcome:
        begun.append(one.codec)
        assert gate.wait(WAIT_S)
        return Outcome(one.codec)

    news = together([hand, hand], jobs)
    assert {next(news).codec, next(news).codec} == {"a", "b"}
    closing = Thread(target=news.close)  # type: ignore[attr-defined]
    closing.start()
    sleep(0.1)
    gate.set()
    closing.join(WAIT_S)
    assert not closing.is_alive()
    assert sorted(begun) == ["a", "b"]
    stopped = list(together([lambda _: None, lambda _: None], jobs))
    assert all(isinstance(one, Begun) for one in stopped)
    assert len(stopped) == 2


def test_an_error_of_our_own_is_raised_where_it_is_heard() -> None:
    def broken(one: Job) -> Outcome:
        raise KeyError(one.codec)

    with pytest.raises(KeyError, match="a"):
        list(together([broken], [job("a"), job("b")]))


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


def test_only_small_pictures_and_our_own_weights_are_worth_two_processes() -> None:
    two = Runner(Settings(), hands=2)
    small = [job("elic"), job("vq"), job("jpeg")]
    large = job("jpeg", np.zeros((1200, 1300, 3), np.uint8))
    assert two.hands_for(small) == 2
    assert two.hands_for(small[:1]) == 1
    assert two.hands_for([]) == 1
    assert two.hands_for([*small, large]) == 1
    assert two.hands_for([*small, job("elic.public")]) == 1
    assert Runner(Settings()).hands_for(small) == 1


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


def test_a_job_has_its_threads_and_what_comes_after_it_all(one_thread: None) -> None:
    import torch

    torch.set_num_threads(2)
    seen = list[int]()

    def task(one: Job) -> Outcome:
        seen.append(torch.get_num_threads())
        return Outcome(one.codec, timing=work.machine(one.codec))

    alone = work.on_threads(1, task, job("elic"))
    for codec, threads in (("elic", 0), ("jpeg", 1)):
        work.on_threads(threads, task, job(codec))
    assert seen == [1, 2, 2]
    assert torch.get_num_threads() == 2
    assert alone.timing == "1 of 2 processor cores" or work.cores() != 2
