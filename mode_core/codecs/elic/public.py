"""ELIC (He et al., CVPR 2022, https://arxiv.org/abs/2203.10886) at the size that weights exist for.

    x ── g_a ─► y ──────────────► round ─► rANS ─► ŷ ── g_s ─► x̂
                │                   ▲
                └─ h_a ─► z ─ h_s ──┴─ mean, scale: per group from the hyper features, the groups
                                       decoded before and, in the second pass, the first half

There is no official code. Two public re-implementations are the same class here, parameter names
are those of the first:
 - chandelier (VincentChandelier/ELiC-ReImplemetation, CompressAI's Elic2022Chandelier): a group
   sees the first and the latest group, h_s ends in a convolution, means come before scales;
 - official (CompressAI's Elic2022Official, after the paper): a group sees all earlier ones, h_s
   ends in a transposed convolution, scales come before means.
Symbols are theirs, bytes are not: all that decides a probability is computed in exact integers
(`layers.integer`), everything goes into one stream, and the hyper-latent's coder tables are data,
made once when weights are imported. Estimation takes a Gaussian's scale as it is, coding takes the
nearest of 64.
"""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.elic.coding import first_half
from mode_core.codecs.elic.public_layers import (
    CHANDELIER,
    CheckerboardConv,
    ElicPublicConfig,
    Synthesis,
    channel_context,
    pointwise,
)
from mode_core.codecs.elic.transforms import Attention, InOrder, doubling, halving, residuals
from mode_core.layers.exact import version_of
from mode_core.layers.factorised import PriorTables, bare_prior, nearest_scale
from mode_core.layers.gaussian import gaussian_likelihood, round_through
from mode_core.layers.integer import IntegerMatrix, IntegerNetwork, digits_of, neighbourhoods
from mode_core.stream.entropy import CdfTables, Coder, SymbolReader, SymbolWriter


class _Group(NamedTuple):
    """Some channels of a latent: integers, what they decode to, and scales."""

    integers: Tensor
    decoded: Tensor
    scale: Tensor


