"""How likely a residual is under a Gaussian, as CompressAI's models were trained with it."""

from __future__ import annotations

import torch
from compressai.ops.bound_ops import LowerBoundFunction
from torch import Tensor

from mode_core.stream.entropy import SCALE_LOW

LEAST_LIKELIHOOD = 1e-9


def gaussian_likelihood(residual: Tensor, scale: Tensor) -> Tensor:
    """The mass of a Gaussian around a residual; the raw scale is bounded from below, no more."""
    scale = LowerBoundFunction.apply(scale, scale.new_tensor(SCALE_LOW))
    size, root = residual.abs(), -(2**-0.5) / scale
    mass = 0.5 * (torch.erfc(root * (0.5 - size)) - torch.erfc(root * (-0.5 - size)))
    out: Tensor = LowerBoundFunction.apply(mass, mass.new_tensor(LEAST_LIKELIHOOD))
    return out
