"""Jobs on one thread each: in this process, or in several that end whenever this one does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from typing import TypeVar

from mode_core.errors import ModeError

THREADS = 1
Job = TypeVar("Job")
Result = TypeVar("Result")


def outcomes(
    jobs: Sequence[Job], attempt: Callable[[Job], Result], workers: int
) -> Iterator[tuple[Job, Result]]:
    """Each job with what came of it, as they get done."""
    if workers == 1:
        with _one_thread():
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
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        yield
    finally:
        torch.set_num_threads(before)
