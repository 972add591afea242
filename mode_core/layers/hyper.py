"""Side information at stride 64, shared by the compact scalar-quantised codecs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.layers.blocks import at_quality
from mode_core.layers.exact import BITS, ExactConv2d, ExactResidual, on_grid
from mode_core.layers.gaussian import Gains, round_through, training_bits
from mode_core.layers.sizes import Look, Scaling
from mode_core.stream.entropy import Coder

INDEX_UNIT, INDEX_START = 8.0, 18.0
"""Networks give scales in units of 8 table places; they start near a standard deviation of 1."""


class HyperPrior(nn.Module):
    """What each place of the latent looks like, coded with a Gaussian per channel and quality."""

    def __init__(
        self, latent: int, wide: int, small: int, side: int, trained: int, bits: int = BITS
    ) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(latent, wide, 1),
            nn.LeakyReLU(0.125),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * wide, wide, 1),
            nn.LeakyReLU(0.125),
            nn.Conv2d(wide, wide, 3, padding=1),
            nn.LeakyReLU(0.125),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * wide, small, 1),
        )
        self.widen = ExactConv2d(small, 4 * wide, 1, bits=bits)
        self.middle = ExactResidual(wide, wide, bits)
        self.finish = ExactConv2d(wide, 4 * side, 1, bits=bits)
        self.refine = ExactResidual(side, side, bits)
        self.gains = Gains(torch.zeros(trained, small))
        self.mean = nn.Parameter(torch.zeros(trained, small))
        self.scale = nn.Parameter(torch.full((trained, small), INDEX_START / INDEX_UNIT))

    def prior(self, quality_B: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Mean and table index of the coded hyper-latent."""
        tables: tuple[Tensor, Tensor] = self.mean, self.scale * INDEX_UNIT
        if dtype == torch.float64:
            tables = on_grid(self.mean.double()), on_grid(self.scale.double()) * INDEX_UNIT
        mean, index = (at_quality(table, quality_B)[..., None, None] for table in tables)
        return mean, index

    def up(self, z_BCHW: Tensor) -> Tensor:
        """Features at the latent's stride."""
        half = self.middle(F.pixel_shuffle(self.widen(z_BCHW), 2))
        return self.refine(F.pixel_shuffle(self.finish(half), 2))

    def quantise(self, y_BCHW: Tensor, quality_B: Tensor) -> tuple[Tensor, Tensor]:
        """Features for training, and the estimated bits of each picture's hyper-latent."""
        z_hat, bits_B = self.quantise_alone(y_BCHW, quality_B)
        return self.up(z_hat), bits_B

    def quantise_alone(self, y_BCHW: Tensor, quality_B: Tensor) -> tuple[Tensor, Tensor]:
        """The decoded hyper-latent in training, and its estimated bits."""
        gain, inverse, offset = self.gains.at(quality_B)
        mean, index = self.prior(quality_B, y_BCHW.dtype)
        residual = self.down(y_BCHW) * gain - mean
        bits_B = training_bits(residual, index + offset).sum((1, 2, 3))
        return (round_through(residual) + mean) * inverse, bits_B

    def walk(
        self, coder: Coder | Look, at: float, grid: tuple[int, int], y: Tensor | None
    ) -> Tensor:
        """Write the hyper-latent of y, or read one; either way its features, exactly in float64."""
        return self.up(on_grid(self.decoded(coder, at, grid, y)))

    def decoded(
        self, coder: Coder | Look, at: float, grid: tuple[int, int], y: Tensor | None
    ) -> Tensor:
        """The hyper-latent itself: float32 of 8-bit layers, else of the type of y, or float64."""
        dtype = torch.float64 if y is None else y.dtype
        if self.widen.eight:
            dtype = torch.float32
        inverse, (gain, mean, index) = self.gains.exact(at, dtype)[1], self.scaling(at, dtype)
        shape = (1, self.mean.shape[1], grid[0] // 4, grid[1] // 4)
        z = None if y is None else self.down(y.to(self.mean.dtype)).to(dtype) * gain
        index, mean = index.expand(shape), mean.expand(shape)
        return (coder.code(index, mean, z) + mean) * inverse

    def scaling(self, at: float, dtype: torch.dtype = torch.float32) -> Scaling:
        """Gain, mean and table of the coded hyper-latent at a quality."""
        gain, _, offset = self.gains.exact(at, dtype)
        fine = torch.float64 if self.widen.eight else dtype
        place = torch.tensor([at], dtype=fine, device=self.mean.device)
        mean, index = (t.to(dtype) for t in self.prior(place, fine))
        return Scaling(gain, mean, index + offset)

    def symbols(self, grid: tuple[int, int]) -> int:
        """How many integers stand for a latent of this size."""
        return (grid[0] // 4) * (grid[1] // 4) * self.mean.shape[1]
