"""The arithmetic of 8-bit sets: sums that are exact in 32 bits, so that any processor is quick.

A map holds bytes: 128 stands for 0, and a step for 1/16. A weight is an integer from -63 to 63
times a power of two, one for each output; biases lie on the grid of the products. Then no sum of a
layer passes 2^24, and float32 holds it without rounding: order, threads, instructions and device
cannot change it, on a GPU as little as here. Seven bits for weights, since processors without 8-bit
dot products add pairs of products in 16 bits. What follows a sum (a leaky ReLU of slope 1/8, a
power of two, rounding half to even) is single operations that IEEE 754 fixes.

`through` is the same in training, where gradients pass roundings as if there were none.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from time import process_time
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

STEP, LEAST, MOST = 2.0**-4, -128, 127
ZERO = 128
"""The byte that stands for 0."""
WEIGHT_MOST, WEIGHT_BITS = 63, 6
LONGEST_SUM, BIAS_MOST = 1536, 1 << 22
"""Terms of a sum, and steps of a bias: 1536 x 63 x 128 and 2^22 are less than 2^24 together."""
SLOPE = 2.0**-3
_BYTES_AT_ONCE = 1 << 23


def through(x: Tensor) -> Tensor:
    """The nearest values that a map can hold; the gradient passes what is inside their range."""
    inside = x.clamp(LEAST * STEP, MOST * STEP)
    return inside + ((inside / STEP).round() * STEP - inside).detach()


def from_bytes(x: Tensor) -> Tensor:
    """The values of bytes, in float32."""
    return x.float().sub_(ZERO).mul_(STEP)


def to_bytes(x: Tensor) -> Tensor:
    """The nearest values that a map can hold, as bytes."""
    return (x / STEP).round_().clamp_(LEAST, MOST).add_(ZERO).to(torch.uint8)


class Integers(NamedTuple):
    """A layer's weights as integers times a power of two for each output, and its bias."""

    weight: Tensor
    unit: Tensor
    bias: Tensor

    @classmethod
    def of(cls, weight: Tensor, bias: Tensor) -> Integers:
        """The nearest that there are, for weights (outputs, ...) of any float type."""
        most = weight.abs().flatten(1).amax(1)
        # what is divided by its own fraction is a power of two to the bit, unlike what `pow` gives
        power = torch.where(most > 0, most / torch.frexp(most)[0], torch.ones_like(most))
        unit = power * 2.0**-WEIGHT_BITS
        each = unit.reshape(-1, *(1 for _ in weight.shape[1:]))
        whole = (weight / each).round().clamp(-WEIGHT_MOST, WEIGHT_MOST)
        steps = (bias / (unit * STEP)).round().clamp(-BIAS_MOST, BIAS_MOST)
        return cls(whole, unit, steps * unit * STEP)


def refuse_longer(terms: int) -> None:
    """ValueError for sums of more terms than float32 can bear."""
    if terms > LONGEST_SUM:
        raise ValueError(f"{terms} terms are too many for sums in float32 ({LONGEST_SUM})")


def mask_of(taps: Sequence[int], kernel: int) -> Tensor:
    """1 at some taps of a kernel, 0 at the others."""
    mask = torch.zeros(kernel**2)
    mask[list(taps)] = 1
    return mask.reshape(kernel, kernel)


