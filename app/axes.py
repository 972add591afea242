"""The quality axes and data sets of the rate-distortion page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from mode_core.errors import ResultsError


class Metric(NamedTuple):
    """A quality axis; `key` is unique, `column` is where CSV files keep it."""

    key: str
    label: str
    column: str
    better: Literal["higher", "lower"]
    unit: str = ""
    digits: int = 3
    lpips_net: str = ""

    @property
    def axis(self) -> str:
        """The axis title with its direction."""
        unit = f" [{self.unit}]" if self.unit else ""
        return f"{self.label}{unit} — {self.better} is better"


_METRICS = (
    Metric("psnr", "PSNR", "psnr", "higher", "dB", 2),
    Metric("ms_ssim", "MS-SSIM", "ms_ssim", "higher", digits=4),
    Metric("lpips", "LPIPS (Alex)", "lpips", "lower", digits=4, lpips_net="alex"),
    Metric("lpips-vgg", "LPIPS (VGG)", "lpips", "lower", digits=4, lpips_net="vgg"),
    Metric("lpips-student", "LPIPS (student)", "lpips", "lower", digits=4, lpips_net="student"),
    Metric("lpips-unknown", "LPIPS (net not stated)", "lpips", "lower", digits=4, lpips_net="?"),
    Metric("dists", "DISTS", "dists", "lower", digits=4),
    Metric("fid", "FID", "fid", "lower", digits=2),
)
METRICS: Mapping[str, Metric] = {metric.key: metric for metric in _METRICS}

DATASETS: Mapping[str, str] = {
    "kodak": "Kodak (24 pictures)",
    "val": "Our validation photographs (24)",
    "clic2020-test": "CLIC 2020 test (428, full size)",
    "clic2020-pro-valid": "CLIC 2020 professional valid (41)",
    "clic2020-pro-test": "CLIC 2020 professional test (250)",
    "clic2020-pro": "CLIC 2020 professional (split not stated)",
    "clic2020-mobile": "CLIC 2020 mobile (split not stated)",
    "clic2020-test-768crop": "CLIC 2020 test, 768 px crops",
    "clic2021-test": "CLIC 2021 test",
    "clic2022-test": "CLIC 2022 test",
    "div2k-val": "DIV2K validation (100, full size)",
    "kodak-512": "Kodak at 512x512",
    "tecnick": "Tecnick (100)",
    "tecnick-768crop": "Tecnick, 768 px crops",
}


def lpips_key(net: str) -> str:
    """The metric that LPIPS values of this network belong to."""
    net = net.strip().lower()
    known = {metric.lpips_net: metric.key for metric in _METRICS if metric.lpips_net}
    return known.get({"alexnet": "alex", "vgg16": "vgg"}.get(net, net), "lpips-unknown")


def find_metric(key: str) -> Metric:
    """The metric of this name."""
    if key not in METRICS:
        raise ResultsError(f"there is no metric {key!r:.40}; choose one of {', '.join(METRICS)}")
    return METRICS[key]
