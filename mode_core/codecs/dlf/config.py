"""How large a DLF is: ours, for a GPU, and as published."""

from __future__ import annotations

from dataclasses import dataclass

from mode_core.codecs.dlf.blocks import Style
from mode_core.layers.blocks import Stage


@dataclass(frozen=True, slots=True)
class DlfConfig:
    """The size of one DLF."""

    width: int = 160
    layers: int = 3
    exchanges: tuple[int, ...] = (1,)
    """The layers after which tokens and feature map attend to each other."""
    exchange_blocks: int = 1
    channels: int = 96
    first_blocks: int = 2
    window_blocks: int = 1
    conv_blocks: int = 1
    last_blocks: int = 0
    fusion_blocks: int = 0
    merge_blocks: int = 1
    inner: int = 192
    tokens: int = 32
    codes: int = 1024
    depth: int = 12
    latent: int = 32
    anchors: int = 4
    """How many qualities are trained; the field has this name because weights files hold it."""
    entries: int = 1024
    entry_depth: int = 16
    stages: tuple[Stage, ...] = ((8, 160, 3), (16, 256, 4))
    """Levels of the picture decoder, as in the Vq expert; none means the public VQGAN."""
    head: int = 32
    as_published: bool = False

    @classmethod
    def compact(cls) -> DlfConfig:
        """The width for training on a GPU."""
        return cls(
            width=256, layers=5, exchanges=(1, 3), channels=160, last_blocks=1, merge_blocks=2,
            inner=384, codes=4096, stages=((4, 96, 2), (8, 192, 3), (16, 320, 4)),
        )  # fmt: skip

    @classmethod
    def public(cls) -> DlfConfig:
        """The published model: one rate per set of weights."""
        return cls(
            width=1024, layers=24, exchanges=(3, 7, 11, 15, 19), exchange_blocks=2, channels=768,
            first_blocks=4, window_blocks=2, conv_blocks=2, last_blocks=2, fusion_blocks=2,
            merge_blocks=4, inner=2048, codes=4096, latent=64, anchors=1, entries=256,
            entry_depth=256, stages=(), head=64, as_published=True,
        )  # fmt: skip

    @property
    def style(self) -> Style:
        """What all attention blocks share."""
        return Style(self.head, self.as_published)

    @property
    def bits(self) -> int:
        """Bits of one token."""
        return (self.codes - 1).bit_length()
