"""What scripts are told beforehand: nothing that the server knows is written there again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from app.panes.names import opened_pane, own_panes, parse_pane
from app.server.demands import BadRequest, check_request
from app.viewer import region
from app.viewer.component import catalogue
from mode_core import metrics
from mode_core.codecs.registry import CODECS
from mode_core.metrics.table import MEASURABLE, METRICS
from mode_core.types import Anchor
from tests.conftest import ROOT
from tests.make_catalogue import STORED

KNOWN = catalogue()
READ_BY_BROWSERS = [
    path
    for pattern in ("shared/*", "viewer/static/*", "explorer/static/*", "blind/static/*")
    for path in sorted((ROOT / "app").glob(pattern))
    if path.suffix in {".js", ".ts", ".css", ".html"}
]


def _named(word: str, text: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", text) is not None


@pytest.mark.parametrize("path", READ_BY_BROWSERS, ids=lambda path: path.name)
def test_no_codec_and_no_metric_is_written_into_the_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("<h1>MoDE Explorer</h1>", "")
    ids = {*CODECS, *own_panes()} - {"mode"}  # which is a word of the viewer's as well
    labels = {label for info in CODECS.values() for label in (info.title, *info.outputs.values())}
    metrics = {word for one in METRICS.values() for word in (one.key, one.label, one.short)}
    assert [word for word in sorted(ids | labels | metrics) if _named(word, text)] == []


def test_the_scripts_own_tests_read_what_the_server_says() -> None:
    """Rows may be added to the table: each that is stored must be what the server says today."""
    stored, today = json.loads(STORED.read_text(encoding="utf-8")), json.loads(json.dumps(KNOWN))
    assert stored.keys() == today.keys()
    for table in ("limits", "figure"):
        assert stored.pop(table) == today[table]
    for name, rows in stored.items():
        assert rows
        for row in rows:
            # With imported weights the server says whose each is, too.
            known = any(row.items() <= one.items() for one in today[name])
            assert known, f"{name} is out of date: python -m tests.make_catalogue"


def test_what_is_told_of_the_view_is_what_the_table_says() -> None:
    told = [one["key"] for one in KNOWN["metrics"] if one["in_view"]]
    assert [*region.QUICK, *region.SLOW] == told


def test_every_choice_names_its_codec_and_anchor() -> None:
    for one in KNOWN["choices"]:
        if one["id"] != "original":
            assert parse_pane(one["id"]) == (one["codec"], one["anchor"])
            check_request([one["id"]], 0.1)


def test_the_panes_of_a_blend_are_what_the_server_takes_them_for() -> None:
    for one in KNOWN["blends"]:
        assert parse_pane(one["fidelity"]) == (one["codec"], str(Anchor.FIDELITY))
        assert parse_pane(one["perception"]) == (one["codec"], str(Anchor.PERCEPTION))
        assert parse_pane(f"{one['prefix']}0.35") == (one["codec"], "0.35")


def test_a_metric_has_a_column_where_its_files_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MODE_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("MODE_LPIPS_BACKBONE", str(tmp_path / "absent"))
    assert [one["key"] for one in catalogue()["metrics"]] == ["psnr", "ms_ssim", "ssimulacra2"]
    metrics._given_up.cache_clear()  # another start
    for name in ("dists_weights.pt", "vgg16_features.pth"):
        (tmp_path / name).touch()
    monkeypatch.delenv("MODE_LPIPS_BACKBONE")
    assert [one["key"] for one in catalogue()["metrics"]] == list(MEASURABLE)
    assert {one["better"] for one in catalogue()["metrics"]} <= {"higher", "lower"}


def test_the_limits_are_the_servers_own() -> None:
    (least, most), coded = KNOWN["limits"]["bpp"], KNOWN["limits"]["coded"]
    panes = KNOWN["limits"]["panes"]
    for bpp in (least, most):
        check_request(["jpeg"] * coded, bpp)
    check_request([opened_pane(32 * "0")] * panes, 0)
    with pytest.raises(BadRequest):
        check_request([opened_pane(32 * "0")] * (panes + 1), 0)
    for count, bpp in ((1, least / 2), (1, most * 2), (coded + 1, least)):
        with pytest.raises(BadRequest):
            check_request(["jpeg"] * count, bpp)
