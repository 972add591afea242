"""The published tables parse with their types, name their sources, and keep their caveats."""

from __future__ import annotations

import csv

import pytest

from mode_core.errors import ResultsError
from mode_core.evaluation.curves import published_curve
from mode_core.evaluation.rows import read_published
from mode_core.metrics import METRICS
from mode_core.metrics.bdrate import bd_rate
from tests.conftest import ROOT

FOLDER = ROOT / "results" / "published"
POINTS = read_published(FOLDER / "points.csv")
with (FOLDER / "bd.csv").open(newline="", encoding="utf-8") as file:
    RATES = list(csv.DictReader(file, strict=True))
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_every_point_has_a_source_and_a_plausible_rate() -> None:
    assert len(POINTS) == 2003
    for point in POINTS:
        assert point.codec
        assert point.source_ref
        assert 0 < point.bpp < 24
        assert point.values


def test_every_bd_rate_has_a_source() -> None:
    assert len(RATES) == 296
    for rate in RATES:
        assert rate["source_ref"]
        assert rate["anchor"]
        assert float(rate["bd_rate_percent"]) > -100
        float(rate["bd_metric"] or 0)


def test_every_repository_and_dataset_is_in_the_readme() -> None:
    for point in POINTS:
        assert point.source_ref.partition(":")[0].partition("#")[0] in README, point.source_ref
    for dataset in {point.dataset for point in POINTS} | {rate["dataset"] for rate in RATES}:
        assert f"`{dataset}`" in README, dataset


@pytest.mark.parametrize(
    ("codec", "percent"),
    [("MLIC", -8.8), ("MLIC+", -12.7), ("MLIC++", -13.1), ("LIC-TCM-Large", -8.0), ("STF", 0.4)],
)
def test_bd_rates_of_the_mlic_readme_come_out(codec: str, percent: float) -> None:
    reference, other = (
        published_curve(POINTS, METRICS["psnr"], name, "clic2020-pro-valid")
        for name in ("VTM-17.0", codec)
    )
    assert bd_rate(reference, other).percent == pytest.approx(percent, abs=0.15)


def test_a_curve_never_mixes_sources() -> None:
    curve = published_curve(POINTS, METRICS["psnr"], "BPG 4:4:4", "kodak")
    assert len(curve.rates) == 52
    assert "published, " in curve.name


def test_a_codec_that_nobody_published_is_refused() -> None:
    with pytest.raises(ResultsError, match="nothing is published for 'MoDE'"):
        published_curve(POINTS, METRICS["psnr"], "MoDE", "kodak")


def test_the_psnr_that_a_source_repeats_by_mistake_is_left_out() -> None:
    """DiT-IC's newer log has one row of PSNR under two data sets."""
    newer = [one for one in POINTS if one.codec == "DiT-IC (rank 64/128)"]
    assert {one.dataset for one in newer if "psnr" in one.values} == {"kodak", "clic2020-test"}
    assert {one.dataset for one in newer if "lpips" in one.values} == {
        "kodak", "clic2020-test", "div2k-val"}  # fmt: skip
