"""Where heavy work runs: in helper processes, or on a borrowed GPU when this is a ZeroGPU Space."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Protocol

import numpy as np

from app import work
from app.settings import Settings
from app.work import Job, Outcome
from app.worker import Worker, WorkerLost
from mode_core.metrics import BENCH_METRICS, Measured
from mode_core.metrics.fidelity import MS_SSIM_MIN_SIDE
from mode_core.registry import CODECS
from mode_core.types import Image

_METRICS_PATIENCE_S = 20.0


class Runner(Protocol):
    """Runs jobs somewhere; every failure of a codec is an Outcome, never an exception."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """The outcome of each job, as soon as it is there."""
        ...

    def open_file(self, data: bytes, anchors: Sequence[str]) -> Outcome:
        """The pictures in a file."""
        ...

    def measure(self, reference: Image, decoded: Image, names: Sequence[str]) -> Measured:
        """The metrics of a decoded picture."""
        ...

    def warm(self) -> None:
        """Load codecs and metrics ahead of the first visitor."""
        ...


class LocalRunner:
    """Two helper processes: codecs in one, metrics in the other, so that neither waits."""

    def __init__(self, settings: Settings) -> None:
        self.codecs, self.metrics = Worker(settings.job_seconds), Worker(settings.job_seconds)

    def run(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        """The outcome of each job, as soon as it is there."""
        for job in jobs:
            try:
                yield self.codecs.call(work.run_job, job)
            except WorkerLost as error:
                yield Outcome(job.codec, error=str(error))

    def open_file(self, data: bytes, anchors: Sequence[str]) -> Outcome:
        """The pictures in a file."""
        try:
            outcome: Outcome = self.codecs.call(work.open_file, data, anchors)
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
    """Helper processes; on a ZeroGPU Space one GPU call for all codecs of a comparison."""
    local = LocalRunner(settings)
    return _on_zero_gpu(local) if os.environ.get("SPACES_ZERO_GPU") else local


def _on_zero_gpu(local: LocalRunner) -> Runner:
    import spaces

    @spaces.GPU(duration=_gpu_seconds)  # type: ignore[untyped-decorator]
    def all_jobs(jobs: Sequence[Job]) -> Iterator[Outcome]:
        yield from map(work.run_job, jobs)

    class ZeroRunner:
        """Codecs on the borrowed GPU; files and metrics in the helper processes."""

        run = staticmethod(all_jobs)
        open_file, measure, warm = local.open_file, local.measure, local.warm

    return ZeroRunner()


def _gpu_seconds(jobs: Sequence[Job]) -> int:
    """A bid for GPU time: shorter bids are served sooner."""
    pixels = sum(job.pixels.size / 3 for job in jobs)
    return min(120, 15 + round(pixels / 1e6 * 4))
