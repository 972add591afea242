"""ELIC (He et al., CVPR 2022, https://arxiv.org/abs/2203.10886): the fidelity expert.

    x ── analysis ─► y ──× gain──► round ─► rANS ─►  ──× inverse──► ŷ ── synthesis ─► x̂
    │                │                ▲                             │                 ▲
    └─ block DCT ────┘     mean, scale per group                    └─ inverse DCT ───┘
                     │                │
                     └─ hyper ─► z ─► hyper synthesis + channel context + checkerboard context

Deviations of the compact profile from the paper, all ours:
 - transforms work on unshuffled pixels at strides 8 and 16 (or as configured), beside a block DCT
   that starts as the 16x16 DCT of opponent colours, so an untrained net is a DCT codec already;
 - one set of weights for all rates by learned gains; hyper and context see natural units;
 - hyper-latents have a Gaussian prior per channel and quality instead of a factorised one;
 - everything that decides a probability runs in exact arithmetic (`layers.exact`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.elic import coding
from mode_core.codecs.elic.coding import first_half
from mode_core.layers.blocks import (
    Analysis,
    QualityScale,
    Stage,
    Synthesis,
    dct_basis,
    finely,
    fitted_dct_basis,
    reach_of,
    start_small,
)
from mode_core.layers.exact import BESIDE, BITS, VALUE_STEP, ExactConv2d, on_grid
from mode_core.layers.gaussian import Gains, round_through, training_bits
from mode_core.layers.hyper import INDEX_START, INDEX_UNIT, HyperPrior
from mode_core.layers.sizes import LatentSizes, Look, Scalings
from mode_core.stream.entropy import Coder, SymbolReader, SymbolWriter

TRAINED = 10
STEPS_BETWEEN = 28
LAMBDA_LOW = 0.00015


@dataclass(frozen=True, slots=True)
class ElicConfig:
    """The size of one ELIC."""

    stages: tuple[Stage, ...] = ((8, 160, 3), (16, 256, 4))
    groups: tuple[int, ...] = (16, 16, 32, 64, 192)
    hyper: int = 160
    hyper_latent: int = 64
    side: int = 160
    context: int = 96
    parameters: int = 128
    bits: int = BITS
    """The arithmetic of all that decides a probability: sums of 53 bits, or maps of 8."""


class GroupContext(nn.Module):
    """Mean and scale of one channel group from the hyper features and all that is decoded."""

    def __init__(self, group: int, before: int, config: ElicConfig) -> None:
        super().__init__()
        width, bits = config.context, config.bits
        self.channel = ExactConv2d(before, width, 3, True, bits) if before else None
        self.spatial = ExactConv2d(group, width, 3, True, bits, taps=BESIDE)
        inputs = config.side + width + (width if before else 0)
        self.mix = ExactConv2d(inputs, config.parameters + group, 1, True, bits)
        self.out = ExactConv2d(config.parameters + group, 2 * group, 1, False, bits, last=True)
        nn.init.zeros_(self.out.weight)

    def quantise(
        self, side: Tensor, before: Tensor | None, v: Tensor, gains: Sequence[Tensor], settled: bool
    ) -> tuple[Tensor, Tensor]:
        """The decoded group (straight-through) and its estimated bits."""
        gain, inverse, offset = gains
        first, support = first_half(v), self.support(side, before)
        y_hat, bits = torch.zeros_like(v), v.new_zeros(len(v))
        for positions in (first, ~first):
            spatial = self.spatial(y_hat) * (~first)
            mean, raw = self.parameters_at(support, spatial)
            residual = (v - mean) * gain
            spent = training_bits(residual, raw + offset, settled) * positions
            y_hat = torch.where(positions, (round_through(residual) + mean * gain) * inverse, y_hat)
            bits = bits + spent.sum((1, 2, 3))
        return y_hat, bits

    def code(
        self,
        coder: Coder | Look,
        side: Tensor,
        before: Tensor | None,
        v: Tensor | None,
        gains: Sequence[Tensor],
    ) -> Tensor:
        """The group, written or (without v) read; exact in float64."""
        gain, inverse, offset = gains
        first, support = first_half(side), self.support(side, before).flatten(2)
        height, width = first.shape
        channels = gain.shape[1]
        y_hat = side.new_zeros(1, channels, height * width)
        for positions in (first, ~first):
            here = positions.flatten().nonzero().flatten()
            if positions is first:  # not even the bias of the spatial context reaches this half
                spatial = side.new_zeros(1, self.spatial.weight.shape[0], len(here))
            else:
                seen = on_grid(y_hat).reshape(1, channels, height, width)
                spatial = self.spatial.beside(seen, here)
            known = support.index_select(2, here)
            mean, raw = self.parameters_at(known[..., None], spatial[..., None])
            shift = (mean * gain / VALUE_STEP).round() * VALUE_STEP
            wanted = None if v is None else v.flatten(2).index_select(2, here)[..., None] * gain
            symbols = coder.code(raw + offset, shift, wanted)
            y_hat.index_copy_(2, here, ((symbols + shift) * inverse)[..., 0])
        return y_hat.reshape(1, channels, height, width)

    def support(self, side: Tensor, before: Tensor | None) -> Tensor:
        """What both checkerboard passes share."""
        if self.channel is None or before is None:
            return side
        return torch.cat([side, self.channel(before)], 1)

    def parameters_at(self, support: Tensor, spatial: Tensor) -> tuple[Tensor, Tensor]:
        """Mean in natural units and table index for a gain of one."""
        mean, raw = self.out(self.mix(torch.cat([support, spatial], 1))).chunk(2, 1)
        return mean, raw * INDEX_UNIT + INDEX_START


def contexts_of(config: ElicConfig) -> nn.ModuleList:
    """One context for each group, which sees the groups before it."""
    starts = [sum(config.groups[:k]) for k in range(len(config.groups))]
    return nn.ModuleList(
        GroupContext(group, start, config)
        for group, start in zip(config.groups, starts, strict=True)
    )


class Elic(nn.Module):
    """The network with its coder; qualities are steps of 1/28 between ten trained ones."""

    stride = 64
    codec = "elic"
    qualities = range((TRAINED - 1) * STEPS_BETWEEN + 1)
    steps_between = STEPS_BETWEEN

    def __init__(self, config: ElicConfig) -> None:
        super().__init__()
        self.config = config
        self.codes_anywhere = config.bits == 8
        latent = sum(config.groups)
        self.cell = config.stages[-1][0]
        self.reach = reach_of(config.stages)
        block = 3 * self.cell**2
        self.forward_dct = nn.Parameter(torch.empty(latent, block, 1, 1))
        self.inverse_dct = nn.Parameter(torch.empty(latent, block, 1, 1))
        self.std = nn.Parameter(torch.empty(1, latent, 1, 1), requires_grad=False)
        self.analysis = Analysis(config.stages, latent)
        self.synthesis = Synthesis(config.stages, latent)
        self.quality_scales = nn.ModuleList(
            QualityScale(TRAINED, width) for width in self.synthesis.widths
        )
        sizes = config.hyper, config.hyper_latent, config.side
        self.hyper = HyperPrior(latent, *sizes, TRAINED, config.bits)
        self.gains = Gains(torch.zeros(TRAINED, latent))
        self._start_from(*dct_basis(latent, self.cell))
        self.contexts = contexts_of(config)
        self.in_bytes: coding.Coding | None = None
        start_small(self.analysis.out, 0.003)
        start_small(self.synthesis.head[0], 0.001)

    def fit_start(self, x_BCHW: Tensor) -> None:
        """Order and scale the block DCT by the strengths found in photographs, before training."""
        self._start_from(*fitted_dct_basis(x_BCHW, len(self.forward_dct), self.cell))

    @torch.no_grad()
    def _start_from(self, basis: Tensor, strength: Tensor) -> None:
        for kernel in (self.forward_dct, self.inverse_dct):
            kernel.copy_(basis[..., None, None])
        self.std.copy_(strength.reshape(1, -1, 1, 1))
        self.gains.start_from(strength, lagrange(torch.arange(TRAINED)).log())

    # ── transforms: float, any device ──────────────────────────────────────────────────────────

    def analyse(self, x_BCHW: Tensor) -> Tensor:
        """The latent in natural units (about unit variance); the same for all qualities."""
        blocks = F.pixel_unshuffle(x_BCHW - 0.5, self.cell)
        return F.conv2d(blocks, self.forward_dct.to(x_BCHW.dtype)) / self.std + self.analysis(
            x_BCHW - 0.5
        )

    def linear_part(self, y_BCHW: Tensor) -> Tensor:
        """The picture that the inverse block DCT alone would give."""
        kernel = self.inverse_dct.to(y_BCHW.dtype).transpose(0, 1)
        with finely(y_BCHW):
            blocks = F.conv2d(y_BCHW * self.std.to(y_BCHW.dtype), kernel)
        return F.pixel_shuffle(blocks, self.cell) + 0.5

    def level(self, index: int, features: Tensor, quality_B: Tensor) -> Tensor:
        """One level of the synthesis; MoDE changes its features before the next."""
        return self.quality_scales[index](self.synthesis.levels[index](features), quality_B)

    def head(self, features: Tensor, y_BCHW: Tensor) -> Tensor:
        """The picture from the last level's features and the latent."""
        return self.synthesis.head(features) + self.linear_part(y_BCHW)

    def synthesise(self, y_BCHW: Tensor, quality_B: Tensor) -> Tensor:
        """The picture."""
        features = y_BCHW
        for index in range(len(self.synthesis.levels)):
            features = self.level(index, features, quality_B)
        return self.head(features, y_BCHW)

    # ── training: float32, differentiable ──────────────────────────────────────────────────────

    def training_step(
        self, x_BCHW: Tensor, quality_B: Tensor, settled: bool = False
    ) -> tuple[Tensor, Tensor]:
        """The decoded batch and the bits of each picture."""
        y_hat, bits_B = self.quantise(self.analyse(x_BCHW).float(), quality_B, settled)
        return self.synthesise(y_hat, quality_B), bits_B

    def quantise(
        self, y: Tensor, quality_B: Tensor, settled: bool = False
    ) -> tuple[Tensor, Tensor]:
        """The decoded latent (straight-through) and the estimated bits of each picture."""
        with torch.autocast(y.device.type, enabled=False):
            side, bits = self.hyper.quantise(y, quality_B)
            gains = self.gains.at(quality_B)
            done: list[Tensor] = []
            for context, v, *gain in zip(
                self.contexts, *(t.split(self.config.groups, 1) for t in (y, *gains)), strict=True
            ):
                before = torch.cat(done, 1) if done else None
                y_hat, spent = context.quantise(side, before, v, gain, settled)
                done.append(y_hat)
                bits = bits + spent
            return torch.cat(done, 1), bits

    # ── coding: float64, exact ─────────────────────────────────────────────────────────────────

    def freeze(self) -> None:
        """Round the gains into the integers that files depend on; done before every evaluation."""
        self.gains.freeze()
        self.hyper.gains.freeze()

    def write(self, y: Tensor, quality: int) -> tuple[bytes, int]:
        """The stream of a latent (on the CPU) and its symbol check."""
        if self.config.bits == 8:
            return coding.write(self, quality / STEPS_BETWEEN, y)
        writer = SymbolWriter()
        self._walk(writer, quality, (y.shape[2], y.shape[3]), y.double())
        return writer.payload(), writer.check

    def read(self, payload: bytes, quality: int, grid: tuple[int, int]) -> tuple[Tensor, int]:
        """The decoded latent (float64, of 8 bits float32) and the check of its symbols."""
        if self.config.bits == 8:
            return coding.read(self, payload, quality / STEPS_BETWEEN, grid)
        reader = SymbolReader(payload, self.symbols(grid))
        return self._walk(reader, quality, grid, None), reader.check

    def sizes(self, y: Tensor) -> LatentSizes:
        """How many bytes `write` would give, without coding."""
        grid, y = (y.shape[2], y.shape[3]), y.float()
        halves = [group for group in range(len(self.config.groups)) for _ in range(2)]

        def walk(look: Look, quality: int) -> None:
            if self.config.bits == 8:
                return coding.show(self, look, quality / STEPS_BETWEEN, y)
            self._walk(look, quality, grid, y)

        of = Scalings(self.gains, self.hyper.scaling, STEPS_BETWEEN, self.config.groups, halves)
        return LatentSizes(y, walk, of)

    def symbols(self, grid: tuple[int, int]) -> int:
        """How many integers stand for a latent of this size."""
        return grid[0] * grid[1] * sum(self.config.groups) + self.hyper.symbols(grid)

    def _walk(
        self, coder: Coder | Look, quality: int, grid: tuple[int, int], y: Tensor | None
    ) -> Tensor:
        """Code everything in file order; writer and reader take the same path."""
        at = quality / STEPS_BETWEEN
        side = self.hyper.walk(coder, at, grid, y)
        # one map for all groups: what is known of it is handed on, never gathered anew
        done = side.new_empty(1, sum(self.config.groups), *grid)
        known = torch.empty_like(done)
        start = 0
        parts = [t.split(self.config.groups, 1) for t in self.gains.exact(at, side.dtype)]
        values = [None] * len(parts[0]) if y is None else y.split(self.config.groups, 1)
        for context, v, *gains in zip(self.contexts, values, *parts, strict=True):
            before = known[:, :start] if start else None
            group = context.code(coder, side, before, v, gains)
            stop = start + group.shape[1]
            done[:, start:stop], known[:, start:stop] = group, on_grid(group)
            start = stop
        return done


def lagrange(quality_B: Tensor) -> Tensor:
    """The weight of 255^2 MSE against bits per pixel at a quality counted in trained ones."""
    return LAMBDA_LOW * torch.exp2(quality_B)
