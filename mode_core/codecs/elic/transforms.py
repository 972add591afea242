"""The picture transforms of the public ELIC, arranged for the processor's caches.

At half resolution a picture's features are larger than any cache, and fresh memory for each layer
costs as much as the arithmetic. So blocks without gradients on a CPU go through a map in bands of
rows, activations are fused into the convolutions, and the sum lands where its input was.

oneDNN adds up a 3x3 or 5x5 convolution in another order when channels lie last, with three times
the error, and one latent in 100,000 then rounds to another integer than in CompressAI's class. So
maps have their channels last, which suits all layers; where sums are rounded to integers, each band
is turned to rows last for its 3x3 or 5x5 layer.

With more than one thread torch hands the 1x1 layers of a map whose rows lie last to oneDNN as well,
which sums them in another order still, so that CompressAI's class itself gives another latent on
two threads than on one. With several threads the analysis has no bands and stays in the layout that
oneDNN computes in: the same layers and sums, without a change of layout around each of them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mode_core.layers.split import sub_pixel

_BAND_BYTES, _FEW = 1 << 22, 4
_SMALL = 20480
"""Up to this many values, torch computes layers of up to 3x3 without oneDNN, in another order."""
_WIDEST = 256
"""Above this many channels, oneDNN sums 1x1 layers in another order too if channels lie last."""


class Conv(nn.Conv2d):
    """A convolution that can be summed in the same order whatever the memory layout on a CPU."""

    in_order = False
    """Whether sums must have CompressAI's order, because they are rounded to integers."""

    def forward(self, x: Tensor) -> Tensor:
        """The convolved map."""
        if x.device.type != "cpu" or not self.in_order:
            return super().forward(x)
        # a copy: `contiguous` would not change a 1x1 kernel with the strides of channels last
        weight = self.weight.clone(memory_format=torch.contiguous_format)
        return F.conv2d(x.contiguous(), weight, self.bias, self.stride, self.padding)


class Bottleneck(nn.Sequential):
    """1x1 to half the channels, 3x3, 1x1 back, ReLUs between; what is added to the input."""

    def __init__(self, channels: int) -> None:
        half = channels // 2
        super().__init__(
            Conv(channels, half, 1), nn.ReLU(True), Conv(half, half, 3, padding=1), nn.ReLU(True),
            Conv(half, channels, 1),
        )  # fmt: skip


class Residual(nn.Module):
    """x + bottleneck(x), no activation after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = Conv(channels, half, 1)
        self.conv2 = Conv(half, half, 3, padding=1)
        self.conv3 = Conv(half, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The refined map; x itself may be overwritten when no gradient is asked for."""
        if _in_bands(x):
            return refine_in_place(x, (self.conv1, self.conv2, self.conv3), None)
        change: Tensor = self.conv3(F.relu_(self.conv2(F.relu_(self.conv1(x)))))
        return _added(change, x)


