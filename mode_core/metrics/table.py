"""The table of metrics: one row says all that files, commands and the page know of a metric.

A row with a function is measured: it is a column of results files, and stands in every table. A
row without one is only published by others. Torch is imported inside the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from mode_core.errors import ModeError, ResultsError
from mode_core.metrics.backbones import alexnet_path, dists_paths
from mode_core.metrics.fidelity import MS_SSIM_MIN_SIDE, ms_ssim, psnr
from mode_core.metrics.perceptual import LPIPS_MIN_SIDE, dists, lpips
from mode_core.metrics.ssimulacra import SSIMULACRA2_MIN_SIDE, ssimulacra2
from mode_core.types import Image

Compute = Callable[[Image, Image], float]
"""(original, decoded) -> value; ModeError where it cannot be computed, never NaN."""


def not_measured(original: Image, decoded: Image) -> float:
    """The function of a row whose values only others have published."""
    raise ModeError("this metric is not measured here")


@dataclass(frozen=True, slots=True)
class Metric:
    """One number for a decoded picture against its original."""

    key: str
    label: str
    better: Literal["higher", "lower"]
    digits: int
    """Digits after the point in tables for people; results files have two more."""
    limits: tuple[float, float]
    """The lowest and the highest value that is accepted from a user's file."""
    compute: Compute = not_measured
    need: Callable[[], object] = lambda: None
    """WeightsUnavailable where files are not here without which nothing has a value; no torch."""
    unit: str = ""
    short: str = ""
    """The label where the network is clear from the place; the label itself unless given."""
    column: str = ""
    """The column in CSV files; the key itself unless several metrics share a column."""
    net: str = ""
    """What `lpips_net` says beside the values in a shared column."""
    min_side: int = 1
    """Pictures with a shorter side have no value."""
    in_view: Literal["", "wide", "always"] = ""
    """Which captions tell its value of what is in view: none, those with room, or all."""
    quick: bool = False
    """Whether it costs so little that nothing is too large for it and nobody waits."""
    about: str = ""
    """What it measures and what its values mean, for people; the direction is added."""

    name = property(lambda self: self.key, doc="The key, as it was called first.")

    def __post_init__(self) -> None:
        object.__setattr__(self, "short", self.short or self.label)
        object.__setattr__(self, "column", self.column or self.key)

    @property
    def higher_is_better(self) -> bool:
        """The direction as BD-rates take it."""
        return self.better == "higher"

    @property
    def heading(self) -> str:
        """The short label with its unit, for a column of a table."""
        return with_unit(self.short, self.unit)

    @property
    def explained(self) -> str:
        """What it measures, what its values mean, and its direction."""
        return f"{self.about} {self.better.capitalize()} is better.".strip()

    @property
    def axis(self) -> str:
        """The title of an axis, with its direction."""
        return f"{with_unit(self.label, self.unit)} — {self.better} is better"

    def as_json(self) -> dict[str, str | int]:
        """What a browser needs to show values."""
        names = ("key", "unit", "better", "digits", "in_view")
        named = {"label": self.short, "about": self.explained}
        return {**named, **{name: getattr(self, name) for name in names}}


