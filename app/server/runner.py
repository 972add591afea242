"""Where heavy work runs: in helper processes, or on a borrowed GPU when this is a ZeroGPU Space."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from statistics import mean
from typing import Any

import numpy as np

from app.panes.names import ORIGINAL, default_panes, own_panes, panes_of
from app.panes.weights import info_of, parts_of, sentence
from app.server import jobs as work
from app.server.devices import hands_here, places_here, threads_here, told
from app.server.jobs import Begun, Job, Outcome, jobs_for
from app.server.pace import Pace
from app.server.process import Turn, Unwanted, Wanted, Worker, WorkerLost
from app.server.reader import Reader
from app.server.store import StoredFile
from app.server.together import Hand, together
from app.settings import Settings
from mode_core.codecs.registry import CODECS
from mode_core.metrics import Measured, measurable
from mode_core.pictures.synthetic import built_in_picture
from mode_core.settings import setting
from mode_core.types import Image

_METRICS_PATIENCE_S = 60.0
"""Seconds to wait for the metrics of what is in view while others are measured."""
_USUAL_PIXELS = 1_500_000
"""Larger pictures may take longer than MODE_JOB_SECONDS, in proportion."""
_WARM_BPP = 0.1
MOST_GPU_S = 80
"""The longest bid. It counts 1.5 times, and visitors without an account may have 120 seconds."""
_GPU_STARTS_S, _GPU_MEGAPIXEL_S = 15, 4
_LARGEST_MEGAPIXELS = (MOST_GPU_S - _GPU_STARTS_S) // _GPU_MEGAPIXEL_S
_TOO_LARGE = (
    f"the picture is too large for a borrowed GPU, which takes up to {_LARGEST_MEGAPIXELS} "
    "megapixels; code the part in view, or open a smaller picture"
)


class Runner:
    """Helper processes: codecs, metrics, and what visitors send to be read; none waits for another.

    There is one for codecs and one for metrics at each place. Where there are cores for two hands
    each helps the other while it has nothing to do. Every failure of a codec is an Outcome, never
    an exception.
    """

    def __init__(self, settings: Settings, places: int = 1, hands: int = 1) -> None:
        self.places, self.hands, self._seconds = places, hands, settings.job_seconds
        shares = [told(place, places, hands) for place in range(places)]
        self.codecs = [Worker(self._seconds, told=share) for share in shares]
        self.metrics = [Worker(self._seconds, told=share) for share in shares]
        self.pace = Pace()
        self.reader = Reader(settings)
        self.profile = settings.profile

    def run(self, jobs: Sequence[Job], turn: Turn) -> Iterator[Begun | Outcome]:
        """That a job has begun and its outcome, as they come, for as long as they are wanted."""
        pixels = max((job.pixels.size // 3 for job in jobs), default=0)
        both = self.hands_for(pixels, [job.codec for job in jobs]) > 1 and len(jobs) > 1
        worker, helper = self.codecs[turn.place], self.metrics[turn.place]
        hands = [Hand(partial(self._done, worker, turn))]
        if both:
            hands.append(Hand(partial(self._done, helper, turn), lambda: not helper.is_busy))
        yield from together(hands, jobs)

    def hands_for(self, pixels: int, makers: Sequence[str] = ()) -> int:
        """How many processes work on one picture: two large ones might not fit into memory, nor
        might two copies of authors' weights."""
        ours = not any(parts_of(maker)[1] for maker in makers)
        return self.hands if ours and pixels <= _USUAL_PIXELS else 1

    def _done(self, worker: Worker, turn: Turn, job: Job) -> Iterator[Begun | Outcome]:
        yield Begun.of(job)
        pixels = job.pixels.size // 3
        try:
            outcome: Outcome = worker.call(
                work.on_threads, self._threads(pixels), work.run_job, job,
                seconds=self._limit(pixels), wanted=turn,
            )  # fmt: skip
        except WorkerLost as error:
            outcome = Outcome.failed(job, str(error))
        self._learn(outcome)
        yield outcome

    def open_file(self, file: StoredFile, anchors: Sequence[str], turn: Turn) -> Outcome:
        """The pictures in a file."""
        try:
            width, height = file.size
            pixels = width * height
            outcome: Outcome = self.codecs[turn.place].call(
                work.on_threads, self._threads(pixels), work.open_file, file, anchors,
                seconds=self._limit(pixels), wanted=turn,
            )  # fmt: skip
        except (WorkerLost, Unwanted) as error:
            return Outcome("", error=str(error))
        self._learn(outcome)
        return outcome

    def measure(
        self,
        reference: Image,
        decoded: Image,
        names: Sequence[str],
        wanted: Wanted | None = None,
    ) -> Measured:
        """The metrics of a decoded picture; a lost worker gives its sentence for every one.

        Who says for how long they are wanted also waits until others have been measured. A turn
        has its place; whoever comes without one is measured where nobody is at work.
        """
        how = {"patience_s": _METRICS_PATIENCE_S} if wanted is None else {"wanted": wanted}
        anywhere = [*self.metrics, *(self.codecs if self.hands > 1 else ())]
        idle = min(anywhere, key=lambda one: one.is_busy)
        worker = self.metrics[wanted.place] if isinstance(wanted, Turn) else idle
        return self._measured(worker, reference, decoded, names, how)

    def can_help(self) -> bool:
        """Whether a process for codecs has nothing to do."""
        return not all(one.is_busy for one in self.codecs)

    def help_measure(
        self, reference: Image, decoded: Image, names: Sequence[str], wanted: Wanted
    ) -> Measured:
        """The same in a process for codecs, one that has nothing to do."""
        worker = min(self.codecs, key=lambda one: one.is_busy)
        return self._measured(worker, reference, decoded, names, {"wanted": wanted})

    def _measured(
        self,
        worker: Worker,
        reference: Image,
        decoded: Image,
        names: Sequence[str],
        how: Mapping[str, Any],
    ) -> Measured:
        pixels = reference.size // 3
        try:
            measured: Measured = worker.call(
                work.on_threads, self._threads(pixels), work.measure_pair,
                reference, decoded, names, seconds=self._limit(pixels), **how,
            )  # fmt: skip
        except (WorkerLost, Unwanted) as error:
            return Measured({}, dict.fromkeys(names, str(error)))
        return measured

    def warm(self) -> None:
        """Load codecs and metrics ahead of the first visitor, and learn what pictures take."""
        picture = built_in_picture()
        first = (id for id in default_panes(self.profile)[0] if id != ORIGINAL)
        jobs = jobs_for(picture, [*dict.fromkeys([*own_panes(), *first])], _WARM_BPP)

        def load(place: int) -> None:
            with suppress(WorkerLost):
                for outcome in self.codecs[place].call(work.warm, jobs):
                    self._learn(outcome)
            self.measure(picture, picture, measurable(), Turn(place))
            if self.hands > 1:
                self._measured(self.codecs[place], picture, picture, measurable(), {})
                for job in jobs:  # one by one: somebody may want to have something measured
                    with suppress(WorkerLost):
                        self.metrics[place].call(work.warm, [job])

        self.reader.warm()
        with ThreadPoolExecutor(self.places) as all_places:
            list(all_places.map(load, range(self.places)))

    def rehearsals(self) -> list[Job]:
        """What to do before anybody asks: only two sizes tell what a third one will take."""
        picture = np.tile(built_in_picture(), (2, 2, 1))
        panes = [pane for codec in CODECS for pane in panes_of(codec)]
        return jobs_for(picture, panes, _WARM_BPP)

    def close(self) -> None:
        """End all helper processes."""
        self.reader.close()
        for worker in (*self.codecs, *self.metrics):
            worker.close()

    def _threads(self, pixels: int) -> int:
        # as many for a picture whoever works beside it: its pixels depend on that, by a level here
        # and there; 0 leaves a process those that it has
        return threads_here(self.places, self.hands_for(pixels)) if self.hands > 1 else 0

    def _limit(self, pixels: int) -> float:
        return self._seconds * max(1.0, pixels / _USUAL_PIXELS)

    def _learn(self, outcome: Outcome) -> None:
        if not (made := outcome.pictures):
            return
        pixels = made[0].image.size // 3
        # a file is read once, and that stands in what each of its pictures took
        shared = (len(made) - 1) * made[0].read_s / len(made)
        decode_s = mean(one.decode_s for one in made) - shared
        self.pace.learn(outcome.codec, "decode", pixels, decode_s)
        if made[0].encode_s is not None:  # one file for all of them
            self.pace.learn(outcome.codec, "encode", pixels, made[0].encode_s)


