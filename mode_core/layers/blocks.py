"""The blocks that all compact networks are built from: everything happens at strides 8 and 16.

Shape letters: B batch, C channels, H and W rows and columns of the map at hand.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Stage = tuple[int, int, int]
"""(stride, channels, residual blocks) of one level, finest first."""


def reach_of(stages: tuple[Stage, ...], windows_per_level: int = 0) -> int:
    """How far, in pixels, a transform of these stages looks: its 3x3 windows, all added up."""
    return sum(stride * (blocks + 1 + windows_per_level) for stride, _, blocks in stages)


PIXEL_STD = 0.25
"""About the deviation of photographs in [0, 1] around grey."""


@torch.no_grad()
def start_small(layer: nn.Module, std: float) -> None:
    """Set weights of this deviation and no bias, from which a residual branch starts."""
    for name, parameter in layer.named_parameters():
        parameter.normal_(std=std) if name == "weight" and std else parameter.zero_()


class Bottleneck(nn.Module):
    """ELIC's residual bottleneck: x + 1x1(relu(3x3(relu(1x1(x)))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.squeeze = nn.Conv2d(channels, inner, 1)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1)
        for layer in (self.squeeze, self.mix):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.expand = nn.Conv2d(inner, channels, 1)
        start_small(self.expand, 0.1 * inner**-0.5)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The refined map."""
        return x_BCHW + self.expand(F.relu(self.mix(F.relu(self.squeeze(x_BCHW)))))


class ChannelNorm(nn.Module):
    """Zero mean and unit variance over the channels of each pixel, then scale and shift."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The normalised map."""
        channels = x_BCHW.shape[1]
        # HiFiC takes the unbiased variance, a layer norm the biased one
        share = (channels - 1) / channels
        gain, shift = (share**0.5 * self.gamma).flatten(), self.beta.flatten()
        x_BHWC = x_BCHW.permute(0, 2, 3, 1)
        return F.layer_norm(x_BHWC, (channels,), gain, shift, 1e-3 * share).permute(0, 3, 1, 2)


def _lift(inputs: int, outputs: int, stride: int, input_std: float = 1.0) -> nn.Conv2d:
    """A change of width whose output starts with unit variance: smaller features learn slowly."""
    # coarse strides already gather a neighbourhood by unshuffling; fine ones need a real window
    kernel = 1 if stride >= 8 else 3
    lift = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    start_small(lift, 1 / (input_std * kernel * inputs**0.5))
    return lift