class ElicPublic(nn.Module):
    """The network with its coder; one rate per set of weights."""

    stride, cell, reach = 64, 16, 192
    codec = "elic"
    qualities, steps_between = range(1), 1

    def __init__(self, config: ElicPublicConfig) -> None:
        super().__init__()
        self.config = config
        n, m, groups = config.width, config.latent, config.groups
        self.g_a = InOrder(
            halving(3, n), *residuals(n), halving(n, n), *residuals(n), Attention(n),
            halving(n, n), *residuals(n), halving(n, m), Attention(m),
        )  # fmt: skip
        self.g_s = Synthesis(m, n)
        self.h_a = nn.Sequential(
            nn.Conv2d(m, n, 3, padding=1), nn.ReLU(), halving(n, n), nn.ReLU(), halving(n, n)
        )
        last = nn.Conv2d if config.dialect == CHANDELIER else nn.ConvTranspose2d
        self.h_s = nn.Sequential(
            doubling(n, n), nn.ReLU(), doubling(n, n * 3 // 2), nn.ReLU(),
            last(n * 3 // 2, config.side, 3, padding=1),
        )  # fmt: skip
        self.entropy_bottleneck = bare_prior(n)
        self.cc_transforms = nn.ModuleList(
            channel_context(sum(groups[i] for i in config.seen_by(k)), groups[k], config.context)
            for k in range(1, len(groups))
        )
        self.context_prediction = nn.ModuleList(CheckerboardConv(group) for group in groups)
        self.ParamAggregation = nn.ModuleList(
            pointwise(config.parameter_widths(k)) for k in range(len(groups))
        )
        self.prior_tables = PriorTables(n)
        self._walker: tuple[object, _Walker] | None = None

    # ── transforms: float, any device ──────────────────────────────────────────────────────────

    @staticmethod
    def pad(x_BCHW: Tensor) -> Tensor:
        """Sides grown to multiples of 64 with black, as the authors do."""
        bottom, right = (-side % ElicPublic.stride for side in x_BCHW.shape[2:])
        return F.pad(x_BCHW, (0, right, 0, bottom)) if bottom or right else x_BCHW

    def analyse(self, x_BCHW: Tensor) -> Tensor:
        """The latent."""
        return self.g_a(x_BCHW)

    def synthesise(self, y_BCHW: Tensor, _quality_B: Tensor) -> Tensor:
        """The picture, not clamped."""
        return self.g_s(y_BCHW)

    @property
    def transforms(self) -> tuple[nn.Module, ...]:
        """The parts that only draw; in the others, another memory layout would change integers."""
        return (self.g_s,)

    @property
    def synthesis(self) -> Synthesis:
        """What draws, in levels."""
        return self.g_s

    def level(self, index: int, features: Tensor, _quality_B: Tensor) -> Tensor:
        """One level of the synthesis."""
        return self.g_s.level(index, features)

    def head(self, features: Tensor, _y: Tensor) -> Tensor:
        """The picture from the last level's features."""
        return self.g_s.head(features)

    # ── estimation: float32, differentiable ────────────────────────────────────────────────────

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """The decoded batch and the information content of each picture in bits."""
        y_hat, bits_B = self.quantise(self.analyse(x_BCHW))
        return self.g_s(y_hat), bits_B

    def quantise(self, y: Tensor, _quality_B: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The decoded latent (rounded, straight-through) and the bits of each picture."""
        z = self.h_a(y)
        _, likelihood = self.entropy_bottleneck(z)
        _, groups = self._decided(z, y)
        bits_B = -likelihood.log2().sum((1, 2, 3))
        for group in groups:
            spent = gaussian_likelihood(group.integers.detach(), group.scale).log2()
            bits_B = bits_B - spent.sum((1, 2, 3))
        return torch.cat([group.decoded for group in groups], 1), bits_B

    @torch.no_grad()
    def integers(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """What the public implementations round a latent to, hyper-latent first.

        Theirs are float32 sums, in an order that depends on the layout. An exact mean differs from
        them by a millionth or so, enough to round one value in a hundred thousand another way, and
        all means after it would follow. So the writer decides as they do; what is exact is all
        that a reader needs: tables, and the means that are added again.
        """
        y = y.to(self.entropy_bottleneck.quantiles).contiguous()
        z, groups = self._decided(self.h_a(y), y)
        return z, torch.cat([group.integers for group in groups], 1)

    def _decided(self, z: Tensor, y: Tensor) -> tuple[Tensor, list[_Group]]:
        """The integers of the hyper-latent, and the groups of the latent one after the other."""
        medians = self.entropy_bottleneck.quantiles[:, 0, 1].detach()[None, :, None, None]
        z = round_through(z - medians)
        hyper = self.h_s(z + medians)
        done: list[_Group] = []
        for k, v in enumerate(y.split(self.config.groups, 1)):
            side = hyper
            if k:
                seen = torch.cat([done[i].decoded for i in self.config.seen_by(k)], 1)
                side = torch.cat([self.cc_transforms[k - 1](seen), hyper], 1)
            done.append(self._decided_group(k, v, side))
        return z, done

    def _decided_group(self, k: int, v: Tensor, side: Tensor) -> _Group:
        first = first_half(v)
        made = _Group(*(torch.zeros_like(v) for _ in range(3)))
        # not even the bias of the spatial context reaches the first half
        spatial = torch.cat([torch.zeros_like(v)] * 2, 1)
        for here in (first, ~first):
            if here is not first:
                spatial = self.context_prediction[k](made.decoded)
            p = self.ParamAggregation[k](torch.cat([spatial, side], 1))
            mean, scale = self.mean_and_scale(p, 1)
            whole = round_through(v - mean)
            now = _Group(whole, whole + mean, scale)
            made = _Group(*(torch.where(here, *pair) for pair in zip(now, made, strict=True)))
        return made

    def mean_and_scale(self, p: Tensor, axis: int) -> tuple[Tensor, Tensor]:
        """What the last layer gives, in the dialect's order."""
        first, second = p.chunk(2, axis)
        return (first, second) if self.config.dialect == CHANDELIER else (second, first)

    # ── coding: exact ──────────────────────────────────────────────────────────────────────────

    def freeze(self) -> None:
        """Make the hyper-latent's coder tables; the rest is rounded when it is used."""
        self.prior_tables.make_from(self.entropy_bottleneck)

    def write(self, y: Tensor, _quality: int) -> tuple[bytes, int]:
        """The stream of a latent (on the CPU) and its symbol check."""
        writer = SymbolWriter()
        self._exact().walk(writer, (y.shape[2], y.shape[3]), self.integers(y))
        return writer.payload(), writer.check

    def read(self, payload: bytes, _quality: int, grid: tuple[int, int]) -> tuple[Tensor, int]:
        """The decoded latent in float64 and the check of its symbols."""
        height, width = grid
        count = height * width * self.config.latent
        count += (height // 4) * (width // 4) * self.config.width
        reader = SymbolReader(payload, count)
        return self._exact().walk(reader, grid, None), reader.check

    def _exact(self) -> _Walker:
        """The exact networks of the present parameters; made anew when they have changed."""
        version = version_of(self)
        if self._walker is None or self._walker[0] != version:
            self._walker = (version, _Walker(self))
        return self._walker[1]


class _Walker:
    """The probability model as integers, and the order in which a latent is coded.

    Maps are (H, W, C) here, groups of places (places, C).
    """

    def __init__(self, net: ElicPublic) -> None:
        self.net, self.config = net, net.config
        self.hyper = IntegerNetwork(net.h_s)
        self.channel = [IntegerNetwork(chain) for chain in net.cc_transforms]  # type: ignore[arg-type]
        self.spatial = [_SpatialContext(conv) for conv in net.context_prediction]  # type: ignore[arg-type]
        self.parameters = [IntegerNetwork(chain) for chain in net.ParamAggregation]  # type: ignore[arg-type]
        self.tables: CdfTables = net.prior_tables.for_coder()
        self.medians = net.entropy_bottleneck.quantiles.detach().double().cpu()[:, 0, 1]

    def walk(
        self, coder: Coder, grid: tuple[int, int], integers: tuple[Tensor, Tensor] | None
    ) -> Tensor:
        """Write integers, or read some; either way the decoded latent, (1, C, H, W) in float64."""
        z, values = (None, None) if integers is None else map(_places_last, integers)
        shape = (grid[0] // 4, grid[1] // 4, len(self.medians))
        index, medians = torch.arange(shape[2]).expand(shape), self.medians.expand(shape)
        wanted = None if z is None else z + medians
        hyper = self.hyper(coder.code(index, medians, wanted, self.tables) + medians)
        starts = [0, *accumulate(self.config.groups)]
        done: list[Tensor] = []
        for k, start in enumerate(starts[:-1]):
            side = hyper
            if k:
                seen = torch.cat([done[i] for i in self.config.seen_by(k)], 2)
                side = torch.cat([self.channel[k - 1](seen), hyper], 2)
            group = None if values is None else values[..., start : starts[k + 1]]
            done.append(self._walk_group(k, coder, side, group))
        return torch.cat(done, 2).permute(2, 0, 1)[None]

    def _walk_group(self, k: int, coder: Coder, side: Tensor, values: Tensor | None) -> Tensor:
        height, width, _ = side.shape
        channels = self.config.groups[k]
        first = first_half(side[None, None, ..., 0]).flatten()
        side = side.flatten(0, 1)
        decoded = side.new_zeros(height * width, channels)
        # not even the bias of the spatial context reaches the first half
        spatial = side.new_zeros(int(first.sum()), 2 * channels)
        for here in (first, ~first):
            if here is not first:
                spatial = self.spatial[k](decoded.reshape(height, width, channels), here)
            p = self.parameters[k](torch.cat([spatial, side[here]], 1)[None])[0]
            mean, scale = self.net.mean_and_scale(p, 1)
            wanted = None if values is None else values.flatten(0, 1)[here] + mean
            decoded[here] = coder.code(nearest_scale(scale), mean, wanted) + mean
        return decoded.reshape(height, width, channels)


class _SpatialContext:
    """The checkerboard convolution, at some places only and with its twelve taps that see."""

    def __init__(self, conv: CheckerboardConv) -> None:
        self.taps = conv.seen.flatten().nonzero().flatten()
        weight = conv.weight.permute(0, 2, 3, 1).flatten(1, 2)[:, self.taps]
        self.matrix = IntegerMatrix(weight.flatten(1), conv.bias)

    def __call__(self, x_HWC: Tensor, here: Tensor) -> Tensor:
        found, at = [], 0
        for rows in neighbourhoods(digits_of(x_HWC), 5):
            chosen = here[at : at + len(rows.high)]
            at += len(rows.high)
            found.append(self.matrix(rows.each(partial(self._seen, chosen=chosen))))
        return torch.cat(found)

    def _seen(self, part: Tensor, chosen: Tensor) -> Tensor:
        return part[chosen].unflatten(1, (25, -1))[:, self.taps].flatten(1)


def _places_last(x_1CHW: Tensor) -> Tensor:
    return x_1CHW[0].cpu().double().permute(1, 2, 0)
