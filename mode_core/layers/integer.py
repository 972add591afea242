"""Layers that give the same result on every machine, in 8-bit integers where those are fast.

For public weights, which were trained without any grid (`exact` is for our own). A number is
three digits to the base 256, a product of two numbers the six products of digits that matter:

    x ≈ (h 2^16 + m 2^8 + l) 2^e
    x w ≈ (h h' 2^32 + (h m' + m h') 2^24 + (h l' + m m' + l h') 2^16) 2^(e + e')

Maps share one exponent, each row of weights has its own: 22 bits below the largest. A layer of 672
terms is 3e-6 off (float32: 1.5e-7), enough for tables and means; a writer decides in float32 which
integers it writes. Sums of digit products fit in 32 bits, so order, threads and instructions cannot
change them. Machines without 8-bit units get the same integers from float64.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from time import process_time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.layers.split import SplitNetwork, sub_pixel

VALUE_BITS, LONGEST_SUM = 22, 1 << 15
_BYTES_AT_ONCE = 1 << 25
_MIDDLES = 0x808080


@dataclass(frozen=True, slots=True)
class Digits:
    """A map (..., C) as three int8 digits and an exponent."""

    high: Tensor
    mid: Tensor
    low: Tensor
    exponent: int

    def each(self, change: Callable[[Tensor], Tensor]) -> Digits:
        """The same change made to all digits."""
        return Digits(change(self.high), change(self.mid), change(self.low), self.exponent)


class IntegerMatrix:
    """y = W x + b for rows of digits."""

    def __init__(self, weight_OK: Tensor, bias_O: Tensor | None) -> None:
        weight = weight_OK.detach().double().cpu()
        if weight.shape[1] > LONGEST_SUM:
            raise ValueError(f"{weight.shape[1]} terms are too many for 32 bits ({LONGEST_SUM})")
        exponent = torch.frexp(weight.abs().amax(1))[1] - VALUE_BITS
        high, mid, low = to_digits(torch.ldexp(weight, -exponent[:, None]))
        rows = torch.cat([high, mid, low])
        n = len(high)
        # each digit of a map meets the digits of the weights that still matter beside it
        self.columns = [rows[: k * n].t().contiguous() for k in (3, 2, 1)]
        self.outputs = len(weight)
        self.scale = torch.ldexp(torch.ones(len(weight), dtype=torch.float64), exponent)
        bias = torch.zeros(len(weight)) if bias_O is None else bias_O
        self.bias = bias.detach().double().cpu()

    def __call__(self, x: Digits) -> Tensor:
        """The rows of results, float64."""
        total = self._fast(x) if bytes_pay() else self._portable(x)
        # in place, since fresh memory costs more than the arithmetic
        return total.mul_(math.ldexp(1.0, x.exponent + 16) * self.scale).add_(self.bias)

    def _fast(self, x: Digits) -> Tensor:
        n = self.outputs
        first, second, third = (
            torch._int_mm(part, columns)
            for part, columns in zip((x.high, x.mid, x.low), self.columns, strict=True)
        )
        middle = first[:, n : 2 * n].add_(second[:, :n])
        low = third.add_(first[:, 2 * n :]).add_(second[:, n:])
        return first[:, :n].double().mul_(2**16).add_(middle, alpha=2**8).add_(low)

    def _portable(self, x: Digits) -> Tensor:
        """The same six sums, three at a time."""
        high, mid, low = self.columns[0].double().split(self.outputs, 1)
        top = x.high.double()
        two = top * 2**8 + x.mid
        three = two * 2**8 + x.low
        return three @ high + two @ mid + top @ low


class IntegerConv:
    """A stride-1 or size-doubling layer on (H, W, C) maps."""

    def __init__(self, layer: nn.Conv2d | nn.ConvTranspose2d) -> None:
        weight = layer.weight.detach().double().cpu()
        self.doubles = False
        if isinstance(layer, nn.ConvTranspose2d):
            self.doubles = layer.stride[0] == 2
            # at stride 1 a transposed convolution is one with the kernel turned round
            weight = sub_pixel(weight) if self.doubles else weight.transpose(0, 1).flip(2, 3)
        self.kernel = weight.shape[-1]
        bias = layer.bias
        if self.doubles and bias is not None:
            bias = bias.repeat_interleave(4)
        self.matrix = IntegerMatrix(weight.permute(0, 2, 3, 1).flatten(1), bias)

    def __call__(self, x_HWC: Tensor) -> Tensor:
        """The convolved map, float64."""
        height, width, _ = x_HWC.shape
        y = torch.cat([self.matrix(rows) for rows in neighbourhoods(digits_of(x_HWC), self.kernel)])
        if not self.doubles:
            return y.reshape(height, width, -1)
        y = y.reshape(height, width, -1, 2, 2).permute(0, 3, 1, 4, 2)
        return y.reshape(2 * height, 2 * width, -1)


class IntegerNetwork(SplitNetwork):
    """The same on (H, W, C) maps, in 8-bit integers."""

    convolution = IntegerConv


def digits_of(x: Tensor) -> Digits:
    """A map rounded to 22 bits below its largest size."""
    least, most = torch.aminmax(x)
    _, exponent = math.frexp(max(most.item(), -least.item()))
    exponent -= VALUE_BITS
    return Digits(*to_digits(x * math.ldexp(1.0, -exponent)), exponent)


def to_digits(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The nearest integers as three digits from -128 to 127; x itself is rounded to them."""
    # adding 128 to each digit makes bytes of them; flipping the highest bits subtracts it again
    whole = x.round_().to(torch.int32, memory_format=torch.contiguous_format)
    shifted = whole.add_(_MIDDLES).bitwise_xor_(_MIDDLES)
    places = shifted.view(torch.int8).unflatten(-1, (-1, 4)).unbind(-1)
    low, mid, high, _ = places if sys.byteorder == "little" else places[::-1]
    return high.contiguous(), mid.contiguous(), low.contiguous()


