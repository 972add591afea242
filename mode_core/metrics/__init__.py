"""The table of metrics. Torch is imported inside those that need it, on first call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mode_core.errors import ModeError
from mode_core.metrics.fidelity import ms_ssim, psnr
from mode_core.metrics.perceptual import dists, lpips, lpips_student
from mode_core.types import Image


@dataclass(frozen=True, slots=True)
class Metric:
    """One number for a decoded picture against its original."""

    name: str
    label: str
    higher_is_better: bool
    compute: Callable[[Image, Image], float]
    """(original, decoded) -> value; ModeError where it cannot be computed, never NaN."""
    unit: str = ""


_TABLE = (
    Metric("psnr", "PSNR", True, psnr, "dB"),
    Metric("ms_ssim", "MS-SSIM", True, ms_ssim),
    Metric("lpips", "LPIPS (AlexNet)", False, lpips),
    Metric("dists", "DISTS", False, dists),
    Metric("lpips_student", "LPIPS (student)", False, lpips_student),
)

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _TABLE})

BENCH_METRICS = ("psnr", "ms_ssim", "lpips", "dists")
"""The columns of a results file; the student stands in on the page only."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The values that could be had, and for each of the others the reason why not."""

    values: Mapping[str, float]
    missing: Mapping[str, str]


def measure(reference: Image, decoded: Image, names: Iterable[str] = BENCH_METRICS) -> Measured:
    """Several metrics of one picture; one that cannot be had here is left out, with its reason."""
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            values[name] = METRICS[name].compute(reference, decoded)
        except ModeError as error:
            missing[name] = str(error)
    return Measured(values, missing)


def measure_with_stand_in(reference: Image, decoded: Image) -> Measured:
    """All metrics, with the student where LPIPS itself cannot be had; each under its own name."""
    measured = measure(reference, decoded)
    if "lpips" in measured.values:
        return measured
    student = measure(reference, decoded, ("lpips_student",))
    return Measured({**measured.values, **student.values}, {**measured.missing, **student.missing})
