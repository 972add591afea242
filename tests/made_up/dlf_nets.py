"""Toy DLFs and stand-ins for its coder; for tests only."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mode_core.codecs.dlf.detail import DetailCodec
from mode_core.codecs.dlf.net import Dlf, DlfConfig
from mode_core.stream.entropy import LOG_SCALE_STEP, SCALE_LOW
from tests.conftest import make_photo
from tests.made_up.plain_metrics import to_unit

TOY = DlfConfig(
    width=32, layers=2, exchanges=(0,), channels=32, inner=32, codes=50, latent=16, anchors=3,
    entries=16, entry_depth=8, stages=((16, 32, 1),), head=16,
)  # fmt: skip
QUIRKY = replace(TOY, as_published=True, window_blocks=2, anchors=1)
HIGHEST = Dlf(TOY).qualities[-1]


@pytest.fixture(name="toy")
def toy_dlf() -> Dlf:
    return Dlf(TOY).eval()


def photo(height: int = 256, width: int = 256) -> Tensor:
    """A picture that is neither flat nor noise, as a tensor."""
    return to_unit(make_photo(height, width))


def randomise(codec: DetailCodec, spread: float = 2.0) -> None:
    """Weights as after training: nothing is near zero or the identity any more."""
    generator = torch.Generator().manual_seed(3)
    for parameter in codec.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        inputs = parameter[0].numel() if parameter.ndim > 1 else 25
        parameter.data.copy_(noise / math.sqrt(max(inputs, 1)) * 0.7)
    codec.enc_q.data.abs_().add_(spread)
    for network in (codec.y_prior_fusion, codec.y_spatial_prior):
        bias = network[-1].block[1].conv_out.bias
        bias.data[: len(bias) * 2 // 3] += 0.8


class Listing:
    """A coder that lists what it is asked to code."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.lowest = 99

    def code(self, index: Tensor, mean: Tensor, values: Tensor | None) -> Tensor:
        assert values is not None
        self.counts.append(index.numel())
        self.lowest = min([self.lowest, *index.tolist()])
        return (values - mean).round()


class Sampling:
    """A coder that makes up symbols as likely as the prior says."""

    def code(self, index: Tensor, mean: Tensor, values: Tensor | None) -> Tensor:
        scale = SCALE_LOW * torch.exp(LOG_SCALE_STEP * index.double())
        return (scale * torch.randn_like(scale)).round()
