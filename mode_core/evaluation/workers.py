"""Jobs on one thread each: in this process, or in several that end whenever this one does.

`Engine` is the seam: whatever does the jobs of a benchmark, these processes or those of a cluster
(`cluster.py`), gives the same outcomes.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Protocol, TypeVar

from mode_core.errors import ModeError
from mode_core.pictures.files import read_image
from mode_core.types import Image

THREADS = 1
Maker = tuple[str, str]
"""A codec and the profile of its weights."""
Reader = Callable[[Path], Image]
"""The picture behind a path; a cluster's workers have it without the file."""


class Task(Protocol):
    """What is known of every job: whose ledger it fills, and what it needs to be done elsewhere."""

    @property
    def codec(self) -> str: ...
    @property
    def photo(self) -> Path | None: ...
    @property
    def maker(self) -> Maker | None: ...


Job = TypeVar("Job")
AnyTask = TypeVar("AnyTask", bound=Task)
Result = TypeVar("Result")


class Engine(Protocol):
    """Whatever does jobs, each on one thread."""

    def outcomes(
        self, jobs: Sequence[AnyTask], attempt: Callable[[AnyTask, Reader], Result]
    ) -> Iterator[tuple[AnyTask, Result | str]]:
        """Each job with what came of it, as they get done; a sentence where nothing could."""


@dataclass(frozen=True, slots=True)
class Processes:
    """The engine of one machine."""

    workers: int = 1

    def outcomes(
        self, jobs: Sequence[AnyTask], attempt: Callable[[AnyTask, Reader], Result]
    ) -> Iterator[tuple[AnyTask, Result | str]]:
        """Each job with what came of it, as they get done."""
        yield from outcomes(jobs, partial(_on_files, attempt), self.workers)


ALONE = Processes()


def _on_files(attempt: Callable[[Job, Reader], Result], job: Job) -> Result:
    return attempt(job, read_image)


def outcomes(
    jobs: Sequence[Job], attempt: Callable[[Job], Result], workers: int
) -> Iterator[tuple[Job, Result]]:
    """Each job with what came of it, as they get done."""
    if workers == 1:
        with one_thread():
            yield from ((job, attempt(job)) for job in jobs)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker)
    try:
        running: dict[Future[Result], Job] = {pool.submit(attempt, job): job for job in jobs}
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    except (KeyboardInterrupt, GeneratorExit):
        for child in active_children():  # nobody waits for what they are at
            child.terminate()
        raise
    except BrokenProcessPool as error:
        raise ModeError(
            "a worker process died, most likely for want of memory; what was measured is kept: "
            "run again with --resume and fewer --workers"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker() -> None:
    # Ctrl-C reaches every process of a terminal; only the one that hands out jobs may act on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = str(THREADS)  # torch, not imported yet, will read it
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this worker, whatever it does, once the process that hands out jobs is gone."""
    if parent := parent_process():
        parent.join()
        os._exit(1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes on one thread meanwhile."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)
