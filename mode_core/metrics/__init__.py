"""The table of metrics (`table`), how each is computed, and measuring several at once.

Torch is imported inside those that need it, on first call.
May use: errors, layers, settings, types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from mode_core.errors import ModeError, WeightsUnavailable
from mode_core.metrics.table import (
    BENCH_METRICS,
    METRICS,
    QUICK_METRICS,
    SLOW_METRICS,
    Metric,
)
from mode_core.types import Image

__all__ = [
    "BENCH_METRICS",
    "METRICS",
    "QUICK_METRICS",
    "SLOW_METRICS",
    "Measured",
    "Metric",
    "measurable",
    "measure",
    "unavailable",
]


@dataclass(frozen=True, slots=True)
class Measured:
    """The values that could be had, and for each of the others the reason why not."""

    values: Mapping[str, float]
    missing: Mapping[str, str]

    def and_more(self, more: Measured) -> Measured:
        """Both together."""
        return Measured({**self.values, **more.values}, {**self.missing, **more.missing})


def measure(reference: Image, decoded: Image, keys: Iterable[str] = BENCH_METRICS) -> Measured:
    """Several metrics of one picture; one that cannot be had here is left out, with its reason."""
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    given_up = _given_up()
    for key in keys:
        if key in given_up:
            missing[key] = given_up[key]
            continue
        try:
            values[key] = METRICS[key].compute(reference, decoded)
        except WeightsUnavailable as error:
            # a file that is here and of no use: nobody reads it again for each picture
            given_up[key] = missing[key] = str(error)
        except ModeError as error:
            missing[key] = str(error)
    return Measured(values, missing)


def unavailable() -> Mapping[str, str]:
    """The metrics that nothing in this process can compute, and what would help: for operators."""
    return MappingProxyType(_given_up())


def measurable(keys: Iterable[str] = BENCH_METRICS) -> tuple[str, ...]:
    """Those of the metrics that can be computed here."""
    return tuple(key for key in keys if key not in _given_up())


@lru_cache(maxsize=1)
def _given_up() -> dict[str, str]:
    """What is known to be unavailable: files are looked for once, `measure` adds what fails."""
    found: dict[str, str] = {}
    for key in BENCH_METRICS:
        try:
            METRICS[key].need()
        except WeightsUnavailable as error:
            found[key] = str(error)
    return found
