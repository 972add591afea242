"""Every stage learns a picture by heart in 50 steps at most: gradients reach what they should."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
import torch
from torch import Tensor, nn

from mode_core.cli.family.plan import FAMILY, Part
from mode_core.cli.launch import Starts
from mode_core.codecs.clc import training as stages_clc
from mode_core.codecs.dlf import training as stages_dlf
from mode_core.codecs.elic import training as stages_elic
from mode_core.codecs.hdc import training as stages_hdc
from mode_core.codecs.mode import training as stages_mode
from mode_core.codecs.ms_illm import training as stages_illm
from mode_core.codecs.ms_illm.net import IllmConfig
from mode_core.codecs.stages import STAGES
from mode_core.codecs.vq import training as stages_vq
from mode_core.training.losses import Lpips
from mode_core.training.optim import Rates
from mode_core.training.stage import Rig, Setup, Stage
from mode_core.training.trainer import Trainer
from tests.conftest import make_photo
from tests.made_up import dlf_nets
from tests.made_up.plain_metrics import to_unit
from tests.made_up.toys import STAGES as LEVELS
from tests.made_up.toys import TOY_CLC, TOY_ELIC, TOY_HDC, TOY_MODE, TOY_VQ

TOY_ILLM = IllmConfig(LEVELS, LEVELS, latent=16, hyper=16, hyper_latent=8, side=16)
TOY_DLF = replace(dlf_nets.TOY, codes=64, entries=64, stages=LEVELS)
SMALL_CRITIC = {"fold": 4, "down": (8, 8, 8, 8), "up": (8, 8)}
MODULES = (stages_clc, stages_dlf, stages_elic, stages_hdc, stages_illm, stages_mode, stages_vq)

LEARNT = {
    "elic": ("loss", 0.85, 50),
    "vq": ("l1", 0.8, 28),
    "prior": ("loss", 0.5, 50),
    "vq-gan": ("l1", 0.8, 20),
    "ms-illm": ("loss", 0.85, 22),
    "ms-illm-gan": ("lpips", 0.8, 14),
    "dlf": ("features", 0.7, 14),
    "dlf-gan": ("l1", 0.9, 14),
    "mode": ("l1_p", 0.8, 10),
    "hdc": ("main", 0.9, 14),
    "hdc-tokens": ("nats", 0.8, 20),
    "hdc-merge": ("main", 0.9, 10),
    "hdc-gan": ("main", 0.95, 10),
    "hdc-vectors": ("loss", 0.8, 10),
    "clc": ("bpp", 0.8, 20),
}
"""What falls, to which share of its start at the most, and in how many steps."""


pytestmark = pytest.mark.training
BOLD = Rates(muon=0.03, adam=0.02)


@pytest.fixture(autouse=True)
def _toy_widths(toy_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    widths = {
        stages_elic: TOY_ELIC, stages_vq: TOY_VQ, stages_illm: TOY_ILLM, stages_dlf: TOY_DLF,
        stages_mode: TOY_MODE, stages_clc: TOY_CLC, stages_hdc: TOY_HDC,
    }  # fmt: skip
    for module, config in widths.items():
        monkeypatch.setitem(module.WIDTHS, "tiny", config)
    monkeypatch.setitem(stages_illm.CRITICS, "tiny", SMALL_CRITIC)
    for critics in (stages_vq.CRITIC_WIDTHS, stages_hdc.CRITIC_WIDTHS):
        monkeypatch.setitem(critics, "tiny", 8)
    for module in MODULES:
        # a random backbone has gradients too: what is tested is learning, no distance is reported
        monkeypatch.setattr(module, "load_lpips", lambda _: random_lpips(), raising=False)


@pytest.mark.parametrize("part", FAMILY, ids=lambda part: part.name)
def test_a_stage_looks_for_all_that_a_family_starts_it_with(part: Part) -> None:
    starts = Starts()
    STAGES[part.name].assemble(Setup("tiny", None, starts))
    assert {*part.partners, *part.helpers} <= starts.looked_for


def random_lpips() -> Lpips:
    net = Lpips()
    for head in net.heads:
        nn.init.constant_(head, 1e-2)
    return net.requires_grad_(False).eval()


def prepared(stage: Stage) -> tuple[Rig, Tensor]:
    """The networks as they start on one picture, and that picture twice."""
    torch.manual_seed(0)
    rig = stage.assemble(Setup())
    side = 256 if stage.codec in ("dlf", "clc") else 128
    x = to_unit(make_photo(side, side)).expand(2, -1, -1, -1)
    if not stage.continues:
        stage.prepare(rig, lambda: x)
    return rig, x


@pytest.mark.parametrize("name", STAGES)
def test_one_picture_is_overfitted_in_few_steps(name: str) -> None:
    stage = STAGES[name]
    rig, x = prepared(stage)
    # around an untrained toy there is a longer way to go than around the trained part of a codec
    partial = stage.continues or stage.codec in ("mode", "clc", "hdc")
    trainer = Trainer(replace(stage, rates=BOLD) if partial else stage, rig, seed=0)
    key, share, steps = LEARNT[name]
    history = []
    for step in range(steps):
        stats = trainer.step(x, step / steps)
        history.append(float(stats[key].detach()))
    assert fmean(history[-6:]) < share * history[0], [round(v, 3) for v in history[::5]]
    assert trainer.skipped == 0


@pytest.mark.parametrize("name", STAGES)
def test_a_step_in_bfloat16_is_much_like_one_in_float32(name: str) -> None:
    """What GPUs and some processors train in; a processor without it imitates it here."""
    stage, losses = STAGES[name], []
    for bf16 in (False, True):
        rig, x = prepared(stage)
        trainer = Trainer(stage, rig, seed=0, bf16=bf16)
        losses.append(float(trainer.step(x, 0.5)["loss"]))
        assert trainer.skipped == 0
        assert {p.grad.dtype for p in trainer.params if p.grad is not None} == {torch.float32}
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


@pytest.mark.parametrize("name", ["vq-gan", "mode"])
def test_a_rig_can_be_copied_to_the_host_to_be_validated(name: str) -> None:
    """As a check does where the rig lies on a GPU; critics and experts go along."""
    stage = STAGES[name]
    rig, x = prepared(stage)
    Trainer(stage, rig, seed=0)
    rig.net.freeze() if hasattr(rig.net, "freeze") else None
    with torch.no_grad():
        rig.eval()
        copy = deepcopy(rig).cpu()
        ours, theirs = (stage.validate(one, x[:1])[1] for one in (rig, copy))
    assert ours == theirs
    assert not {id(p) for p in rig.parameters()} & {id(p) for p in copy.parameters()}
