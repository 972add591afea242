"""How VQ codes and draws, with our weights and with taming-transformers'."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from mode_core.codecs.system import Networks, SingleStream, by_repeating, read_stream
from mode_core.codecs.tiles import by_tiles, grid_of
from mode_core.codecs.vq.net import Vq, VqConfig
from mode_core.codecs.vq.public import VqPublic, VqPublicConfig
from mode_core.stream.container import Stream
from mode_core.types import Anchor


class VqSystem(SingleStream):
    """One stream of tokens, whole or in part."""

    def analyse(self, x: Tensor) -> Tensor:
        """The tokens."""
        net = self.on_device.drawing
        z = by_tiles(net.encode, (x.to(self.on_device.device),), net.reach, 1, net.cell)
        return self.net.codebook.nearest(z.cpu())

    def read(self, streams: Sequence[Stream], quality: int, size: tuple[int, int]) -> Tensor:
        """The codes at every place, expected ones where no token was sent."""
        grid = grid_of(*size, self.stride, self.net.cell)
        return self.net.expected_codes(read_stream(self.net.read, streams[0], quality, grid))

    def draw(self, latents: Tensor, quality: int, anchor: Anchor | None) -> Tensor:
        """The picture."""
        net, codes = self.on_device.drawing, latents.to(self.on_device.device)
        return by_tiles(net.synthesise, (codes,), net.reach, net.cell)


OURS = Networks(Vq, VqConfig, VqSystem)
PUBLIC = Networks(VqPublic, VqPublicConfig, VqSystem, by_repeating(16))
