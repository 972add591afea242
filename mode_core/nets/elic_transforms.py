"""The picture transforms of the public ELIC, arranged for the processor's caches.

At half resolution a picture's features are larger than any cache, and fresh memory for each layer
costs as much as the arithmetic. So blocks without gradients on a CPU go through a map in bands of
rows, activations are fused into the convolutions, and the sum lands where its input was.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_BAND_BYTES = 1 << 22


class Bottleneck(nn.Sequential):
    """1x1 to half the channels, 3x3, 1x1 back, ReLUs between; what is added to the input."""

    def __init__(self, channels: int) -> None:
        half = channels // 2
        super().__init__(
            nn.Conv2d(channels, half, 1), nn.ReLU(), nn.Conv2d(half, half, 3, padding=1), nn.ReLU(),
            nn.Conv2d(half, channels, 1),
        )  # fmt: skip


class Residual(nn.Module):
    """x + bottleneck(x), no activation after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = nn.Conv2d(channels, half, 1)
        self.conv2 = nn.Conv2d(half, half, 3, padding=1)
        self.conv3 = nn.Conv2d(half, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The refined map; x itself may be overwritten when no gradient is asked for."""
        if _in_bands(x):
            return refine_in_place(x, self.conv1, self.conv2, self.conv3, None)
        out: Tensor = x + self.conv3(F.relu(self.conv2(F.relu(self.conv1(x)))))
        return out


class Unit(nn.Module):
    """ReLU(x + bottleneck(x)), the unit of the attention."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Bottleneck(channels)

    def forward(self, x: Tensor) -> Tensor:
        """The refined map; x itself may be overwritten when no gradient is asked for."""
        if _in_bands(x):
            return refine_in_place(x, self.conv[0], self.conv[2], self.conv[4], "relu")
        return F.relu(x + self.conv(x))


class Attention(nn.Module):
    """x + a * sigmoid(b), both branches made of units."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_a = nn.Sequential(*(Unit(channels) for _ in range(3)))
        self.conv_b = nn.Sequential(
            *(Unit(channels) for _ in range(3)), nn.Conv2d(channels, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The refined map."""
        if not _in_bands(x):
            out: Tensor = x + self.conv_a(x) * torch.sigmoid(self.conv_b(x))
            return out
        a, b = self.conv_a(x.clone()), self.conv_b(x.clone())
        return x.addcmul_(a, b.sigmoid_())


class Chain(nn.Sequential):
    """The layers in order; leaves its input as it was."""

    def forward(self, x: Tensor) -> Tensor:
        """The last map."""
        if not _in_bands(x):
            out: Tensor = super().forward(x)
            return out
        x = x.contiguous(memory_format=torch.channels_last)
        if not isinstance(self[0], nn.Conv2d | nn.ConvTranspose2d):
            x = x.clone()
        for layer in self:
            x = layer(x)
        return x


def narrowing(inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution that halves the size, and three blocks."""
    first = nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)
    return [first, *(Residual(outputs) for _ in range(3))]


def widening(inputs: int, outputs: int) -> list[nn.Module]:
    """A transposed convolution that doubles the size, and three blocks."""
    first = nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1)
    return [first, *(Residual(outputs) for _ in range(3))]


def refine_in_place(
    x: Tensor, narrow: nn.Conv2d, middle: nn.Conv2d, widen: nn.Conv2d, after: str | None
) -> Tensor:
    """x + the three layers of it, with an activation after, written over x band by band."""
    _, channels, height, width = x.shape
    band = max(4, _BAND_BYTES // (4 * channels * width))
    above = x.new_zeros(1, narrow.out_channels, 1, width)
    seen = torch.cat([above, _fused(x[:, :, : min(band + 1, height)], narrow, "relu")], 2)
    for top in range(0, height, band):
        rows = min(band, height - top)
        if top + rows == height:
            seen = torch.cat([seen, above.new_zeros(above.shape)], 2)
        inner = _fused(seen, middle, "relu", padding=(0, 1))
        after_next = min(top + rows + band + 1, height)
        # what the next band sees of rows that are overwritten now
        fresh = x[:, :, top + rows + 1 : after_next]
        if top + rows < height:
            kept = seen[:, :, rows:]
            seen = torch.cat([kept, _fused(fresh, narrow, "relu")], 2) if fresh.shape[2] else kept
        _add_fused(x[:, :, top : top + rows], inner, widen, after)
    return x


def _in_bands(x: Tensor) -> bool:
    """Whether this is inference of one picture on a CPU, where the fast way works."""
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        and len(x) == 1
        and x.is_inference()
        and torch.is_inference_mode_enabled()
        and torch.backends.mkldnn.is_available()
        and torch.backends.mkldnn.enabled
    )


def _fused(
    x: Tensor, layer: nn.Conv2d, activation: str, padding: tuple[int, int] = (0, 0)
) -> Tensor:
    out: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x, layer.weight, layer.bias, padding, (1, 1), (1, 1), 1, activation, [], ""
    )
    return out


def _add_fused(total: Tensor, x: Tensor, layer: nn.Conv2d, activation: str | None) -> None:
    torch.ops.mkldnn._convolution_pointwise_.binary(
        total, x, layer.weight, layer.bias, (0, 0), (1, 1), (1, 1), 1, "add", 1.0,
        activation, [], None,
    )  # fmt: skip
