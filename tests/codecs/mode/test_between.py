"""Pictures between the anchors: exact ends, fine detail first, small steps, nothing from afar."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from mode_core.codecs.mode.between import REACH, between

SIDE = 64


def drawn(seed: int) -> Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def taken_over(pattern: Tensor, blend: float) -> float:
    """How much of a difference between the anchors has arrived, away from the border."""
    inner = (..., slice(16, -16), slice(16, -16))
    made = between(torch.zeros_like(pattern), pattern, blend)[inner]
    return float((made * pattern[inner]).sum() / pattern[inner].square().sum())


def stripes(period: float) -> Tensor:
    wave = torch.sin(2 * torch.pi * (torch.arange(SIDE) + 0.5) / period)
    return wave.expand(1, 3, SIDE, SIDE)


def test_the_ends_are_the_anchors() -> None:
    f, p = drawn(0), drawn(1)
    assert torch.equal(between(f, p, 0), f)
    assert torch.allclose(between(f, p, 1), p, atol=1e-6)


def test_fine_detail_goes_over_first_and_broad_tones_last() -> None:
    fine, middle, broad = stripes(2), stripes(8), stripes(1e9) + 1
    assert taken_over(fine, 0.25) > 0.8
    assert taken_over(middle, 0.25) < 0.3 < 0.8 < taken_over(middle, 0.75)
    assert taken_over(broad, 0.75) == pytest.approx(0, abs=1e-5)
    assert taken_over(broad, 0.875) == pytest.approx(0.5, abs=1e-5)


def test_every_step_is_small() -> None:
    f, p = drawn(2), drawn(3)
    made = [between(f, p, step / 40) for step in range(41)]
    steps = [float((b - a).square().mean().sqrt()) for a, b in itertools.pairwise(made)]
    whole = float((p - f).square().mean().sqrt())
    assert max(steps) < whole / 8
    assert min(steps) > 0


def test_nothing_beyond_its_reach_decides_a_pixel() -> None:
    f, p = drawn(4), drawn(5)
    changed = p.clone()
    changed[..., :, 0] += 1
    moved = (between(f, changed, 0.6) - between(f, p, 0.6)).abs().amax((0, 1, 2))
    assert moved[REACH] > 0
    assert not moved[REACH + 1 :].any()
