"""The table of metrics (`table`), how each is computed, and measuring several at once.

Torch is imported inside those that need it, on first call.
May use: errors, settings, types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mode_core.errors import ModeError
from mode_core.metrics.table import BENCH_METRICS, METRICS, Metric
from mode_core.types import Image

__all__ = ["BENCH_METRICS", "METRICS", "Measured", "Metric", "measure"]


@dataclass(frozen=True, slots=True)
class Measured:
    """The values that could be had, and for each of the others the reason why not."""

    values: Mapping[str, float]
    missing: Mapping[str, str]


def measure(reference: Image, decoded: Image, keys: Iterable[str] = BENCH_METRICS) -> Measured:
    """Several metrics of one picture; one that cannot be had here is left out, with its reason."""
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for key in keys:
        try:
            values[key] = METRICS[key].compute(reference, decoded)
        except ModeError as error:
            missing[key] = str(error)
    return Measured(values, missing)
