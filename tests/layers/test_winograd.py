"""Winograd's convolution against the plain one."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mode_core.layers import winograd
from mode_core.layers.winograd import WideConv


@pytest.mark.parametrize("size", [(1, 32, 48), (2, 17, 31), (1, 16, 16), (1, 33, 16)])
@pytest.mark.parametrize("wide", [7, 200])
@torch.inference_mode()
def test_it_is_a_convolution(size: tuple[int, int, int], wide: int) -> None:
    torch.manual_seed(0)
    layer, (batch, height, width) = WideConv(wide), size
    x = torch.randn(batch, wide, height, width)
    expected = F.conv2d(x.double(), layer.weight.double(), layer.bias.double(), padding=1)
    for given in (x, x.contiguous(memory_format=torch.channels_last)):
        kept = given.clone()
        assert (layer(given) - expected).abs().max() < 1e-5
        assert torch.equal(given, kept)


def test_memory_is_used_again_in_every_mode() -> None:
    layer, x = WideConv(8), torch.randn(1, 8, 40, 40)
    made = []
    for mode in (torch.inference_mode(), torch.no_grad(), torch.inference_mode()):
        with mode:
            made.append(layer(x))
            layer(-x)
    assert torch.equal(made[0], made[1])
    assert torch.equal(made[0], made[2])


def test_it_is_used_where_it_pays_and_only_there(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def noted(x: torch.Tensor, *_: object) -> torch.Tensor:
        seen.append(x.shape[1:])
        return x[None]

    monkeypatch.setattr(winograd, "_convolved", noted)
    layer = WideConv(4)
    layer(torch.zeros(1, 4, 32, 32))  # gradients are wanted
    with torch.inference_mode():
        layer(torch.zeros(1, 4, 8, 8))
        layer(torch.zeros(1, 4, 32, 32, dtype=torch.bfloat16).float()[..., :4])
        assert not seen
        layer(torch.zeros(1, 4, 16, 16))
    assert seen == [(16, 16)]
