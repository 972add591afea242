"""Where heavy work runs: in helper processes, or on a borrowed GPU when this is a ZeroGPU Space."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from app.panes.weights import info_of, sentence
from app.server import jobs as work
from app.server.jobs import Job, Outcome
from app.server.process import Worker, WorkerLost
from app.server.store import StoredFile
from app.settings import Settings
from mode_core.codecs.registry import CODECS
from mode_core.metrics import BENCH_METRICS, Measured
from mode_core.metrics.fidelity import MS_SSIM_MIN_SIDE
from mode_core.settings import setting
from mode_core.types import Image

_METRICS_PATIENCE_S = 20.0


class Runner:
    """Two helper processes: codecs in one, metrics in the other, so that neither waits.

    Every failure of a codec is an Outcome, never an exception.
    """

    def __init__(self, settings: Settings) -> None:
        self.codecs, self.metrics = Worker(settings.job_seconds), Worker(settings.job_seconds)

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """The outcome of each job, as soon as it is there."""
        for job in jobs:
            try:
                yield self.codecs.call(work.run_job, job)
            except WorkerLost as error:
                yield Outcome(job.codec, error=str(error))

    def open_file(self, file: StoredFile, anchors: Sequence[str]) -> Outcome:
        """The pictures in a file."""
        try:
            outcome: Outcome = self.codecs.call(work.open_file, file, anchors)
        except WorkerLost as error:
            return Outcome("", error=str(error))
        return outcome

    def measure(self, reference: Image, decoded: Image, names: Sequence[str]) -> Measured:
        """The metrics of a decoded picture; a lost worker gives its sentence for every one."""
        call = self.metrics.call
        try:
            measured: Measured = call(
                work.measure_pair, reference, decoded, names, patience_s=_METRICS_PATIENCE_S
            )
        except WorkerLost as error:
            return Measured({}, dict.fromkeys(names, str(error)))
        return measured

    def warm(self) -> None:
        """Load codecs and metrics ahead of the first visitor."""
        grey = np.full((MS_SSIM_MIN_SIDE, MS_SSIM_MIN_SIDE, 3), 119, np.uint8)
        with suppress(WorkerLost):
            self.codecs.call(work.warm, list(CODECS))
        self.measure(grey, grey, BENCH_METRICS)

    def close(self) -> None:
        """End both helper processes."""
        self.codecs.close()
        self.metrics.close()


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

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """Classical codecs first: they need no GPU, and a visitor's share of it is small."""
        yield from super().run([job for job in jobs if not info_of(job.codec).learned])
        waiting = [job for job in jobs if info_of(job.codec).learned]
        if not waiting:
            return
        try:
            for outcome in self._on_gpu(list(waiting)):
                waiting.pop(0)
                yield outcome
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
