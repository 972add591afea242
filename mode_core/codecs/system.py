"""How a learned codec uses its networks to code and to draw, without the file around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.codecs.tiles import by_tiles, grid_of
from mode_core.errors import BitstreamError, DecoderDrift
from mode_core.layers.device import NetOnDevice
from mode_core.stream.container import Stream
from mode_core.stream.entropy import DRIFT
from mode_core.types import Anchor

Sizes = Callable[[int, int | None], float]
"""About the bytes at one quality, as things look at another one; without one, at a glance."""


class System(Protocol):
    """What differs between learned codecs. `read` and `write` are exact, `draw` may be float."""

    stride: int
    qualities: range

    def analyse(self, x: Tensor) -> Any:
        """What is coded, once for all qualities."""
        ...

    def write(self, analysed: Any, quality: int) -> tuple[Stream, ...]:
        """The streams at one quality."""
        ...

    def sizes(self, analysed: Any) -> Sizes | None:
        """What the streams would take, without coding; None where nothing can say so cheaply."""
        ...

    def read(self, streams: Sequence[Stream], quality: int, size: tuple[int, int]) -> Any:
        """What the streams decode to; None for a lost stream that another can stand in for."""
        ...

    def draw(self, latents: Any, quality: int, anchor: Anchor | None) -> Tensor:
        """The padded picture."""
        ...


@dataclass(frozen=True, slots=True)
class Networks:
    """The network of a codec with one kind of weights, and how it is used."""

    net: Callable[..., nn.Module]
    """Makes the network from the codec's experts, if it has any, and a configuration."""
    config: Callable[..., Any]
    system: Callable[[Any], System]
    pad: Callable[[Tensor], Tensor] = lambda x_BCHW: x_BCHW
    """How a picture is padded for the authors' weights; for ours, the adapter pads it."""
    writes: tuple[str, ...] = ()
    """Parts of a large network that only encoding needs,"""
    draws: tuple[str, ...] = ()
    """and those that only decoding needs."""


class SingleStream:
    """One latent, one stream, one picture: ELIC and MS-ILLM as it stands here."""

    def __init__(self, net: Any) -> None:
        self.on_device, self.net = NetOnDevice(net), net
        self.stride, self.qualities = net.stride, net.qualities

    @property
    def _coding(self) -> Any:
        """The network that codes: on the CPU, unless its sums are the same on any device."""
        return self.on_device.drawing if getattr(self.net, "codes_anywhere", False) else self.net

    def analyse(self, x: Tensor) -> Tensor:
        """The latent, on the CPU."""
        net = self.on_device.drawing
        y = by_tiles(net.analyse, (x.to(self.on_device.device),), net.reach, 1, net.cell)
        return y.float().cpu()

    def write(self, analysed: Tensor, quality: int) -> tuple[Stream, ...]:
        """One stream."""
        return (Stream(*self._coding.write(analysed, quality)),)

    def sizes(self, analysed: Tensor) -> Sizes | None:
        """What the stream would take, where one network has many qualities."""
        # where the latent is: on the host, like the coder's tables that it is reckoned with
        return self.net.sizes(analysed) if len(self.qualities) > 1 else None

    def read(self, streams: Sequence[Stream], quality: int, size: tuple[int, int]) -> Tensor:
        """The decoded latent."""
        grid = grid_of(*size, self.stride, self.net.cell)
        return read_stream(self._coding.read, streams[0], quality, grid)

    def draw(self, latents: Tensor, quality: int, anchor: Anchor | None) -> Tensor:
        """The picture."""
        net, y = self.on_device.drawing, latents.float().to(self.on_device.device)
        at = self.on_device.quality_at(quality / net.steps_between)
        return by_tiles(lambda y: net.synthesise(y, at), (y,), net.reach, net.cell)


def read_stream(reader: Callable[..., tuple[Tensor, int]], stream: Stream, *where: Any) -> Tensor:
    """What a stream decodes to, checked against what was written."""
    if not stream.payload:
        raise BitstreamError("the stream that this picture needs is missing from the file")
    latent, check = reader(stream.payload, *where)
    refuse_drift(check, stream.check)
    return latent


def refuse_drift(read: int, written: int) -> None:
    """DecoderDrift unless what was read is what was written."""
    if read != written:
        raise DecoderDrift(DRIFT)


def by_repeating(stride: int) -> Callable[[Tensor], Tensor]:
    """Padding to multiples of the stride by repeating the border."""

    def pad(x_BCHW: Tensor) -> Tensor:
        bottom, right = (-side % stride for side in x_BCHW.shape[2:])
        return F.pad(x_BCHW, (0, right, 0, bottom), mode="replicate")

    return pad
