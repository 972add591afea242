"""How large an HDC is, and which parts an ablation leaves out."""

from __future__ import annotations

from dataclasses import dataclass

from mode_core.layers.blocks import Stage


@dataclass(frozen=True, slots=True)
class HdcConfig:
    """The size of one HDC."""

    width: int = 96
    heads: int = 4
    vectors: int = 4
    """How many vectors sum up a picture,"""
    depth: int = 32
    """and how many numbers each has."""
    eyes: tuple[Stage, ...] = ((8, 64, 2), (16, 96, 2))
    """What extracts vectors from pictures."""
    latent_blocks: int = 3
    map_blocks: int = 2
    rise: tuple[Stage, ...] = ((8, 96, 2), (16, 96, 1))
    """From the map at stride 16 to the enhanced picture; its finest stride is that of Vq."""
    encoder_blocks: int = 2
    decoder_blocks: int = 3
    branches: int = 4
    branch: int = 32
    correction_blocks: int = 2
    hidden: int = 64
    """Channels in which the merged picture and the enhanced one are compared."""
    enhancer_vectors: bool = True
    predictor_vectors: bool = True
    correction: bool = True

    @classmethod
    def compact(cls) -> HdcConfig:
        """The width for training on a GPU."""
        return cls(
            width=128, depth=64, eyes=((8, 96, 2), (16, 128, 4)), latent_blocks=4, map_blocks=3,
            rise=((4, 64, 1), (8, 128, 2), (16, 128, 2)), encoder_blocks=4, decoder_blocks=6,
        )  # fmt: skip