class Analysis(nn.Module):
    """Pictures on top of each other to features: unshuffle, widen, refine, once per stage."""

    def __init__(self, stages: tuple[Stage, ...], outputs: int, inputs: int = 3) -> None:
        super().__init__()
        self.factors: list[int] = []
        self.lifts, self.bodies = nn.ModuleList(), nn.ModuleList()
        before = 1
        for stride, channels, blocks in stages:
            factor = stride // before
            self.factors.append(factor)
            std = PIXEL_STD if before == 1 else 1.0
            self.lifts.append(_lift(inputs * factor**2, channels, stride, std))
            self.bodies.append(nn.Sequential(*(Bottleneck(channels) for _ in range(blocks))))
            inputs, before = channels, stride
        self.out = nn.Conv2d(inputs, outputs, 1)

    def refined(self, x_BCHW: Tensor) -> Tensor:
        """What the last layer makes its features of."""
        for factor, lift, body in zip(self.factors, self.lifts, self.bodies, strict=True):
            x_BCHW = body(lift(F.pixel_unshuffle(x_BCHW, factor)))
        return x_BCHW

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Features at the coarsest stride."""
        return self.out(self.refined(x_BCHW))


def finely(x: Tensor) -> torch.autocast:
    """A context that rounds nothing to bfloat16, whose steps near 1 are whole 8-bit levels."""
    return torch.autocast(x.device.type, enabled=False)


class PictureHead(nn.Sequential):
    """The last layers, which give a picture: computed in the precision of their weights."""

    def forward(self, x: Tensor) -> Tensor:
        """The picture, or what is added to one."""
        with finely(x):
            out: Tensor = super().forward(x.to(next(self.parameters()).dtype))
        return out


class Synthesis(nn.Module):
    """Features to picture, coarsest level first; MoDE cuts it between its levels.

    `levels[i]` maps the features of level i-1 to those of level i; `head` gives the picture.
    """

    def __init__(self, stages: tuple[Stage, ...], inputs: int) -> None:
        super().__init__()
        levels: list[nn.Module] = []
        before = 0
        for stride, channels, blocks in reversed(stages):
            factor = before // stride if before else 1
            levels.append(
                nn.Sequential(
                    _lift(inputs, channels * factor**2, stride * factor),
                    nn.PixelShuffle(factor),
                    *(Bottleneck(channels) for _ in range(blocks)),
                )
            )
            inputs, before = channels, stride
        self.levels = nn.ModuleList(levels)
        last = _lift(inputs, 3 * before**2, before, 1 / PIXEL_STD)
        self.head = PictureHead(last, nn.PixelShuffle(before))
        self.widths = tuple(channels for _, channels, _ in reversed(stages))

    def forward(self, y_BCHW: Tensor) -> Tensor:
        """The picture."""
        for level in self.levels:
            y_BCHW = level(y_BCHW)
        return self.head(y_BCHW)


def dct_basis(channels: int, block: int = 16) -> tuple[Tensor, Tensor]:
    """The strongest 2-D DCT x opponent-colour patterns of a block, and their typical strength.

    Rows are orthonormal over the pixel-unshuffled block (colour outermost, as `pixel_unshuffle`
    orders it). Strength follows the usual 1/f spectrum of photographs; training refines it.
    """
    n = torch.arange(block, dtype=torch.float64)
    wave = torch.cos(torch.pi / block * (n[None] + 0.5) * n[:, None]) * (2 / block) ** 0.5
    wave[0] /= 2**0.5
    colour = torch.tensor([[1, 1, 1], [1, 0, -1], [1, -2, 1]], dtype=torch.float64)
    colour = colour / colour.norm(dim=1, keepdim=True)
    basis = torch.einsum("kc,iu,jv->kijcuv", colour, wave, wave).reshape(-1, 3 * block**2)
    weight = torch.tensor([1.0, 0.22, 0.1], dtype=torch.float64)
    radius = (n[:, None] ** 2 + n[None] ** 2).sqrt()
    strength = weight[:, None, None] * 3.6 / (0.75 + radius) ** 1.35
    order = strength.flatten().argsort(descending=True, stable=True)[:channels]
    return basis[order].float(), strength.flatten()[order].float()


def fitted_dct_basis(x_BCHW: Tensor, channels: int, block: int = 16) -> tuple[Tensor, Tensor]:
    """The same, with the strengths measured on a batch of photographs."""
    basis, _ = dct_basis(3 * block**2, block)
    blocks = F.pixel_unshuffle(x_BCHW - 0.5, block)
    energy = F.conv2d(blocks, basis.to(x_BCHW)[..., None, None]).square().mean((0, 2, 3))
    order = energy.argsort(descending=True, stable=True)[:channels]
    return basis[order.cpu()], energy[order].sqrt().clamp_min(1e-3).cpu()


class QualityScale(nn.Module):
    """A per-channel factor that depends on the quality; 1 before training."""

    def __init__(self, trained: int, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(trained, channels))

    def forward(self, x_BCHW: Tensor, quality_B: Tensor) -> Tensor:
        """The scaled map."""
        return x_BCHW * (1 + at_quality(self.shift, quality_B)[..., None, None])


def at_quality(table_AC: Tensor, quality_B: Tensor) -> Tensor:
    """Rows of a table of trained qualities, linear in between."""
    low = quality_B.floor().long().clamp(0, table_AC.shape[0] - 2)
    share = (quality_B - low).to(table_AC.dtype)[:, None]
    return table_AC[low] * (1 - share) + table_AC[low + 1] * share