def neighbourhoods(x: Digits, kernel: int) -> Iterator[Digits]:
    """The rows that a kernel sees at each place, in bands of limited size."""
    height, width, channels = x.high.shape
    if kernel == 1:
        yield x.each(lambda part: part.reshape(-1, channels))
        return
    margin = kernel // 2
    padded = x.each(lambda part: F.pad(part, (0, 0, margin, margin, margin, margin)))
    band = max(1, _BYTES_AT_ONCE // (width * kernel**2 * channels))
    for top in range(0, height, band):
        rows = min(band, height - top)
        cut = slice(top, top + rows + 2 * margin)
        yield padded.each(partial(_windows, cut=cut, kernel=kernel, rows=rows, columns=width))


def _windows(x_HWC: Tensor, cut: slice, kernel: int, rows: int, columns: int) -> Tensor:
    x_HWC = x_HWC[cut]
    below, right, _ = x_HWC.stride()
    length = kernel * x_HWC.shape[2]
    seen = x_HWC.as_strided((rows, columns, kernel, length), (below, right, below, 1))
    # one column wide, a reshaped view would overlap itself, which 8-bit products get wrong
    return seen.reshape(rows * columns, kernel * length).contiguous()


@cache
def bytes_pay() -> bool:
    """Whether this machine's 8-bit products are exact and quicker than float64."""
    return exact_products() and _seconds(torch.int8) < _seconds(torch.float64)


def _seconds(kind: torch.dtype) -> float:
    """Processor time of a product of the usual form; some machines take ten times as long."""
    a, b = torch.ones(64, 1024, dtype=kind), torch.ones(1024, 64, dtype=kind)
    product = torch._int_mm if kind == torch.int8 else torch.matmul
    product(a, b)
    start = process_time()
    for _ in range(3):
        product(a, b)
    return process_time() - start


def exact_products() -> bool:
    """Whether this machine's 8-bit products are exact; some older ones saturate."""
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled):
        return False
    most = torch.full((2, 515), 127, dtype=torch.int8)
    least = torch.full((515, 3), -128, dtype=torch.int8)
    for a, b in ((most, least), (most, ~least), (~most, least), (~most, ~least)):
        try:
            found = torch._int_mm(a, b)
        except RuntimeError:
            return False
        if not torch.equal(found.long(), a.long() @ b.long()):
            return False
    return True