def convolved(x: Tensor, weight: Tensor, bias: Tensor, active: bool, last: bool) -> Tensor:
    """A layer on a float map, exact wherever sums are, and differentiable."""
    fixed = Integers.of(weight.detach().to(x.dtype), bias.detach().to(x.dtype))
    whole = fixed.weight * fixed.unit[:, None, None, None]
    near_weight, near_bias = weight + (whole - weight).detach(), bias + (fixed.bias - bias).detach()
    y = F.conv2d(through(x), near_weight, near_bias, padding=weight.shape[-1] // 2)
    y = F.leaky_relu(y, SLOPE) if active else y
    return y if last else through(y)


class ByteMatrix:
    """A layer on rows of bytes: bytes again or, of a last layer, the sums themselves in float32."""

    def __init__(self, fixed: Integers, active: bool, last: bool) -> None:
        """The integers' weights are (outputs, terms)."""
        refuse_longer(fixed.weight.shape[1])
        self.active, self.last = active, last
        self.weight_KO = (fixed.weight * fixed.unit[:, None]).t().contiguous()
        self.unit, self.bias = fixed.unit, fixed.bias
        self._whole = fixed.weight
        self._packed: Tensor | None = None
        self._on: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor]] = {}

    def __call__(self, rows: Tensor) -> Tensor:
        """The rows of results."""
        if rows.device.type == "cpu" and bytes_pay():
            return self.by_bytes(rows)
        wide = torch.float32 if float32_is_exact(rows.device) else torch.float64
        return self.by_floats(rows, wide)

    def by_bytes(self, rows: Tensor) -> Tensor:
        """In 8-bit products."""
        if self._packed is None:
            whole = self._whole.to(torch.int8)
            self._packed = torch.ops.onednn.qlinear_prepack(whole, None)
            self._zeros = torch.zeros(len(whole), dtype=torch.int32)
            self._shift = self.bias if self.last else self.bias / STEP
        kind, zero = (torch.float32, 0) if self.last else (torch.uint8, ZERO)
        after, slope = ("leaky_relu", [SLOPE]) if self.active else ("none", [])
        found: Tensor = torch.ops.onednn.qlinear_pointwise(
            rows, STEP if self.last else 1.0, ZERO, self._packed, self.unit, self._zeros,
            self._shift, 1.0, zero, kind, after, slope, "",
        )  # fmt: skip
        return found

    def by_floats(self, rows: Tensor, wide: torch.dtype = torch.float32) -> Tensor:
        """In products of floats, float32 or wider."""
        place = rows.device, wide
        if place not in self._on:
            self._on[place] = self.weight_KO.to(*place), (self.bias / STEP).to(*place)
        weight, bias = self._on[place]
        y = torch.addmm(bias, rows.to(wide).sub_(ZERO), weight)
        y = F.leaky_relu(y, SLOPE) if self.active else y
        if self.last:
            return y.mul_(STEP).float()
        return y.round_().clamp_(LEAST, MOST).add_(ZERO).to(torch.uint8)


def convolved_bytes(matrix: ByteMatrix, x_HWC: Tensor, kernel: int) -> Tensor:
    """A layer at every place of a map of bytes, (H, W, outputs), a band of rows at a time."""
    height, width, channels = x_HWC.shape
    if kernel == 1:
        return matrix(x_HWC.reshape(-1, channels)).reshape(height, width, -1)
    margin = kernel // 2
    wide = x_HWC.new_full((height + 2 * margin, width + 2 * margin, channels), ZERO)
    wide[margin : margin + height, margin : margin + width] = x_HWC
    below, right, _ = wide.stride()
    band = max(1, _BYTES_AT_ONCE // (width * kernel**2 * channels))
    done = []
    for top in range(0, height, band):
        rows = min(band, height - top)
        shape = (rows, width, kernel, kernel * channels)
        windows = wide[top:].as_strided(shape, (below, right, below, 1), top * below)
        done.append(matrix(windows.reshape(rows * width, -1).contiguous()))
    return torch.cat(done).reshape(height, width, -1)


@cache
def bytes_pay() -> bool:
    """Whether 8-bit products are exact here, and quicker than float32."""
    return bytes_are_exact() and _seconds("by_bytes") < _seconds("by_floats")


def bytes_are_exact() -> bool:
    """Whether this machine's 8-bit products give the sums of integers, at their very ends too."""
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled):
        return False
    try:
        return all(
            torch.equal(matrix.by_bytes(rows), matrix.by_floats(rows, torch.float64))
            for matrix, rows in _extremes()
        )
    except (RuntimeError, AttributeError):  # a torch without these products
        return False


@cache
def float32_is_exact(device: torch.device) -> bool:
    """Whether float32 products give the sums of integers; some devices may round their factors."""
    return all(
        torch.equal(matrix.by_floats(rows.to(device)).cpu(), matrix.by_floats(rows, torch.float64))
        for matrix, rows in _extremes()
    )


def _extremes() -> list[tuple[ByteMatrix, Tensor]]:
    """Layers and rows with the largest sums there can be, and the odd ones below them."""
    rows = torch.tensor([[0], [1], [128], [254], [255]], dtype=torch.uint8).repeat(5, LONGEST_SUM)
    rows[::2, ::2] = 255
    weight = torch.tensor([[63.0], [-63.0], [62.0], [1.0]]).repeat(1, LONGEST_SUM)
    weight[:, -1] = 63
    weight[2, ::2] = -61
    bias = torch.tensor([16.0, -16.0, 0.0625, 3.0])
    kinds = ((True, False), (False, False), (False, True))
    return [
        (ByteMatrix(Integers.of(weight * size, bias * size), *kind), rows)
        for kind in kinds
        for size in (1.0, 2.0**-16)
    ]


def _seconds(way: str) -> float:
    """Processor time of a layer of the usual form."""
    fixed = Integers.of(torch.ones(96, 864), torch.zeros(96))
    matrix = ByteMatrix(fixed, active=True, last=False)
    rows = torch.full((384, 864), ZERO, dtype=torch.uint8)
    product = getattr(matrix, way)
    product(rows)
    start = process_time()
    for _ in range(3):
        product(rows)
    return process_time() - start