class Unit(nn.Module):
    """ReLU(x + bottleneck(x)), the unit of the attention."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Bottleneck(channels)

    def forward(self, x: Tensor) -> Tensor:
        """The refined map; x itself may be overwritten when no gradient is asked for."""
        if _in_bands(x):
            layers = self.conv[0], self.conv[2], self.conv[4]
            return refine_in_place(x, layers, "relu")  # type: ignore[arg-type]
        change: Tensor = self.conv(x)
        return _added(change, x).relu_()


class Attention(nn.Module):
    """x + a * sigmoid(b), both branches made of units."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_a = nn.Sequential(*(Unit(channels) for _ in range(3)))
        self.conv_b = nn.Sequential(
            *(Unit(channels) for _ in range(3)), Conv(channels, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The refined map."""
        if not _in_bands(x):
            gate = self.conv_b(x)
            # oneDNN's own sigmoid is not torch's to the bit
            gate = gate.to_dense().sigmoid_().to_mkldnn() if gate.is_mkldnn else gate.sigmoid()
            return x + self.conv_a(x) * gate
        a, b = self.conv_a(x.clone()), self.conv_b(x.clone())
        return a.mul_(b.sigmoid_()).add_(x)


class Chain(nn.Sequential):
    """The layers in order, none of which starts with a block that overwrites its input."""

    def forward(self, x: Tensor) -> Tensor:
        """The last map."""
        if not _is_plain_inference(x):
            return super().forward(x)
        for layer in self:
            x = x.contiguous(memory_format=torch.channels_last)
            if isinstance(layer, nn.Conv2d):
                x = _halved(x, layer)
            elif isinstance(layer, nn.ConvTranspose2d) and layer.out_channels <= _FEW:
                x = _picture(x, layer)
            else:
                x = layer(x)
        return x


class InOrder(Chain):
    """A chain that sums in CompressAI's order on any number of threads, before rounding."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        for layer in self.modules():
            if isinstance(layer, Conv):
                layer.in_order = True

    def forward(self, x: Tensor) -> Tensor:
        """The last map."""
        x = x.contiguous()
        if not _is_plain_inference(x) or self._smallest_input(x) <= _SMALL:
            return nn.Sequential.forward(self, x)
        if torch.get_num_threads() == 1:
            return super().forward(x)
        return nn.Sequential.forward(self, x.to_mkldnn()).to_dense()

    def _smallest_input(self, x: Tensor) -> int:
        """The fewest values that a 1x1 or 3x3 layer is given, at the coarsest level."""
        halvings = sum(isinstance(layer, nn.Conv2d) for layer in self)
        fewest = min(layer.in_channels for layer in self.modules() if isinstance(layer, Conv))
        return fewest * (x.shape[2] >> halvings) * (x.shape[3] >> halvings)


def residuals(channels: int) -> list[Residual]:
    """Three bottleneck blocks."""
    return [Residual(channels) for _ in range(3)]


def halving(inputs: int, outputs: int) -> nn.Conv2d:
    """A convolution that halves the size."""
    return nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)


def doubling(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """A transposed convolution that doubles the size."""
    return nn.ConvTranspose2d(inputs, outputs, 5, stride=2, padding=2, output_padding=1)


def _halved(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """A 5x5 convolution of stride 2, in bands."""
    _, channels, height, width = x.shape
    weight, out_height = layer.weight.contiguous(), (height + 1) // 2
    shape = (1, layer.out_channels, out_height, (width + 1) // 2)
    out = torch.empty(shape, memory_format=torch.channels_last)
    band = max(4, _BAND_BYTES // (8 * channels * width))
    for top in range(0, out_height, band):
        end = min(top + band, out_height)
        first, last = 2 * top - 2, 2 * end + 1
        cut = x[:, :, max(first, 0) : min(last, height)].contiguous()
        if first < 0 or last > height:
            cut = F.pad(cut, (0, 0, max(-first, 0), max(last - height, 0)))
        out[:, :, top:end] = F.conv2d(cut, weight, layer.bias, stride=2, padding=(0, 2))
    return out


def _picture(x: Tensor, layer: nn.ConvTranspose2d) -> Tensor:
    """A transposed 5x5 convolution to a few channels: oneDNN's own takes three times as long."""
    weight = sub_pixel(layer.weight).contiguous(memory_format=torch.channels_last)
    bias = None if layer.bias is None else layer.bias.repeat_interleave(4)
    return F.pixel_shuffle(F.conv2d(x, weight, bias, padding=1), 2)


def refine_in_place(x: Tensor, layers: tuple[Conv, Conv, Conv], after: str | None) -> Tensor:
    """x + the three layers of it, with an activation after, written over x band by band."""
    narrow, middle, widen = layers
    _, channels, height, width = x.shape
    band = max(4, _BAND_BYTES // (4 * channels * width))
    # channels last here too, or nothing that is joined to it would have its channels last
    above = x.new_zeros(1, 1, width, narrow.out_channels).permute(0, 3, 1, 2)
    seen = torch.cat([above, _fused(x[:, :, : min(band + 1, height)], narrow)], 2)
    for top in range(0, height, band):
        rows = min(band, height - top)
        if top + rows == height:
            seen = torch.cat([seen, above], 2)
        inner = _in_order(seen, middle) if middle.in_order else _fused(seen, middle)
        after_next = min(top + rows + band + 1, height)
        # what the next band sees of rows that are overwritten now
        fresh = x[:, :, top + rows + 1 : after_next]
        if top + rows < height:
            kept = seen[:, :, rows:]
            seen = torch.cat([kept, _fused(fresh, narrow)], 2) if fresh.shape[2] else kept
        _add_fused(x[:, :, top : top + rows], inner, widen, after)
    return x


def _in_order(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """A 3x3 layer and ReLU, summed in the order for rows last; this takes twice the time."""
    weight = layer.weight.contiguous()
    # oneDNN is called by name, since torch does not use it for a small band
    made = torch.mkldnn_convolution(x.contiguous(), weight, layer.bias, (0, 1), (1, 1), (1, 1), 1)
    return made.relu_().contiguous(memory_format=torch.channels_last)


def _added(change: Tensor, x: Tensor) -> Tensor:
    """The sum, in place where that keeps its type."""
    return change.add_(x) if change.dtype == x.dtype else x + change


def _in_bands(x: Tensor) -> bool:
    channels_last = x.is_contiguous(memory_format=torch.channels_last)
    return channels_last and x.shape[1] <= _WIDEST and _is_plain_inference(x)


def _is_plain_inference(x: Tensor) -> bool:
    """Whether one picture is computed on a CPU without gradients, where the fast way works."""
    fitting = x.device.type == "cpu" and x.dtype == torch.float32 and len(x) == 1
    library = torch.backends.mkldnn
    able = library.is_available() and bool(library.enabled)
    return fitting and able and x.is_inference() and torch.is_inference_mode_enabled()


def _fused(x: Tensor, layer: nn.Conv2d) -> Tensor:
    """A layer and ReLU; the map already has the rows that the kernel sees above and below."""
    padding = 0, layer.kernel_size[1] // 2
    return torch.ops.mkldnn._convolution_pointwise(
        x, layer.weight, layer.bias, padding, (1, 1), (1, 1), 1, "relu", [], ""
    )


def _add_fused(total: Tensor, x: Tensor, layer: nn.Conv2d, activation: str | None) -> None:
    torch.ops.mkldnn._convolution_pointwise_.binary(
        total, x, layer.weight, layer.bias, (0, 0), (1, 1), (1, 1), 1, "add", 1.0,
        activation, [], None,
    )  # fmt: skip
