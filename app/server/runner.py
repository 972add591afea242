"""Where heavy work runs: in helper processes, or on a borrowed GPU when this is a ZeroGPU Space."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from app.panes.names import ORIGINAL, default_panes, own_panes
from app.panes.weights import info_of, sentence
from app.server import jobs as work
from app.server.jobs import Begun, Job, Outcome, jobs_for
from app.server.pace import Pace
from app.server.process import Unwanted, Wanted, Worker, WorkerLost
from app.server.reader import Reader
from app.server.store import StoredFile
from app.settings import Settings
from mode_core.metrics import Measured, measurable
from mode_core.pictures.synthetic import built_in_picture
from mode_core.settings import setting
from mode_core.types import Image

_METRICS_PATIENCE_S = 20.0
"""Seconds to wait for the metrics of what is in view while others are measured."""
_USUAL_PIXELS = 1_500_000
"""Larger pictures may take longer than MODE_JOB_SECONDS, in proportion."""
_WARM_BPP = 0.1


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
            yield Begun(job.codec)
            try:
                outcome = self.codecs.call(
                    work.run_job, job, seconds=self._limit(job.pixels.size // 3), wanted=wanted
                )
            except Unwanted:
                return
            except WorkerLost as error:
                outcome = Outcome(job.codec, error=str(error))
            self._learn(job, outcome)
            yield outcome

    def open_file(self, file: StoredFile, anchors: Sequence[str], wanted: Wanted) -> Outcome:
        """The pictures in a file."""
        try:
            limit = self._limit(file.bitstream.width * file.bitstream.height)
            outcome: Outcome = self.codecs.call(
                work.open_file, file, anchors, seconds=limit, wanted=wanted
            )
        except (WorkerLost, Unwanted) as error:
            return Outcome("", error=str(error))
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
            for job, outcome in zip(jobs, self.codecs.call(work.warm, jobs), strict=True):
                self._learn(job, outcome)
        self.measure(picture, picture, measurable())

    def close(self) -> None:
        """End all helper processes."""
        self.reader.close()
        self.codecs.close()
        self.metrics.close()

    def _limit(self, pixels: int) -> float:
        return self.codecs.seconds * max(1.0, pixels / _USUAL_PIXELS)

    def _learn(self, job: Job, outcome: Outcome) -> None:
        if outcome.pictures and job.file is None:
            self.pace.learn(job.codec, job.pixels.size // 3, outcome.seconds)


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

    def run(self, jobs: Sequence[Job], wanted: Wanted) -> Iterator[Begun | Outcome]:
        """Classical codecs first: they need no GPU, and a visitor's share of it is small."""
        yield from super().run([job for job in jobs if not info_of(job.codec).learned], wanted)
        waiting = [job for job in jobs if info_of(job.codec).learned]
        if not (waiting and wanted()):
            return
        yield from (Begun(job.codec) for job in waiting)
        try:
            for outcome in self._on_gpu(list(waiting)):
                self._learn(waiting.pop(0), outcome)
                yield outcome
                if not wanted():
                    return
        except Exception as error:  # whatever the lender raises: no quota left, aborted, too slow
            words = sentence(re.sub(r"<[^>]*>", "", str(error)))
            why = f"the GPU was not lent ({words}); try again later, or a codec that needs none"
            yield from (Outcome(job.codec, error=why) for job in waiting)


def all_jobs(jobs: Sequence[Job]) -> Iterator[Outcome]:
    """The outcome of each job, computed in this process."""
    yield from map(work.run_job, jobs)


def gpu_seconds(jobs: Sequence[Job]) -> int:
    """A bid for GPU time: shorter bids are served sooner."""
    pixels = sum(job.pixels.size / 3 for job in jobs)
    return min(120, 15 + round(pixels / 1e6 * 4))
