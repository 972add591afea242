"""The compact layout of MS-ILLM: transforms beside a block DCT, and a hyperprior with gains."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.layers.blocks import (
    Analysis,
    QualityScale,
    Stage,
    Synthesis,
    dct_basis,
    finely,
    start_small,
)
from mode_core.layers.exact import VALUE_STEP, ExactConv2d
from mode_core.layers.gaussian import Gains, round_through, training_bits
from mode_core.layers.hyper import INDEX_START, INDEX_UNIT, HyperPrior
from mode_core.layers.sizes import LatentSizes, Look, Scalings
from mode_core.stream.entropy import LOG_SCALE_STEP, Coder

CELL = 16
STEPS_BETWEEN = 36
HYPER_LOG_GAIN = 4.0
"""Gives the hyper-latent of an untrained net a few levels."""


class BlockDct(nn.Module):
    """A linear transform of 16x16 blocks that starts as the DCT of opponent colours."""

    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(channels, 3 * CELL**2, 1, 1))
        self.register_buffer("std", torch.empty(1, channels, 1, 1))
        self.start_from(*dct_basis(channels, CELL))

    @torch.no_grad()
    def start_from(self, basis: Tensor, strength: Tensor) -> None:
        """Take these patterns and their strengths."""
        self.kernel.copy_(basis[..., None, None])
        self.std.copy_(strength.reshape(1, -1, 1, 1))

    def analyse(self, x_BCHW: Tensor) -> Tensor:
        """Coefficients of about unit variance."""
        return F.conv2d(F.pixel_unshuffle(x_BCHW, CELL), self.kernel.to(x_BCHW.dtype)) / self.std

    def synthesise(self, y_BCHW: Tensor) -> Tensor:
        """The picture of such coefficients."""
        kernel = self.kernel.to(y_BCHW.dtype).transpose(0, 1)
        with finely(y_BCHW):
            blocks = F.conv2d(y_BCHW * self.std.to(y_BCHW.dtype), kernel)
        return F.pixel_shuffle(blocks, CELL)


class CompactEncoder(nn.Module):
    """The latent: block DCT plus what the network adds."""

    def __init__(self, stages: tuple[Stage, ...], latent: int) -> None:
        super().__init__()
        self.dct = BlockDct(latent)
        self.analysis = Analysis(stages, latent)
        start_small(self.analysis.out, 0.01)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """The latent in natural units (about unit variance)."""
        return self.dct.analyse(x_BCHW - 0.5) + self.analysis(x_BCHW - 0.5)


class CompactGenerator(nn.Module):
    """The picture: inverse block DCT plus what the network makes up."""

    def __init__(self, stages: tuple[Stage, ...], latent: int, trained: int) -> None:
        super().__init__()
        self.dct = BlockDct(latent)
        self.synthesis = Synthesis(stages, latent)
        self.quality_scales = nn.ModuleList(
            QualityScale(trained, width) for width in self.synthesis.widths
        )
        start_small(self.synthesis.head[0], 0.01)

    def forward(self, y_BCHW: Tensor, quality_B: Tensor) -> Tensor:
        """The picture."""
        features = y_BCHW
        for level, scale in zip(self.synthesis.levels, self.quality_scales, strict=True):
            features = scale(level(features), quality_B)
        return self.synthesis.head(features) + self.dct.synthesise(y_BCHW) + 0.5


class CompactLatents(nn.Module):
    """A mean-scale hyperprior with gains, trained for exact arithmetic."""

    def __init__(self, latent: int, wide: int, small: int, side: int, log_lambda_A: Tensor) -> None:
        super().__init__()
        trained = len(log_lambda_A)
        self.qualities = range((trained - 1) * STEPS_BETWEEN + 1)
        self.hyper = HyperPrior(latent, wide, small, side, trained)
        self.mix = ExactConv2d(side, latent, 3, active=True)
        self.out = ExactConv2d(latent, 2 * latent)
        nn.init.normal_(self.out.weight, std=0.01)
        # a hyper-latent that rounds to zero would teach nothing: there is no context beside it
        with torch.no_grad():
            self.hyper.gains.log_gain.fill_(HYPER_LOG_GAIN)
            self.hyper.gains.log_inverse.fill_(-HYPER_LOG_GAIN)
            self.hyper.scale.sub_(HYPER_LOG_GAIN / LOG_SCALE_STEP / INDEX_UNIT)
        self.gains = Gains(torch.zeros(trained, latent))
        self.gains.start_from(dct_basis(latent, CELL)[1], log_lambda_A)

    def expect(self, side: Tensor) -> tuple[Tensor, Tensor]:
        """Mean in natural units and table index for a gain of one."""
        mean, raw = self.out(self.mix(side)).chunk(2, 1)
        return mean, raw * INDEX_UNIT + INDEX_START

    def quantise(
        self, y_BCHW: Tensor, quality_B: Tensor, settled: bool = False
    ) -> tuple[Tensor, Tensor]:
        """The decoded latent and each picture's estimated bits, differentiable."""
        with torch.autocast(y_BCHW.device.type, enabled=False):
            side, bits_B = self.hyper.quantise(y_BCHW, quality_B)
            mean, raw = self.expect(side)
            gain, inverse, offset = self.gains.at(quality_B)
            residual = (y_BCHW - mean) * gain
            spent = training_bits(residual, raw + offset, settled).sum((1, 2, 3))
            return (round_through(residual) + mean * gain) * inverse, bits_B + spent

    def walk(
        self, coder: Coder | Look, quality: int, grid: tuple[int, int], y: Tensor | None
    ) -> Tensor:
        """Write y, or read a latent; either way what was decoded, exact in float64."""
        at = quality / STEPS_BETWEEN
        mean, raw = self.expect(self.hyper.walk(coder, at, grid, y))
        gain, inverse, offset = self.gains.exact(at, mean.dtype)
        shift = (mean * gain / VALUE_STEP).round() * VALUE_STEP
        wanted = None if y is None else y * gain
        return (coder.code(raw + offset, shift, wanted) + shift) * inverse

    def sizes(self, y: Tensor) -> LatentSizes:
        """How many bytes a stream of y would take, without coding."""
        grid, y = (y.shape[2], y.shape[3]), y.float()

        def walk(look: Look, quality: int) -> None:
            self.walk(look, quality, grid, y)

        whole = (y.shape[1],)
        of = Scalings(self.gains, self.hyper.scaling, STEPS_BETWEEN, whole, [0])
        return LatentSizes(y, walk, of)

    def symbols(self, grid: tuple[int, int]) -> int:
        """How many integers stand for a latent of this size."""
        return grid[0] * grid[1] * self.gains.log_gain.shape[1] + self.hyper.symbols(grid)

    def freeze(self) -> None:
        """Round the gains."""
        self.gains.freeze()
        self.hyper.gains.freeze()
