"""No step makes its host wait for the device: counted on the meta device, stage by stage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mode_core.codecs.stages import STAGES
from mode_core.training.audit import META, Waits, _audited, cost_of_step
from mode_core.training.stage import Cost, Rig, Setup, Stage
from tests.training import test_overfit
from tests.training.test_loop import TOY

pytestmark = pytest.mark.training
_toy_widths = test_overfit._toy_widths


EARLY = [("vq", 0.1), ("dlf", 0.1)]
"""Stages that do something else at first."""


@pytest.mark.parametrize(("name", "progress"), [*((name, 0.9) for name in STAGES), *EARLY])
def test_no_step_waits_for_the_device(name: str, progress: float, toy_weights: Path) -> None:
    stage = replace(STAGES[name], crop=256 if STAGES[name].codec in ("dlf", "clc") else 128)
    cost = cost_of_step(stage, Setup(), 2, progress)
    assert cost.waits == {}
    assert cost.launches > 100
    assert cost.operations > 1e6


def reading(value: Tensor) -> object:
    return float(value.sum())


def masked(value: Tensor) -> object:
    return value[value > 0]


def sent(value: Tensor) -> object:
    return torch.ones(3).to(value.device)


def made(value: Tensor) -> object:
    return torch.tensor([1.0, 2.0], device=value.device)


def counted(value: Tensor) -> object:
    return value.long().bincount()


@pytest.mark.parametrize("wait", [reading, masked, sent, made, counted])
def test_a_wait_is_seen(wait: object) -> None:
    def loss(rig: Rig, x: Tensor, progress: float, generator: torch.Generator) -> Cost:
        assert callable(wait)
        wait(x.detach().flatten()[:4])
        return TOY.loss(rig, x, progress, generator)

    stage: Stage = replace(TOY, loss=loss)
    try:
        waits = cost_of_step(stage, Setup(), 2).waits
    except Waits:
        return
    assert sum(waits.values()) == 1


def test_products_launches_and_bytes_are_counted() -> None:
    a, b = torch.rand(8, 16, device=META), torch.rand(16, 4, device=META)
    with _audited() as cost:
        a @ b
    assert (cost.operations, cost.launches) == (2 * 8 * 16 * 4, 1)
    assert cost.moved == 4 * (8 * 16 + 16 * 4 + 8 * 4)
