"""What people are told of the metrics: the same words in About and over the columns."""

from __future__ import annotations

from pathlib import Path

from app.about import about_text
from app.explorer.library import load_library
from app.viewer.component import catalogue
from mode_core.metrics.table import FLIP, METRICS


def test_about_explains_every_metric_and_the_map(tmp_path: Path) -> None:
    text = about_text(load_library(tmp_path), {}, tmp_path)
    for metric in METRICS.values():
        assert len(metric.about) > 40, metric.key
        assert (
            f"- **{metric.label}**: {metric.about} {metric.better.capitalize()} is better." in text
        )
    assert "Below 0: strongly distorted, and there is no bottom. Higher is better." in text
    assert FLIP in text
    assert "67 pixels per degree" in FLIP


def test_columns_of_the_table_get_the_same_words() -> None:
    for told in catalogue()["metrics"]:
        assert told["about"] == METRICS[told["key"]].explained
