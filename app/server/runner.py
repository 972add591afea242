"""Where heavy work runs: in helper processes, or on a borrowed GPU when this is a ZeroGPU Space."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from statistics import mean

import numpy as np

from app.panes.names import ORIGINAL, default_panes, own_panes, panes_of
from app.panes.weights import info_of, sentence
from app.server import jobs as work
from app.server.jobs import Begun, Job, Outcome, jobs_for
from app.server.pace import Pace
from app.server.process import Unwanted, Wanted, Worker, WorkerLost
from app.server.reader import Reader
from app.server.store import StoredFile
from app.settings import Settings
from mode_core.codecs.registry import CODECS
from mode_core.metrics import Measured, measurable
from mode_core.pictures.synthetic import built_in_picture
from mode_core.settings import setting
from mode_core.types import Image

_METRICS_PATIENCE_S = 20.0
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

    Every failure of a codec is an Outcome, never an exception.
    """

    def __init__(self, settings: Settings) -> None:
        self.codecs, self.metrics = Worker(settings.job_seconds), Worker(settings.job_seconds)
        self.pace = Pace()
        self.reader = Reader(settings)
        self.profile = settings.profile

    def run(self, jobs: Sequence[Job], wanted: Wanted) -> Iterator[Begun | Outcome]:
        """That a job has begun and its outcome, of each in turn, for as long as they are wanted."""
        for job in jobs:
            yield Begun.of(job)
            try:
                outcome = self.codecs.call(
                    work.run_job, job, seconds=self._limit(job.pixels.size // 3), wanted=wanted
                )
            except Unwanted:
                return
            except WorkerLost as error:
                outcome = Outcome.failed(job, str(error))
            self._learn(outcome)
            yield outcome

    def open_file(self, file: StoredFile, anchors: Sequence[str], wanted: Wanted) -> Outcome:
        """The pictures in a file."""
        try:
            width, height = file.size
            limit = self._limit(width * height)
            outcome: Outcome = self.codecs.call(
                work.open_file, file, anchors, seconds=limit, wanted=wanted
            )
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

        Who says for how long they are wanted also waits until others have been measured.
        """
        how = {"patience_s": _METRICS_PATIENCE_S} if wanted is None else {"wanted": wanted}
        limit = self._limit(reference.size // 3)
        try:
            measured: Measured = self.metrics.call(
                work.measure_pair, reference, decoded, names, seconds=limit, **how
            )
        except (WorkerLost, Unwanted) as error:
            return Measured({}, dict.fromkeys(names, str(error)))
        return measured

    def warm(self) -> None:
        """Load codecs and metrics ahead of the first visitor, and learn what pictures take."""
        picture = built_in_picture()
        first = (id for id in default_panes(self.profile)[0] if id != ORIGINAL)
        jobs = jobs_for(picture, [*dict.fromkeys([*own_panes(), *first])], _WARM_BPP)
        with suppress(WorkerLost):
            for outcome in self.codecs.call(work.warm, jobs):
                self._learn(outcome)
        self.measure(picture, picture, measurable())

    def rehearsals(self) -> list[Job]:
        """What to do before anybody asks: only two sizes tell what a third one will take."""
        picture = np.tile(built_in_picture(), (2, 2, 1))
        panes = [pane for codec in CODECS for pane in panes_of(codec)]
        return jobs_for(picture, panes, _WARM_BPP)

    def close(self) -> None:
        """End all helper processes."""
        self.reader.close()
        self.codecs.close()
        self.metrics.close()

    def _limit(self, pixels: int) -> float:
        return self.codecs.seconds * max(1.0, pixels / _USUAL_PIXELS)

    def _learn(self, outcome: Outcome) -> None:
        if not (made := outcome.pictures):
            return
        pixels = made[0].image.size // 3
        self.pace.learn(outcome.codec, "decode", pixels, mean(one.decode_s for one in made))
        if made[0].encode_s is not None:  # one file for all of them
            self.pace.learn(outcome.codec, "encode", pixels, made[0].encode_s)


def make_runner(settings: Settings) -> Runner:
    """Helper processes; on a ZeroGPU Space one GPU call for all networks of a comparison."""
    on_zero = setting("SPACES_ZERO_GPU").lower() in ("1", "t", "true")
    return ZeroRunner(settings) if on_zero else Runner(settings)


class ZeroRunner(Runner):
    """Networks on a borrowed GPU, a fork of this process; all else in the helper processes."""

    def __init__(self, settings: Settings) -> None:
        import spaces  # on ZeroGPU alone, where it must come before anything that touches CUDA

        super().__init__(settings)
        self._on_gpu = spaces.GPU(duration=gpu_seconds)(all_jobs)

    def rehearsals(self) -> list[Job]:
        """None that need a GPU, which is lent to visitors alone."""
        return [job for job in super().rehearsals() if not info_of(job.codec).learned]

    def run(self, jobs: Sequence[Job], wanted: Wanted) -> Iterator[Begun | Outcome]:
        """Classical codecs first: they need no GPU, and a visitor's share of it is small."""
        yield from super().run([job for job in jobs if not info_of(job.codec).learned], wanted)
        waiting = [job for job in jobs if info_of(job.codec).learned]
        if not (waiting and wanted()):
            return
        yield from map(Begun.of, waiting)
        for lot in _lots(waiting):
            if not wanted():
                return
            yield from self._borrowed(lot, wanted)

    def _borrowed(self, lot: list[Job], wanted: Wanted) -> Iterator[Outcome]:
        """The outcomes of one GPU call, or the sentence why there is none."""
        if gpu_seconds(lot) > MOST_GPU_S:
            yield from (Outcome.failed(job, _TOO_LARGE) for job in lot)
            return
        try:
            for outcome in self._on_gpu(list(lot)):
                lot.pop(0)
                self._learn(outcome)
                yield outcome
                if not wanted():
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
