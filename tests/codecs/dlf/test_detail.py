"""The detail prior of DLF: the published formulas, evaluated exactly."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mode_core.codecs.dlf import detail as dlf_detail
from mode_core.codecs.dlf.detail import DetailCodec, coded_places, scale_tables
from mode_core.layers.gaussian import gaussian_bits
from mode_core.stream.entropy import SymbolWriter
from tests.made_up.dlf_nets import Listing, Sampling, randomise

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def codec(one_thread: None) -> DetailCodec:
    made = DetailCodec(32, 16, 1)
    randomise(made)
    return made


def test_each_place_and_channel_is_coded_once_in_the_published_order() -> None:
    like = torch.zeros(1, 8, 4, 4)
    masks = torch.stack([coded_places(turn, like) for turn in range(4)])
    assert torch.equal(masks.sum(0), torch.ones_like(like).long())
    assert masks[0, 0, 2, 0, 1]  # turn 0, second quarter: odd columns of even rows
    assert masks[1, 0, 0, 1, 1]  # turn 1, first quarter: odd rows and columns
    assert masks[2, 0, 6, 0, 1]  # turn 2, last quarter
    assert masks[3, 0, 4, 1, 1]  # turn 3, third quarter


def test_depth_block_is_the_published_formula() -> None:
    block, x = dlf_detail.DepthBlock(6, 8), torch.randn(2, 6, 5, 7)
    first, second = block.block
    inner = F.leaky_relu(F.conv2d(x, first.conv1[0].weight, first.conv1[0].bias), 0.01)
    inner = F.conv2d(inner, first.depth_conv.weight, first.depth_conv.bias, padding=1, groups=6)
    y = F.conv2d(x, first.adaptor.weight, first.adaptor.bias)
    y = y + F.conv2d(inner, first.conv2.weight, first.conv2.bias)
    a, b = F.conv2d(y, second.conv.weight, second.conv.bias).split(16, 1)
    mixed = torch.where(a > 0, a, 0.1 * a) + torch.where(b > 0, b, 0.01 * b)
    expected = y + F.conv2d(mixed, second.conv_out.weight, second.conv_out.bias)
    assert torch.allclose(block(x), expected, atol=1e-5)


@pytest.mark.parametrize(("inputs", "outputs", "kernel"), [(512, 8, 1), (12, 12, 3)])
def test_exact_sums_do_not_depend_on_their_order(inputs: int, outputs: int, kernel: int) -> None:
    conv = dlf_detail.FixedConv2d(inputs, outputs, kernel)
    conv.weight.data.normal_(std=30)
    x = 4000 * torch.rand(1, inputs, 6, 6, dtype=torch.float64) / inputs
    order = torch.randperm(inputs)
    shuffled = dlf_detail.FixedConv2d(inputs, outputs, kernel)
    shuffled.weight.data = conv.weight[order] if kernel > 1 else conv.weight[:, order]
    shuffled.bias.data = conv.bias[order] if kernel > 1 else conv.bias
    wanted = conv(x)[:, order] if kernel > 1 else conv(x)
    assert torch.equal(shuffled(x[:, order]), wanted)


def test_skipping_is_decided_by_table_index() -> None:
    scales = torch.tensor([-1.0, 0.05, 0.1199, 0.12 - 2e-7, 0.12 + 2e-7, 0.2, 1000.0]).double()
    tables = scale_tables(dlf_detail.on_fine_grid(scales.clone()))
    assert tables[:3].tolist() == [0, 0, 0]
    assert tables[4] == 1
    assert tables[6] == 63
    assert (scale_tables(torch.tensor([0.12 - 1e-6, 0.12 + 1e-6]).double()) > 0).tolist() == [
        False,
        True,
    ]


def test_a_skipped_symbol_costs_nothing_and_keeps_its_mean(codec: DetailCodec) -> None:
    listing, y = Listing(), 3 * torch.randn(1, 16, 8, 8)
    with torch.no_grad():
        codec.walk(listing, 0.0, (8, 8), y)  # type: ignore[arg-type]
        assert 0 < sum(listing.counts) < y.numel()
        assert listing.lowest >= 1
        codec.y_prior_fusion[-1].block[1].conv_out.bias[16:32] = -30
        codec.y_spatial_prior[-1].block[1].conv_out.bias[:16] = -4000
        silent = Listing()
        skipped = codec.walk(silent, 0.0, (8, 8), y)  # type: ignore[arg-type]
    assert sum(silent.counts) == 0
    assert torch.equal(skipped, codec.walk(None, 0.0, (8, 8), None))
    assert skipped.abs().max() > 0


def test_symbols_are_those_of_the_float_formulas(codec: DetailCodec) -> None:
    """The spec's four steps in float32, written out plainly."""
    y = 3 * torch.randn(1, 16, 8, 8)
    with torch.no_grad():
        ours = codec.walk(SymbolWriter(), 0.0, (8, 8), y)
        vector = codec.factorized_prior_vec.expand(1, 16, 8, 8)
        three = codec.y_prior_fusion(vector)
        step, scale, mean = three.chunk(3, 1)
        common, step = codec.y_spatial_prior_reduction(three), step.clamp_min(0.5)
        y_hat = torch.zeros_like(y)
        for turn in range(4):
            if turn:
                adaptor = getattr(codec, f"y_spatial_prior_adaptor_{turn}")
                both = codec.y_spatial_prior(adaptor(torch.cat([y_hat, common], 1)))
                scale, mean = both.chunk(2, 1)
            mask = coded_places(turn, y)
            symbols = ((y / step - mean) * mask).round() * (scale >= 0.12)
            y_hat = y_hat + symbols + mean * mask
    assert (ours - y_hat * step).abs().max() < 1e-4


def test_payload_is_close_to_the_information(
    codec: DetailCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    y = codec.walk(Sampling(), 0.0, (16, 16), None).float()  # type: ignore[arg-type]
    writer = SymbolWriter()
    codec.walk(writer, 0.0, (16, 16), y)
    monkeypatch.setattr(dlf_detail, "training_bits", lambda r, i: gaussian_bits(r.round(), i))
    with torch.no_grad():
        _, bits = codec.quantise(y, torch.zeros(1), torch.ones(1))
    written = 8 * len(writer.payload())
    assert bits.item() > 2000
    assert 0.97 * bits.item() <= written <= 1.02 * bits.item() + 64


def test_bits_do_not_depend_on_threads() -> None:
    codec = DetailCodec(32, 16, 3)
    randomise(codec)
    y, payloads = 3 * torch.randn(1, 16, 8, 12), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        writer = SymbolWriter()
        codec.walk(writer, 0.7, (8, 12), y)
        payloads.append((writer.payload(), writer.check))
    assert payloads[0] == payloads[1]