def make_runner(settings: Settings) -> Runner:
    """Helper processes; on a ZeroGPU Space one GPU call for all networks of a comparison."""
    on_zero = setting("SPACES_ZERO_GPU").lower() in ("1", "t", "true")
    if on_zero:
        return ZeroRunner(settings)
    places = places_here(settings)
    return Runner(settings, places, hands_here(places))


class ZeroRunner(Runner):
    """Networks on a borrowed GPU, a fork of this process; all else in the helper processes.

    One comparison at a time, whatever MODE_WORKERS says: the lender's line is another one.
    """

    def __init__(self, settings: Settings) -> None:
        import spaces  # on ZeroGPU alone, where it must come before anything that touches CUDA

        super().__init__(settings)
        self._on_gpu = spaces.GPU(duration=gpu_seconds)(all_jobs)

    def rehearsals(self) -> list[Job]:
        """None that need a GPU, which is lent to visitors alone."""
        return [job for job in super().rehearsals() if not info_of(job.codec).learned]

    def run(self, jobs: Sequence[Job], turn: Turn) -> Iterator[Begun | Outcome]:
        """Classical codecs first: they need no GPU, and a visitor's share of it is small."""
        yield from super().run([job for job in jobs if not info_of(job.codec).learned], turn)
        waiting = [job for job in jobs if info_of(job.codec).learned]
        if not (waiting and turn()):
            return
        yield from map(Begun.of, waiting)
        for lot in _lots(waiting):
            if not turn():
                return
            yield from self._borrowed(lot, turn)

    def _borrowed(self, lot: list[Job], turn: Turn) -> Iterator[Outcome]:
        """The outcomes of one GPU call, or the sentence why there is none."""
        if gpu_seconds(lot) > MOST_GPU_S:
            yield from (Outcome.failed(job, _TOO_LARGE) for job in lot)
            return
        try:
            for outcome in self._on_gpu(list(lot)):
                lot.pop(0)
                self._learn(outcome)
                yield outcome
                if not turn():
                    return
        except Exception as error:  # whatever the lender raises: no quota left, aborted, too slow
            words = sentence(re.sub(r"<[^>]*>", "", str(error)))
            why = f"the GPU was not lent ({words}); try again later, or a codec that needs none"
            yield from (Outcome.failed(job, why) for job in lot)


def _lots(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs that fit into one call together; what is too large for any is alone."""
    lot: list[Job] = []
    for job in jobs:
        if lot and gpu_seconds([*lot, job]) > MOST_GPU_S:
            yield lot
            lot = []
        lot.append(job)
    yield lot


def all_jobs(jobs: Sequence[Job]) -> Iterator[Outcome]:
    """The outcome of each job, computed in this process."""
    yield from map(work.run_job, jobs)


def gpu_seconds(jobs: Sequence[Job]) -> int:
    """A bid for GPU time: shorter bids are served sooner."""
    pixels = sum(job.pixels.size / 3 for job in jobs)
    return _GPU_STARTS_S + round(pixels / 1e6 * _GPU_MEGAPIXEL_S)
