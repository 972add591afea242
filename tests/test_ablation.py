"""The ablation page shows what its CSV says."""

from __future__ import annotations

import sys

from mode_core.training.stages_mode import ABLATIONS, config_of
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from ablation import NAMES, PAGE, refreshed


def test_the_page_shows_the_csv() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert refreshed(text) == text


def test_every_part_can_be_left_out_by_the_name_of_a_width() -> None:
    full = config_of("tiny")
    assert all((full.ese, full.cem, full.gated, full.pictures))
    assert set(NAMES) == {"", *ABLATIONS}
    for name in ABLATIONS:
        assert config_of(f"tiny-{name}") != full
