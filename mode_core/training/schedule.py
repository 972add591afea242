"""Learning rates as functions of elapsed time, so that a run of any length ends annealed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

WARM_UP = 0.02
"""Share of the run in which rates climb to their peak."""
FINAL = 0.01
"""Rates end at this share of their peak."""


def rate_factor(progress: float) -> float:
    """What peak learning rates are multiplied by, for progress 0..1."""
    progress = min(max(progress, 0.0), 1.0)
    if progress < WARM_UP:
        return 0.05 + 0.95 * progress / WARM_UP
    fall = (progress - WARM_UP) / (1 - WARM_UP)
    return FINAL + (1 - FINAL) * 0.5 * (1 + math.cos(math.pi * fall))


class Clock:
    """Seconds of training so far; time between runs, validation and checkpoints do not count."""

    def __init__(self, budget_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self.budget_s = budget_s
        self._now = now
        self._before = 0.0
        self._since: float | None = None

    def start(self) -> None:
        """Let time count from here."""
        if self._since is None:
            self._since = self._now()

    def stop(self) -> None:
        """Let time stand still."""
        self.elapsed_s = self.elapsed_s

    @property
    def elapsed_s(self) -> float:
        """Seconds counted so far."""
        running = 0.0 if self._since is None else self._now() - self._since
        return self._before + running

    @elapsed_s.setter
    def elapsed_s(self, seconds: float) -> None:
        self._before, self._since = seconds, None

    @property
    def progress(self) -> float:
        """Share of the budget used, at most 1."""
        return min(1.0, self.elapsed_s / self.budget_s)
