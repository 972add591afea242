"""As much of Ray as an engine uses, in this process: what is sent is pickled, as on its way."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any


class RayError(Exception):
    """Ray's own."""


class RayTaskError(RayError):
    """An error of the task."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"a traceback\nof {cause}")
        self.cause = cause


class RaySystemError(RayError):
    """A task that could not even be read."""


class FakeRay:
    """Tasks run when they are waited for, the last one first; `stored` and `most` are counted."""

    exceptions = SimpleNamespace(
        RayError=RayError, RayTaskError=RayTaskError, RaySystemError=RaySystemError
    )

    def __init__(self, **resources: float) -> None:
        self.resources = resources
        self.stored: dict[str, bytes] = {}
        self.sent: dict[str, bytes] = {}
        self.most = 0
        self.options: dict[str, Any] = {}
        self.dies: Callable[[int], Exception | None] = lambda task: None

    @contextmanager
    def joined(self, address: str, workers: int | None) -> Iterator[FakeRay]:
        """In place of `session.joined`."""
        yield self

    def cluster_resources(self) -> dict[str, float]:
        return self.resources

    def put(self, value: Any) -> str:
        self.stored[f"object {len(self.stored)}"] = pickle.dumps(value)
        return f"object {len(self.stored) - 1}"

    def remote(self, **options: Any) -> Callable[[Any], Any]:
        self.options = options
        return lambda function: SimpleNamespace(remote=lambda *words: self._send(function, words))

    def _send(self, function: Any, words: tuple[Any, ...]) -> str:
        task = f"task {len(self.sent)}"
        self.sent[task] = pickle.dumps((function, words))
        return task

    def wait(self, tasks: list[str], timeout: float) -> tuple[list[str], list[str]]:
        self.most = max(self.most, len(tasks))
        return tasks[-1:], tasks[:-1]

    def get(self, task: str) -> Any:
        if error := self.dies(int(task.split()[1])):
            raise error
        function, words = pickle.loads(self.sent[task])
        known = [
            pickle.loads(self.stored[one]) if isinstance(one, str) and one in self.stored else one
            for one in words
        ]
        return pickle.loads(pickle.dumps(function(*known)))
