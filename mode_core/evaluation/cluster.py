"""Jobs as tasks of Ray (https://docs.ray.io): on the cores of this machine, or on a cluster.

A picture goes into Ray's store once, and its tasks, which follow each other, get a reference;
weights stay loaded in a worker. A worker that dies costs its task a retry, and one that stands on
another program, other weights or metrics (`basis.py`) ends the run before it has made a row.
"""

from __future__ import annotations

import platform
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from mode_core.errors import ModeError
from mode_core.evaluation.basis import basis, difference, weights_basis
from mode_core.evaluation.session import KEPT, LOCAL, first_line, joined
from mode_core.evaluation.workers import THREADS, AnyTask, Maker, Reader
from mode_core.pictures.files import read_image
from mode_core.types import Image
from mode_core.weights.provenance import device

Result = TypeVar("Result")
Picture = Image | Exception
"""The pixels, or why there are none."""
_RETRIES = 3
_AHEAD = 2
"""Tasks handed out for each that can run: the next is there when one ends, and few pictures are."""
_LOOK_S = 10.0


class Done(NamedTuple):
    """What a task gives back."""

    outcome: Any
    device: str
    unlike: str = ""
    """Why nothing may be measured by this worker."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The engine that hands jobs to Ray."""

    address: str = LOCAL
    workers: int | None = None
    """Tasks at a time; as many as fit unless given."""
    gpus: float = 0
    """What part of a GPU a task takes."""
    devices: set[str] = field(default_factory=set)
    """What tasks ran on so far."""

    def outcomes(
        self, jobs: Sequence[AnyTask], attempt: Callable[[AnyTask, Reader], Result]
    ) -> Iterator[tuple[AnyTask, Result | str]]:
        """Each job with what came of it, as they get done; a sentence where nothing could."""
        if jobs:
            with joined(self.address, self.workers) as ray:
                yield from self._done(ray, _by_photo(jobs), attempt)

    def _done(
        self, ray: Any, waiting: deque[AnyTask], attempt: Callable[[AnyTask, Reader], Result]
    ) -> Iterator[tuple[AnyTask, Result | str]]:
        # Without max_calls Ray ends a worker with a GPU after each task, and its weights with it.
        do = ray.remote(num_cpus=1, num_gpus=self.gpus, max_calls=0, max_retries=_RETRIES)(_do)
        pictures, shared = _Pictures(ray), basis()
        makers = {job.maker for job in waiting}
        expected = {maker: {**shared, **weights_basis(maker)} for maker in makers}
        room, running = self._room(ray), dict[Any, AnyTask]()
        while waiting or running:
            while waiting and len(running) < room:
                job = waiting.popleft()
                task = do.remote(attempt, job, expected[job.maker], pictures.of(job.photo))
                running[task] = job
            ready, _ = ray.wait([*running], timeout=_LOOK_S)
            for task in ready:
                yield running.pop(task), self._outcome(ray, task)
            if not ready:  # nodes come and go
                room = self._room(ray)

    def _room(self, ray: Any) -> int:
        """How many tasks may be handed out at a time; ModeError where none could ever run."""
        there = ray.cluster_resources()
        fit = int(there.get("CPU", 0))
        if self.gpus:
            fit = min(fit, int(there.get("GPU", 0) / self.gpus + 1e-6))
        if not fit:
            lacking = f"GPU for --gpus-per-task {self.gpus:g}" if self.gpus else "core"
            raise ModeError(f"the Ray cluster {self.address} has no {lacking}; {KEPT}")
        return min(fit, self.workers or fit) * _AHEAD

    def _outcome(self, ray: Any, task: Any) -> Any:
        """What a task gave back, or why it gave nothing."""
        try:
            done = ray.get(task)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, ImportError | ray.exceptions.RaySystemError):
                raise ModeError(
                    f"a node of the Ray cluster {self.address} cannot run this program "
                    f"({first_line(error.cause)}); install the same commit there; {KEPT}"
                ) from error
            return f"{type(error.cause).__name__}: {first_line(error.cause)}"
        except ray.exceptions.RayError as error:
            often = f"the worker died at each of {_RETRIES + 1} tries"
            return f"{often}, most likely for want of memory ({first_line(error)})"
        if done.unlike:
            raise ModeError(f"{done.unlike}; {KEPT}")
        self.devices.add(done.device)
        return done.outcome


class _Pictures:
    """References to pictures, each of which is read and stored once."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._last: tuple[Path | None, Any] = None, None

    def of(self, photo: Path | None) -> Any:
        """The reference to a photo; tasks that are under way hold on to those before."""
        if photo != self._last[0]:
            self._last = photo, self._ray.put(_picture(photo)) if photo else None
        return self._last[1]


def _picture(photo: Path) -> Picture:
    try:
        return read_image(photo)
    except (ModeError, OSError) as error:
        return error


def _by_photo(jobs: Sequence[AnyTask]) -> deque[AnyTask]:
    """The jobs, those of one photo together."""
    places = {photo: place for place, photo in enumerate(dict.fromkeys(job.photo for job in jobs))}
    return deque(sorted(jobs, key=lambda job: places[job.photo]))


def _do(
    attempt: Callable[[AnyTask, Reader], Result],
    job: AnyTask,
    expected: Mapping[str, str],
    picture: Picture | None,
) -> Done:
    """One task, in a worker."""
    if unlike := difference(expected, _own_basis(job.maker)):
        return Done(None, "", f"on the node {platform.node()} of the Ray cluster {unlike}")
    return Done(attempt(job, partial(_read, job.photo, picture)), _own_device())


def _read(photo: Path | None, picture: Picture | None, path: Path) -> Image:
    """The picture that came along, or one that lies here."""
    if picture is None or path != photo:
        return read_image(path)
    if isinstance(picture, Exception):
        raise picture
    return np.array(picture)  # what the store holds may not be written to


@lru_cache
def _own_basis(maker: Maker | None) -> Mapping[str, str]:
    return {**_own_machine(), **weights_basis(maker)}


@lru_cache
def _own_machine() -> Mapping[str, str]:
    import torch

    torch.set_num_threads(THREADS)
    return basis()


@lru_cache
def _own_device() -> str:
    return device()
