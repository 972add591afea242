"""The ablation page shows what its CSV says."""

from __future__ import annotations

import sys
from dataclasses import replace

import torch

from mode_core.codecs.mode.training import ABLATIONS, config_of
from tests.conftest import ROOT
from tests.made_up.toys import TOY_MODE, enliven, toy_elic, toy_mode, toy_vq

sys.path.insert(0, str(ROOT / "tools"))
from ablation import NAMES, PAGE, refreshed


def test_the_page_shows_the_csv() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert refreshed(text) == text


def test_every_part_can_be_left_out_by_the_name_of_a_width() -> None:
    full = config_of("tiny")
    assert all((full.ese, full.cem, full.gated, full.pictures))
    assert set(NAMES) == {"experts", "", *ABLATIONS}
    for name in ABLATIONS:
        assert config_of(f"tiny-{name}") != full


def test_without_cem_the_pictures_are_the_enhanced_experts() -> None:
    net = toy_mode(toy_elic(), toy_vq(), replace(TOY_MODE, cem=False, pictures=False))
    y, at = torch.rand(1, sum(net.elic.config.groups), 4, 4), torch.ones(1)
    codes = net.vq.codebook.look_up(torch.zeros(1, 4, 4, dtype=torch.long))
    enliven(net)
    seen = net.references(y, codes, at)
    fidelity, perception = net(y, codes, at)
    assert torch.equal(fidelity, seen.fidelity)
    assert torch.equal(perception, seen.perception)
    assert not torch.equal(fidelity, net.elic.synthesise(y, at))
