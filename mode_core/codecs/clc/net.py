"""CLC (Wu, Chen et al., AAAI 2025, https://arxiv.org/abs/2502.09971): ELIC beside references.

    y ── × gain ─► round ─► rANS ─► × inverse ─► y_hat ── (+ refinement) ─► synthesis ─► x_hat
                     ▲ mean, scale per group
    hyper features ──┴─ + references:  dictionary ─► matching ─► alignment ─► synthesis

Analysis, synthesis, hyper-prior and gains are a frozen ELIC's; contexts are its own, copied at the
start. Nothing is added before training, so it begins as that ELIC exactly.

Deviations from the paper and its published code, all ours:
 - the backbone is our ELIC instead of TCM, the dictionary holds latents of pieces of 128 pixels
   instead of pictures, and entries are looked up for each such region instead of once a picture;
 - descriptions are pooled decoded maps instead of features of a ResNet: the decoder has them, so
   that a look-up costs nothing. A writer may still send the entry of a region where that pays;
 - entries are looked up twice, by the hyper-latent and again by the first group of channels;
 - the paper's mixture holds the latent itself, which a decoder has not: here it is what the decoded
   features foretell. The noise of its synthesis is left out;
 - everything that decides a probability runs in exact arithmetic (`layers.exact`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mode_core.codecs.clc.config import ClcConfig, refuse_other_sizes
from mode_core.codecs.clc.dictionary import BYTE, Dictionary, regions_of
from mode_core.codecs.clc.reference import Reference, held
from mode_core.codecs.clc.sending import BitsOfPlaces, exchange, opening, price
from mode_core.codecs.elic.net import STEPS_BETWEEN, Elic, contexts_of
from mode_core.layers.exact import BITS, ExactConv2d, on_grid
from mode_core.layers.experts import OnExperts
from mode_core.layers.sizes import LatentSizes, Look, Scalings
from mode_core.stream.entropy import Coder, SymbolReader, SymbolWriter


class Twins(NamedTuple):
    """In training, entries (B, R, C, 8, 8) that are the region's own latent, and where (B, R) they
    stand for what was sent: what a near-duplicate would be."""

    at: Tensor
    entries: Tensor


class Clc(OnExperts):
    """The network with its coder, over a frozen ELIC."""

    stride = Elic.stride
    codec = "clc"
    qualities = Elic.qualities
    steps_between = STEPS_BETWEEN

    def __init__(self, elic: Elic, config: ClcConfig) -> None:
        super().__init__(elic)
        self.config = config
        self.cell, self.reach = elic.cell, elic.reach
        own, groups = elic.config, elic.config.groups
        refuse_other_sizes(config)
        if own.bits != BITS:
            raise ValueError(f"an elic whose sums have {own.bits} bits has no place for references")
        self.contexts = contexts_of(own)
        before = [sum(groups[:index]) for index in config.after]
        described = tuple(places or own.hyper_latent for places in before)
        self.dictionary = Dictionary(
            config.entries, config.channels, sum(groups), config.axes, described
        )
        self.references = nn.ModuleList(
            Reference(
                own.side + places, own.side, config.channels, (config.match, config.wide),
                config.clm, config.cls, config.told,
            )
            for places in before
        )  # fmt: skip
        self.refinement = nn.ModuleList()
        if config.refines:
            last = ExactConv2d(config.wide, sum(groups))
            nn.init.zeros_(last.weight)
            first = ExactConv2d(sum(groups) + own.side, config.wide, 1, active=True)
            self.refinement.extend((first, last))

    @property
    def elic(self) -> Elic:
        """The frozen expert."""
        return self._experts[0]

    def start_from_expert(self) -> None:
        """Take the expert's contexts, before training."""
        self.contexts.load_state_dict(self.elic.contexts.state_dict())

    def analyse(self, x_BCHW: Tensor) -> Tensor:
        """The latent in natural units."""
        return self.elic.analyse(x_BCHW)

    def synthesise(self, y_BCHW: Tensor, quality_B: Tensor) -> Tensor:
        """The picture."""
        return self.elic.synthesise(y_BCHW, quality_B)

    def freeze(self) -> None:
        """Gains are the frozen expert's: nothing is left to round."""

    def refined(self, y_hat: Tensor, side: Tensor) -> Tensor:
        """The decoded latent, nearer to what was coded: only pictures are made of it."""
        if not self.config.refines:
            return y_hat
        first, second = self.refinement
        change: Tensor = second(first(torch.cat([held(y_hat), side], 1)))
        return y_hat + change

    # ── references ─────────────────────────────────────────────────────────────────────────────

    def describable(self, z: Tensor, y: Tensor) -> list[Tensor]:
        """What regions are described by in each look-up: the hyper-latent, or the first group."""
        wide = z.repeat_interleave(4, 2).repeat_interleave(4, 3)
        first = self.elic.config.groups[0]
        return [y[:, :first] if index else wide for index in self.config.after]

    def order(self, place: int, z_hat: Tensor, before: Tensor | None, count: int) -> Tensor:
        """The nearest entries (B, R, count) in a look-up."""
        known = self.describable(z_hat, z_hat if before is None else before)[place].detach()
        return self.dictionary.nearest(place, self.dictionary.describe(place, known), count)

    def informed(
        self,
        place: int,
        side: Tensor,
        before: Tensor | None,
        chosen_BRM: Tensor,
        sent_BR: Tensor | None = None,
        twins: Twins | None = None,
    ) -> Tensor:
        """The side features with what the chosen entries tell; twins stand for what was sent."""
        entries = self.dictionary.read(chosen_BRM.flatten(), side.dtype)
        entries = entries.unflatten(0, chosen_BRM.shape) * (not self.config.empty)
        if twins is not None:
            at = twins.at[..., None, None, None]
            first = torch.where(at, twins.entries, entries[:, :, 0])
            entries = torch.cat([first[:, :, None], entries[:, :, 1:]], 2)
        known = side if before is None else torch.cat([side, before], 1)
        return held(side + self.references[place](known, entries, sent_BR))

    def chosen(self, order: Tensor, sent_BR: Tensor | None, passed_over: int = 0) -> Tensor:
        """The entries (B, R, M) to use: the one that was sent, where there is one, comes first."""
        most = self.config.references
        found = order[:, :, passed_over : passed_over + most]
        if sent_BR is None:
            return found
        led = torch.cat([sent_BR[..., None], found[:, :, : most - 1]], 2)
        return torch.where((sent_BR >= 0)[..., None], led, found)

    # ── training: float32, differentiable ──────────────────────────────────────────────────────

    def quantise(
        self,
        y: Tensor,
        quality_B: Tensor,
        settled: bool = True,
        sent_BR: Tensor | None = None,
        passed_over: int = 0,
        twins: Twins | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The decoded latent (straight-through) and the estimated bits of each picture."""
        elic, groups, after = self.elic, self.elic.config.groups, self.config.after
        with torch.autocast(y.device.type, enabled=False):
            z_hat, bits = elic.hyper.quantise_alone(y, quality_B)
            side = elic.hyper.up(z_hat)
            done: list[Tensor] = []
            parts = (t.split(groups, 1) for t in (y, *elic.gains.at(quality_B)))
            for index, (context, v, *gain) in enumerate(zip(self.contexts, *parts, strict=True)):
                before = torch.cat(done, 1) if done else None
                if index in after:
                    place = after.index(index)
                    count = self.config.references + passed_over
                    order = self.order(place, z_hat, before, count)
                    chosen = self.chosen(order, sent_BR, passed_over)
                    side = self.informed(place, side, before, chosen, sent_BR, twins)
                y_hat, spent = context.quantise(side, before, v, gain, settled)
                done.append(y_hat)
                bits = bits + spent
            return self.refined(torch.cat(done, 1), side), bits

    # ── coding: float64, exact ─────────────────────────────────────────────────────────────────

    def write(self, y: Tensor, quality: int) -> tuple[bytes, int]:
        """The stream of a latent (on the CPU) and its symbol check."""
        return self.write_with(y, quality, self.worth_sending(y, quality))

    def write_with(self, y: Tensor, quality: int, sent: Tensor | None) -> tuple[bytes, int]:
        """The same with entries that were chosen before."""
        writer = SymbolWriter()
        self._walk(writer, quality, (y.shape[2], y.shape[3]), y.double(), sent)
        return writer.payload(), writer.check

    def read(self, payload: bytes, quality: int, grid: tuple[int, int]) -> tuple[Tensor, int]:
        """The decoded latent in float64 and the check of its symbols."""
        height, width = grid
        rows, columns = regions_of(grid)
        groups, hyper = self.elic.config.groups, self.elic.hyper
        count = height * width * sum(groups) + hyper.symbols(grid) + 2 * rows * columns + 1
        reader = SymbolReader(payload, count)
        return self._walk(reader, quality, grid, None), reader.check

    def sizes(self, y: Tensor, sent_at: Callable[[int], Tensor | None]) -> LatentSizes:
        """How many bytes `write_with` would give, without coding; what is sent is left out."""
        grid, y = (y.shape[2], y.shape[3]), y.float()
        elic = self.elic
        halves = [group for group in range(len(elic.config.groups)) for _ in range(2)]

        def walk(look: Look, quality: int) -> None:
            self._walk(look, quality, grid, y, sent_at(quality))

        of = Scalings(elic.gains, elic.hyper.scaling, STEPS_BETWEEN, elic.config.groups, halves)
        return LatentSizes(y, walk, of)

    def worth_sending(self, y: Tensor, quality: int) -> Tensor | None:
        """The entry (1, R) that each region is sent, -1 where none pays; None for no region.

        Regions are weighed one by one, as if none changed what its neighbours take.
        """
        if not self.config.sent:
            return None
        grid, y = (y.shape[2], y.shape[3]), y.float()
        alike = self.dictionary.most_alike(y)
        plain, helped = BitsOfPlaces(grid), BitsOfPlaces(grid)
        self._walk(plain, quality, grid, y)
        self._walk(helped, quality, grid, y, alike)
        saved = plain.of_regions() - helped.of_regions() - price(helped.ranks, self.config.entries)
        if saved.clamp_min(0).sum() <= opening(saved.numel(), self.config.entries):
            return None
        return torch.where(saved > 0, alike, -1)

    def _walk(
        self,
        coder: Coder | Look | BitsOfPlaces,
        quality: int,
        grid: tuple[int, int],
        y: Tensor | None,
        sent: Tensor | None = None,
    ) -> Tensor:
        """Code everything in file order; writer and reader take the same path."""
        elic, at, after = self.elic, quality / STEPS_BETWEEN, self.config.after
        z_hat = on_grid(elic.hyper.decoded(coder, at, grid, y))
        side, groups = elic.hyper.up(z_hat), elic.config.groups
        done = side.new_empty(1, sum(groups), *grid)
        known = torch.empty_like(done)
        start = 0
        parts = [t.split(groups, 1) for t in elic.gains.exact(at, side.dtype)]
        values = [None] * len(parts[0]) if y is None else y.split(groups, 1)
        for index, (context, v, *gains) in enumerate(
            zip(self.contexts, values, *parts, strict=True)
        ):
            before = known[:, :start] if start else None
            if index in after:
                place = after.index(index)
                count = self.config.entries if self.config.sent else self.config.references
                order = self.order(place, z_hat, before, count)
                if self.config.sent and place == 0:
                    sent = exchange(coder, order, sent)
                side = self.informed(place, side, before, self.chosen(order, sent), sent)
            group = context.code(coder, side, before, v, gains)
            stop = start + group.shape[1]
            done[:, start:stop], known[:, start:stop] = group, on_grid(group)
            start = stop
        return self.refined(done, side)

    @torch.no_grad()
    def perturb(self, share: float, seed: int) -> None:
        """Add noise to the entries, in shares of their channels' deviations: an experiment."""
        generator = torch.Generator().manual_seed(seed)
        entries = self.dictionary.entries.float()
        deviation = entries.std((0, 2, 3), keepdim=True)
        noise = torch.randn(entries.shape, generator=generator)
        moved = (entries + share * deviation * noise).round().clamp(-BYTE, BYTE)
        self.dictionary.entries.copy_(moved.to(torch.int8))
