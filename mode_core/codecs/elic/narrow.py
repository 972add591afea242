"""A trained ELIC as the start of an 8-bit one: transforms as they are, all that decides a
probability narrowed to its configuration and scaled to the range of bytes.

Of the channels between two layers those stay that matter most to the next one; what the others say
is foretold from those that stay, by least squares over photographs. Each is then multiplied so
that it fills its bytes, and the next layer divides again: a leaky ReLU lets factors through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mode_core.codecs.elic.net import TRAINED, Elic, ElicConfig
from mode_core.layers.eight import MOST, STEP
from mode_core.layers.hyper import INDEX_UNIT
from mode_core.stream.entropy import LOG_SCALE_STEP

_PLACES = 1500
"""How many places of each map of a batch are looked at."""
_SHARE, _FILLED = 0.9999, 0.95
"""A channel is scaled so that this share of its values lies within this part of the range."""
_RIDGE = 1e-4

Maker = tuple[Any, int]
"""A layer that makes a stream, and how many of its outputs, side by side, belong to a channel."""
Reader = tuple[Any, int, int]
"""A layer that reads a stream, its first input of it, and how many of them belong to a channel."""


@dataclass
class Stream:
    """The channels between layers, and what they held."""

    width: int
    makers: list[Maker]
    readers: list[Reader]
    hooked: list[tuple[nn.Module, bool]]
    """The modules where it can be seen: at their input, or at their output."""
    seen: list[Tensor] = field(default_factory=list)

    def cut(self) -> None:
        """Leave only as many channels as are wanted."""
        x = torch.cat(self.seen).double()
        if self.width >= x.shape[1]:
            return
        reads = [self._columns(r, x.shape[1]).square().sum((0, 2)) for r in self.readers]
        weigh = torch.stack(reads).sum(0)
        rank = (x.std(0) * weigh.double().sqrt()).argsort(descending=True)
        kept, lost = rank[: self.width].sort()[0], rank[self.width :].sort()[0]
        told, shift = foretold(x[:, kept], x[:, lost])
        for reader in self.readers:
            self._lead(reader, kept, lost, told.float(), shift.float())
        for layer, per in self.makers:
            rows = (kept[:, None] * per + torch.arange(per)).flatten()
            layer.weight, layer.bias = (nn.Parameter(t.detach()[rows]) for t in _both(layer))
        self.seen = [part[:, kept] for part in self.seen]

    def scale(self) -> Tensor:
        """Let each channel fill its bytes; the factors."""
        x = torch.cat(self.seen).abs()
        place = min(len(x) - 1, int(_SHARE * len(x)))
        most = x.sort(0)[0][place].clamp_min(1e-3)
        factor = _FILLED * MOST * STEP / most
        for layer, per in self.makers:
            every = factor.repeat_interleave(per)
            layer.weight.data *= every[:, None, None, None]
            layer.bias.data *= every
        for reader in self.readers:
            self._columns(reader, len(factor)).div_(factor[None, :, None])
        return factor

    def _columns(self, reader: Reader, width: int) -> Tensor:
        """A reader's weights as (outputs, channels, taps), in place."""
        layer, start, per = reader
        weight = layer.weight.data[:, start : start + width * per]
        return weight.unflatten(1, (width, per)).flatten(2)

    def _lead(
        self, reader: Reader, kept: Tensor, lost: Tensor, told: Tensor, shift: Tensor
    ) -> None:
        """Let a reader do without the lost channels."""
        layer, start, per = reader
        width = len(kept) + len(lost)
        old = layer.weight.data
        columns = self._columns(reader, width)
        gone = columns[:, lost]
        new = columns[:, kept] + torch.einsum("olt,kl->okt", gone, told)
        layer.bias.data += torch.einsum("olt,l->o", gone, shift)
        new = new.reshape(len(old), len(kept) * per, *old.shape[2:])
        parts = [old[:, :start], new, old[:, start + width * per :]]
        layer.weight = nn.Parameter(torch.cat(parts, 1))


def _both(layer: Any) -> tuple[Tensor, Tensor]:
    return layer.weight, layer.bias


