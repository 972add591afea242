"""Eight-bit layers give the same integers on every path."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from mode_core.layers import eight
from mode_core.layers.exact import BESIDE, ExactConv2d, ExactResidual

KINDS = [(3, True, False), (3, False, False), (1, True, False), (1, False, True)]


def layer_of(inputs: int, kernel: int, active: bool, last: bool, **more: Any) -> ExactConv2d:
    """A layer with weights of several magnitudes, some sums far beyond the range of bytes."""
    torch.manual_seed(kernel + 2 * active + 4 * last)
    layer = ExactConv2d(inputs, 24, kernel, active, bits=8, last=last, **more)
    with torch.no_grad():
        layer.weight.mul_(torch.logspace(-2, 1, 24)[:, None, None, None])
        layer.bias.normal_()
    return layer


def by_integers(layer: ExactConv2d, x_HWC: Tensor) -> npt.NDArray[np.float64]:
    """The layer in int32, place by place as it is defined; bytes, or sums of a last layer."""
    margin, (height, width, _) = layer.kernel // 2, x_HWC.shape
    fixed = eight.Integers.of(layer.weight.detach(), layer.bias.detach())
    whole = fixed.weight.to(torch.int32).permute(0, 2, 3, 1).flatten(1).numpy()
    unit = fixed.unit.double().numpy()
    steps = np.rint(fixed.bias.double().numpy() / unit / eight.STEP).astype(np.int32)
    padded = np.pad(x_HWC.numpy().astype(np.int32) - 128, ((margin,) * 2, (margin,) * 2, (0, 0)))
    found = np.empty((height, width, len(whole)))
    for row in range(height):
        for column in range(width):
            near = padded[row : row + layer.kernel, column : column + layer.kernel].reshape(-1)
            sums = whole @ near + steps
            assert sums.dtype == np.int32
            y = sums * unit
            y = np.where(y > 0, y, y / 8) if layer.active else y
            found[row, column] = y * eight.STEP if layer.last else np.rint(y).clip(-128, 127) + 128
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threads", [1, 2])
def test_all_paths_give_the_same_integers(kind: tuple[int, bool, bool], threads: int) -> None:
    layer, before = layer_of(40, *kind), torch.get_num_threads()
    x = torch.randint(256, (9, 7, 40), dtype=torch.uint8)
    expected = by_integers(layer, x)
    matrix = layer.in_bytes()
    ways = [eight.ByteMatrix.by_floats, lambda m, x: m.by_floats(x, torch.float64)]
    if eight.bytes_are_exact():
        ways.append(eight.ByteMatrix.by_bytes)
    torch.set_num_threads(threads)
    try:
        for way in ways:
            found = eight.convolved_bytes(lambda rows, way=way: way(matrix, rows), x, kind[0])
            assert np.array_equal(found.numpy(), expected)
        plain = eight.from_bytes(x).permute(2, 0, 1)[None]
        for wide in (torch.float32, torch.float64):  # as in training
            y = layer(plain.to(wide)).detach()[0].permute(1, 2, 0).float()
            bytes_ = y if layer.last else eight.to_bytes(y)
            assert np.array_equal(bytes_.numpy(), expected)
    finally:
        torch.set_num_threads(before)


def test_the_largest_sums_are_exact_in_float32() -> None:
    assert eight.float32_is_exact(torch.device("cpu"))
    with pytest.raises(ValueError, match="1540 terms are too many"):
        ExactConv2d(385, 4, 2, bits=8)
    ExactConv2d(385, 4, 3, bits=8, taps=BESIDE[:3])
    with pytest.raises(ValueError, match="sums of 9 bits"):
        ExactConv2d(4, 4, bits=9)


def test_products_that_round_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = layer_of(40, 1, False, True)
    rows = torch.randint(256, (30, 40), dtype=torch.uint8)
    expected, true = layer.in_bytes().by_floats(rows, torch.float64), torch.addmm

    def rough(bias: Tensor, a: Tensor, b: Tensor) -> Tensor:
        y = true(bias, a, b)
        return y.bfloat16().to(y.dtype) if y.dtype == torch.float32 else y

    eight.float32_is_exact.cache_clear()
    monkeypatch.setattr(torch, "addmm", rough)
    monkeypatch.setattr(eight, "bytes_pay", lambda: False)
    try:
        assert torch.equal(layer.in_bytes()(rows), expected)
        assert not torch.equal(layer.in_bytes().by_floats(rows), expected)
    finally:
        eight.float32_is_exact.cache_clear()


def test_only_taps_of_use_count() -> None:
    layer = layer_of(8, 3, False, True, taps=BESIDE)
    x = eight.through(2 * torch.randn(1, 8, 5, 6))
    before = layer(x)
    with torch.no_grad():
        layer.weight[:, :, 1, 1], layer.weight[:, :, 0, 0] = 50, -50
    assert torch.equal(layer(x), before)
    assert "used" not in layer.state_dict()


def test_some_of_the_inputs_have_the_weights_of_the_whole_layer() -> None:
    layer = layer_of(12, 1, True, False)
    x = torch.randint(256, (5, 12), dtype=torch.uint8)
    x[:, 8:] = eight.ZERO
    assert torch.equal(layer.in_bytes(8)(x[:, :8].contiguous()), layer.in_bytes()(x))


def test_bands_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = layer_of(4, 3, True, False)
    x = torch.randint(256, (33, 5, 4), dtype=torch.uint8)
    whole = eight.convolved_bytes(layer.in_bytes(), x, 3)
    monkeypatch.setattr(eight, "_BYTES_AT_ONCE", 4 * 9 * 5 * 2)
    assert torch.equal(eight.convolved_bytes(layer.in_bytes(), x, 3), whole)


def test_gradients_pass_roundings_and_stop_at_the_ends() -> None:
    x = torch.tensor([-9.0, 0.011, 7.0, 12.0], requires_grad=True)
    eight.through(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 1, 0]
    block = ExactResidual(8, 8, bits=8)
    block(torch.randn(1, 8, 4, 4)).square().sum().backward()
    grads = [p.grad for p in block.second.parameters()]
    assert all(g is not None and bool(g.any()) for g in grads)
