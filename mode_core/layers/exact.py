"""Layers that give the same result on every machine: the probability path of all learned codecs.

Weights are rounded to multiples of 2^-16 below 8 and activations to multiples of 2^-10 below 256,
so a product needs at most 37 bits and a sum of up to 65,536 of them fits in the 53 bits of a
float64 without rounding. Order, threads, instruction set and device can then not change a sum.
What remains are single multiplications and roundings, which IEEE 754 fixes to the bit.

The same module serves training (float32, differentiable) and coding (float64, rounded): the
dtype of the input decides.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WEIGHT_STEP, WEIGHT_LIMIT = 2.0**-16, 8.0
VALUE_STEP, VALUE_LIMIT = 2.0**-10, 256.0
SLOPE = 2.0**-3
_VALUES_AT_ONCE = 1 << 22
_BESIDE = ((0, 1), (1, 0), (1, 2), (2, 1))
"""Row and column, in a 3x3 window, of the four places that share a side with its middle."""


def on_grid(x: Tensor) -> Tensor:
    """The nearest activation that the exact path can hold."""
    return (x / VALUE_STEP).round().mul(VALUE_STEP).clamp(-VALUE_LIMIT, VALUE_LIMIT)


def is_exact(x: Tensor) -> bool:
    """Whether this tensor travels on the exact path."""
    return x.dtype == torch.float64


_Unrounded = tuple[Tensor, Tensor, int, int]
"""Weight and bias that were rounded, and their versions at that time."""


def _version(x: Tensor) -> int:
    # a tensor made in inference mode cannot be changed outside it and keeps no count
    return -1 if x.is_inference() else x._version


def _same(old: _Unrounded, new: _Unrounded) -> bool:
    return old[0] is new[0] and old[1] is new[1] and old[2:] == new[2:]


class ExactConv2d(nn.Module):
    """A stride-1 convolution, optionally with a leaky ReLU of slope 1/8; float64 in means exact."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, active: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.kernel, self.active = kernel, active
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        self._fixed: tuple[_Unrounded, Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """The convolved map."""
        if is_exact(x):
            return self._exactly(x)
        y = F.conv2d(x, self.weight.to(x.dtype), self.bias.to(x.dtype), padding=self.kernel // 2)
        y = F.leaky_relu(y, SLOPE) if self.active else y
        return y.clamp(-VALUE_LIMIT, VALUE_LIMIT)

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
        taps = [3 * r + c for r, c in _BESIDE]
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
        now = self.weight, self.bias, _version(self.weight), _version(self.bias)
        if self._fixed is None or not _same(self._fixed[0], now) or self._fixed[1].device != device:
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

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.first = ExactConv2d(channels, inner, 3, active=True)
        self.second = ExactConv2d(inner, channels)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """The refined map."""
        return (x + self.second(self.first(x))).clamp(-VALUE_LIMIT, VALUE_LIMIT)


def version_of(net: nn.Module) -> tuple[tuple[int, int], ...]:
    """A value that changes with any parameter or buffer; what was made of them is then stale."""
    tensors = [*net.parameters(), *net.buffers()]
    return tuple((t.data_ptr(), _version(t)) for t in tensors)
