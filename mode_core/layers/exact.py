"""Layers that give the same result on every machine: the probability path of all learned codecs.

Weights are rounded to multiples of 2^-16 below 8 and activations to multiples of 2^-10 below 256,
so a product needs at most 37 bits and a sum of up to 65,536 of them fits in the 53 bits of a
float64 without rounding. Order, threads, instruction set and device can then not change a sum.
What remains are single multiplications and roundings, which IEEE 754 fixes to the bit.

The same module serves training (float32, differentiable) and coding (float64, rounded): the
dtype of the input decides. Sets of 8 bits (`eight`) need no float64: their layers are told so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.layers import eight

WEIGHT_STEP, WEIGHT_LIMIT = 2.0**-16, 8.0
VALUE_STEP, VALUE_LIMIT = 2.0**-10, 256.0
SLOPE = 2.0**-3
BITS = 53
"""What a sum may have, where a set says nothing else."""
_VALUES_AT_ONCE = 1 << 22
_BESIDE = ((0, 1), (1, 0), (1, 2), (2, 1))
"""Row and column, in a 3x3 window, of the four places that share a side with its middle."""
BESIDE = tuple(3 * row + column for row, column in _BESIDE)
"""The same four as taps of a kernel."""


def on_grid(x: Tensor) -> Tensor:
    """The nearest activation that the exact path can hold."""
    return (x / VALUE_STEP).round().mul(VALUE_STEP).clamp(-VALUE_LIMIT, VALUE_LIMIT)


def is_exact(x: Tensor) -> bool:
    """Whether this tensor travels on the exact path."""
    return x.dtype == torch.float64


Unrounded = tuple[Tensor, Tensor, int, int]
"""Weight and bias that were rounded, and their versions at that time."""


def _version(x: Tensor) -> int:
    # a tensor made in inference mode cannot be changed outside it and keeps no count
    return -1 if x.is_inference() else x._version


def same(old: Unrounded, new: Unrounded) -> bool:
    """Whether nothing has changed in between."""
    return old[0] is new[0] and old[1] is new[1] and old[2:] == new[2:]


class ExactConv2d(nn.Module):
    """A stride-1 convolution, optionally with a leaky ReLU of slope 1/8; float64 in means exact.

    With 8 bits any float is; the results of a `last` layer then stay as fine as its sums, and where
    not all taps of a kernel are of use, the others count for nothing.
    """

    used: Tensor | None
    """1 at the taps that count, where not all do."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        active: bool = False,
        bits: int = BITS,
        last: bool = False,
        taps: Sequence[int] = (),
    ) -> None:
        super().__init__()
        if bits not in (BITS, 8):
            raise ValueError(f"sums of {bits} bits are not known; {BITS} and 8 are")
        self.eight, self.last, self.taps = bits == 8, last, list(taps) or list(range(kernel**2))
        if self.eight:
            eight.refuse_longer(inputs * len(self.taps))
        mask = eight.mask_of(self.taps, kernel) if self.eight and taps else None
        self.register_buffer("used", mask, persistent=False)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.kernel, self.active = kernel, active
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        self._fixed: tuple[Unrounded, Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """The convolved map."""
        if self.eight:
            return eight.convolved(x, self._of_use(), self.bias, self.active, self.last)
        if is_exact(x):
            return self._exactly(x)
        y = F.conv2d(x, self.weight.to(x.dtype), self.bias.to(x.dtype), padding=self.kernel // 2)
        y = F.leaky_relu(y, SLOPE) if self.active else y
        return y.clamp(-VALUE_LIMIT, VALUE_LIMIT)

    def unrounded(self) -> Unrounded:
        """What all that is made of the weights stands on."""
        return self.weight, self.bias, _version(self.weight), _version(self.bias)

    def in_bytes(self, inputs: int | None = None) -> eight.ByteMatrix:
        """The 8-bit layer for rows of bytes: its taps, and of each the (first so many) inputs."""
        weight, bias = (t.detach().float().cpu() for t in (self._of_use(), self.bias))
        fixed = eight.Integers.of(weight, bias)
        rows = fixed.weight[:, :inputs].flatten(2)[:, :, self.taps].transpose(1, 2).flatten(1)
        return eight.ByteMatrix(fixed._replace(weight=rows), self.active, self.last)

    def _of_use(self) -> Tensor:
        return self.weight if self.used is None else self.weight * self.used

    def _exactly(self, x: Tensor) -> Tensor:
        weight, bias = self._on_weight_grid(x.device)
        done = [self._finish_(weight @ rows + bias) for rows in patches(x, self.kernel)]
        return torch.cat(done, dim=-1).reshape(x.shape[0], -1, *x.shape[2:])

    def beside(self, x: Tensor, places: Tensor) -> Tensor:
        """The 3x3 map at places of one half of a checkerboard, if x is zero on all of that half.

        Of the nine values in a window only four can then differ from zero.
        """
        rows, columns = x.shape[2:]
        padded = F.pad(x, (1, 1, 1, 1))
        parts = [padded[:, :, r : r + rows, c : c + columns].flatten(2) for r, c in _BESIDE]
        seen = torch.stack([part.index_select(2, places) for part in parts], 2).flatten(1, 2)
        taps = list(BESIDE)
        if not is_exact(x):
            weight = self.weight.flatten(2)[:, :, taps].flatten(1).to(x.dtype)
            y = F.leaky_relu(weight @ seen + self.bias.to(x.dtype)[:, None], SLOPE)
            return y.clamp(-VALUE_LIMIT, VALUE_LIMIT)
        weight, bias = self._on_weight_grid(x.device)
        weight = weight.unflatten(1, (-1, self.kernel**2))[:, :, taps].flatten(1)
        return self._finish_(weight @ seen + bias)

    def _finish_(self, y: Tensor) -> Tensor:
        """Activation and grid, band by band and in place: large maps are not held several times."""
        if self.active:
            y = torch.where(y > 0, y, y * SLOPE)
        return y.div_(VALUE_STEP).round_().mul_(VALUE_STEP).clamp_(-VALUE_LIMIT, VALUE_LIMIT)

    def _on_weight_grid(self, device: torch.device) -> tuple[Tensor, Tensor]:
        now = self.unrounded()
        if self._fixed is None or not same(self._fixed[0], now) or self._fixed[1].device != device:
            weight = self.weight.detach().double().to(device).flatten(1)
            weight = (weight / WEIGHT_STEP).round().mul(WEIGHT_STEP)
            weight = weight.clamp(-WEIGHT_LIMIT, WEIGHT_LIMIT)
            bias = on_grid(self.bias.detach().double().to(device))[:, None]
            self._fixed = (now, weight, bias)
        return self._fixed[1], self._fixed[2]


def patches(x: Tensor, kernel: int) -> Iterator[Tensor]:
    """Unfolded neighbourhoods, a band of rows at a time: a large picture needs little memory."""
    margin, rows = kernel // 2, x.shape[2]
    band = max(1, _VALUES_AT_ONCE // (x.shape[1] * kernel**2 * x.shape[3]))
    for top in range(0, rows, band):
        first, last = top - margin, min(top + band, rows) + margin
        seen = x[:, :, max(first, 0) : last]
        if kernel == 1:
            yield seen.flatten(2)
        else:
            beyond = (margin, margin, max(-first, 0), max(last - rows, 0))
            yield F.unfold(F.pad(seen, beyond), kernel)


class ExactResidual(nn.Module):
    """x + 1x1(leaky(3x3(x))): the block of the exact networks; starts as the identity."""

    def __init__(self, channels: int, inner: int, bits: int = BITS) -> None:
        super().__init__()
        self.first = ExactConv2d(channels, inner, 3, active=True, bits=bits)
        self.second = ExactConv2d(inner, channels, bits=bits, last=True)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """The refined map."""
        y = x + self.second(self.first(x))
        return eight.through(y) if self.second.eight else y.clamp(-VALUE_LIMIT, VALUE_LIMIT)


def version_of(net: nn.Module) -> tuple[tuple[int, int], ...]:
    """A value that changes with any parameter or buffer; what was made of them is then stale."""
    tensors = [*net.parameters(), *net.buffers()]
    return tuple((t.data_ptr(), _version(t)) for t in tensors)