_TABLE = (
    Metric(
        "psnr", "PSNR", "higher", 2, (0, 200), psnr, unit="dB", in_view="always", quick=True,
        about="How small the squared difference of all pixels is, in decibels: 20 is strongly "
        "distorted, 40 hard to tell apart, infinite the same picture. Knows nothing of the eye, "
        "and prefers blur to texture that is drawn otherwise.",
    ),
    Metric(
        "ms_ssim", "MS-SSIM", "higher", 4, (-1, 1), ms_ssim, min_side=MS_SSIM_MIN_SIDE,
        in_view="wide",
        about="How alike local structure and contrast are, at five scales: 1 is the same, 0 "
        "unrelated; codecs are mostly between 0.8 and 1.",
    ),
    Metric(
        "lpips", "LPIPS (AlexNet)", "lower", 4, (0, 10), lpips, alexnet_path, short="LPIPS",
        net="alex", min_side=LPIPS_MIN_SIDE, in_view="always",
        about="How far apart the pictures are for a network that recognises photographs: 0 is the "
        "same, 0.5 very different, and there is no top. Sees blur that PSNR forgives.",
    ),
    Metric(
        "lpips_vgg", "LPIPS (VGG)", "lower", 4, (0, 10), column="lpips", net="vgg",
        about="LPIPS by another network; its values cannot be held against AlexNet's.",
    ),
    Metric(
        "lpips_unknown", "LPIPS (net not stated)", "lower", 4, (0, 10), column="lpips", net="?",
        about="LPIPS of which nobody has said by what network.",
    ),
    Metric(
        "dists", "DISTS", "lower", 4, (-0.01, 10), dists, dists_paths, min_side=LPIPS_MIN_SIDE,
        about="How far apart structure and texture are for a network: 0 is the same, near 1 "
        "unrelated. Forgives texture that is drawn otherwise and looks alike.",
    ),
    Metric(
        "ssimulacra2", "SSIMULACRA2", "higher", 2, (-10_000, 100), ssimulacra2,
        min_side=SSIMULACRA2_MIN_SIDE,
        about="How good the picture is by a scale that was fitted to what people said: 100 is the "
        "same, 90 hard to tell apart, 70 high, 50 medium, 30 low quality. Below 0: strongly "
        "distorted, and there is no bottom.",
    ),
    Metric(
        "fid", "FID", "lower", 2, (-1, 10_000),
        about="How far apart two whole sets of pictures are by statistics of a network: 0 is the "
        "same, and there is no top. Says nothing of a single picture.",
    ),
)  # fmt: skip

FLIP = (
    "Not a number of the table but a map: how strongly each pixel's difference would be noticed by "
    "who flips between the two pictures, from 0, the same, to 1, as green for blue. Reckoned for "
    "67 pixels per degree of the field of view (3840 across 0.7 m, seen from 0.7 m), in the "
    "browser, of what is in view; the caption has the mean. Where too much is in view for every "
    "pixel, a smaller copy is mapped, whose mean is somewhat lower, and the caption says so."
)
"""What the difference view can show."""

METRICS: Mapping[str, Metric] = MappingProxyType({metric.key: metric for metric in _TABLE})
MEASURABLE: Mapping[str, Metric] = MappingProxyType(
    {key: metric for key, metric in METRICS.items() if metric.compute is not not_measured}
)
"""Those with a function; what `mode_core` exports, and what the tables of the page may show."""
BENCH_METRICS = tuple(MEASURABLE)
"""What is measured everywhere, and has a column in results files."""
QUICK_METRICS = tuple(key for key in BENCH_METRICS if METRICS[key].quick)
SLOW_METRICS = tuple(key for key in BENCH_METRICS if not METRICS[key].quick)
"""What is known as soon as a picture is, and what takes longer."""
VIEW_METRICS = tuple(key for key in BENCH_METRICS if METRICS[key].in_view)
"""What is measured of the part of a picture that is on the screen."""
COLUMNS = tuple(dict.fromkeys(metric.column for metric in _TABLE))
"""The columns in which CSV files of any origin keep metrics."""


def joined(words: str) -> str:
    """The words as keys and columns join them: ms_ssim for "MS-SSIM" and "ms ssim"."""
    return words.strip().lower().replace("-", "_").replace(" ", "_")


def find_metric(key: str, known: Collection[str] = METRICS, place: str = "") -> Metric:
    """The metric of this name, however its words are joined; an error names the place."""
    if (name := joined(key)) not in known:
        raise ResultsError(
            f"there is no metric {key!r:.40}{place}; choose one of {', '.join(known)}"
        )
    return METRICS[name]


@lru_cache(maxsize=256)
def metric_of(column: str, net: str = "") -> Metric:
    """The metric of a CSV column; LPIPS values of different networks are different metrics."""
    rows = {metric.net: metric for metric in _TABLE if metric.column == column}
    net = net.strip().lower()
    known = rows.get({"alexnet": "alex", "vgg16": "vgg"}.get(net, net))
    return known or rows.get("") or rows["?"]


def with_unit(label: str, unit: str) -> str:
    """PSNR [dB]; no brackets where there is no unit."""
    return f"{label} [{unit}]" if unit else label