def foretold(kept: Tensor, lost: Tensor) -> tuple[Tensor, Tensor]:
    """The matrix and the shift by which the lost columns follow best from the kept ones."""
    middle, other = kept.mean(0), lost.mean(0)
    a, b = kept - middle, lost - other
    square = a.t() @ a
    square.diagonal().add_(_RIDGE * square.diagonal().mean() + _RIDGE)
    told = torch.linalg.solve(square, a.t() @ b)
    return told, other - middle @ told


def narrowed(old: Elic, config: ElicConfig, batches: Sequence[Tensor]) -> Elic:
    """The same network with another configuration, fitted on these latents."""
    new = Elic(config)
    streams = list(_streams(old, config))
    with _watched(streams):
        for number, y in enumerate(batches):
            quality_B = torch.arange(len(y)).add(number).mul(3.7) % (TRAINED - 1)
            old.quantise(y, quality_B)
    for stream in streams:
        stream.cut()
    for stream in streams:
        stream.scale()
    _scale_hyper_latent(old, batches)
    new.load_state_dict(old.state_dict())
    new.freeze()
    return new


def _streams(net: Elic, config: ElicConfig) -> Iterator[Stream]:
    """All streams whose width a configuration chooses."""
    hyper, down, wide = net.hyper, net.hyper.down, config.hyper
    yield Stream(wide, [(down[0], 1)], [(down[3], 0, 4)], [(down[1], False)])
    yield Stream(wide, [(down[3], 1)], [(down[5], 0, 1)], [(down[4], False)])
    yield Stream(wide, [(down[5], 1)], [(down[8], 0, 4)], [(down[6], False)])
    middle, refine = hyper.middle, hyper.refine
    yield Stream(
        wide, [(hyper.widen, 4), (middle.second, 1)], [(middle.first, 0, 1), (hyper.finish, 0, 1)],
        [(middle, True), (middle, False)],
    )  # fmt: skip
    yield _hidden(middle.first, middle.second, wide)
    mixes: list[Reader] = [(context.mix, 0, 1) for context in net.contexts]
    yield Stream(
        config.side, [(hyper.finish, 4), (refine.second, 1)], [(refine.first, 0, 1), *mixes],
        [(refine, True), (refine, False)],
    )  # fmt: skip
    yield _hidden(refine.first, refine.second, config.side)
    for group, context in zip(config.groups, net.contexts, strict=True):
        first: Any = context
        if first.channel is not None:
            yield Stream(
                config.context, [(first.channel, 1)], [(first.mix, config.side, 1)],
                [(first.channel, False)],
            )  # fmt: skip
        before = config.side + (config.context if first.channel is not None else 0)
        yield Stream(
            config.context, [(first.spatial, 1)], [(first.mix, before, 1)], [(first.spatial, False)]
        )
        yield _hidden(first.mix, first.out, config.parameters + group)


def _hidden(first: Any, second: Any, width: int) -> Stream:
    return Stream(width, [(first, 1)], [(second, 0, 1)], [(first, False)])


@contextmanager
def _watched(streams: Sequence[Stream]) -> Iterator[None]:
    """Let streams note what they hold."""
    generator = torch.Generator().manual_seed(0)

    def note(stream: Stream, at_input: bool) -> Callable[..., None]:
        def noted(_: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
            rows = (given[0] if at_input else made).detach().permute(0, 2, 3, 1).flatten(0, 2)
            stream.seen.append(rows[torch.randint(len(rows), (_PLACES,), generator=generator)])

        return noted

    handles = [
        module.register_forward_hook(note(stream, at_input))
        for stream in streams
        for module, at_input in stream.hooked
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _scale_hyper_latent(net: Elic, batches: Sequence[Tensor]) -> None:
    """Let the hyper-latent fill its bytes too; its gains undo it, so that no integer changes."""
    hyper: Any = net.hyper
    with torch.no_grad():
        found = [hyper.down(y).permute(0, 2, 3, 1).flatten(0, 2) for y in batches]
        stream = Stream(0, [(hyper.down[8], 1)], [(hyper.widen, 0, 1)], [], found)
        log_factor = stream.scale().log()
        hyper.gains.log_gain -= log_factor
        hyper.gains.log_inverse += log_factor
        hyper.scale += log_factor / LOG_SCALE_STEP / INDEX_UNIT
