"""Exact sums for weights that were trained without a grid."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mode_core.codecs.ms_illm.hific import HificLatents
from mode_core.layers.split import SplitConv, SplitNetwork, split, sub_pixel


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_sub_pixel_kernel_equals_the_transposed_convolution() -> None:
    layer = nn.ConvTranspose2d(5, 4, 5, stride=2, padding=2, output_padding=1).double()
    x = torch.randn(1, 5, 6, 7, dtype=torch.float64)
    mine = F.pixel_shuffle(F.conv2d(x, sub_pixel(layer.weight), padding=1), 2)
    assert torch.allclose(mine + layer.bias[:, None, None], layer(x), atol=1e-12)


@pytest.mark.parametrize("size", [1e-6, 1.0, 3e4])
def test_parts_of_a_weight_sum_within_53_bits(size: float) -> None:
    weight = size * torch.randn(64, 2880).double()
    parts = split(weight)
    for part in parts:
        grain = float(part[part != 0].abs().min())
        unit = 2.0 ** np.floor(np.log2(grain))
        while not torch.equal((part / unit).round() * unit, part):
            unit /= 2
        assert (part / unit).abs().sum(1).max() <= 2**24 + 1440
        assert torch.equal(part.float().double(), part)
    assert (sum(parts) - weight).abs().max() < 2.0**-23 * size


@pytest.mark.parametrize("transposed", [False, True])
def test_order_of_summation_changes_no_bit(transposed: bool) -> None:
    make = nn.ConvTranspose2d if transposed else nn.Conv2d
    options = {"stride": 2, "padding": 2, "output_padding": 1} if transposed else {"padding": 1}
    layer = make(96, 16, 5 if transposed else 3, **options)
    x = 40 * torch.randn(1, 96, 5, 6, dtype=torch.float64)
    order = torch.randperm(96)
    shuffled = copy.deepcopy(layer)
    with torch.no_grad():
        shuffled.weight.copy_(layer.weight[order] if transposed else layer.weight[:, order])
    y = SplitConv(layer)(x)
    assert torch.equal(SplitConv(shuffled)(x[:, order]), y)
    assert torch.allclose(y, layer.double()(x), atol=1e-6)
    plain, other = layer.double(), shuffled.double()
    assert not torch.equal(plain(x), other(x[:, order]))  # ordinary sums do depend on the order


def test_exact_means_and_scales_are_those_of_the_float_path() -> None:
    latents = HificLatents(20, 32)
    z_hat = 20 * torch.randn(1, 32, 3, 4)
    exact = SplitNetwork(latents.hyper_synthesis_mean)(z_hat.double())
    reference = copy.deepcopy(latents.hyper_synthesis_mean).double()(z_hat.double())
    plain = latents.hyper_synthesis_mean(z_hat)
    error = (exact - reference).abs().max()
    assert error < 1e-7
    assert error < (plain - reference).abs().max()  # finer than float32 itself
