"""DLF: the published shapes and quirks, exact coding, and that it learns."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.entropy import LOG_SCALE_STEP, SCALE_LOW, SymbolReader, SymbolWriter
from mode_core.errors import BitstreamError
from mode_core.nets import dlf_detail
from mode_core.nets.dlf import Dlf, DlfConfig, feature_loss
from mode_core.nets.dlf_blocks import (
    PLACES,
    WINDOW,
    ConvBlock,
    Exchange,
    Style,
    WindowAttention,
    cut,
    join,
    shift_mask,
)
from mode_core.nets.dlf_detail import (
    DepthBlock,
    DetailCodec,
    FixedConv2d,
    coded_places,
    on_fine_grid,
    scale_tables,
)
from mode_core.nets.dlf_tokens import TokenBook, pack, unpack
from mode_core.nets.dlf_transforms import as_columns
from mode_core.nets.dlf_vqgan import GlobalAttention
from mode_core.nets.gaussian import gaussian_bits
from mode_core.nets.vq import Vq, VqConfig

PUBLIC_ENTRIES, PUBLIC_ELEMENTS = 2045, 1_239_161_759
PUBLIC_SHAPES = "fb88035f7d9947b32e33fa9f013742542eacadb0536cbc0f7dfebe26f956eaf8"
"""SHA-256 of the sorted lines "name [shape]" of the published checkpoint, coding parts only."""
TOY = DlfConfig(
    width=32, layers=2, exchanges=(0,), channels=32, inner=32, codes=50, latent=16, anchors=3,
    entries=16, entry_depth=8, stages=((16, 32, 1),), head=16,
)  # fmt: skip
QUIRKY = replace(TOY, as_published=True, window_blocks=2, anchors=1)
HIGHEST = Dlf(TOY).qualities[-1]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def toy() -> Dlf:
    return Dlf(TOY).eval()


def photo(height: int = 256, width: int = 256) -> Tensor:
    """Smooth waves with some grain: a picture that is neither flat nor noise."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    waves = [torch.sin(x / 17 + k) * torch.cos(y / (11 + 5 * k)) for k in range(3)]
    grain = torch.rand(3, height, width, generator=torch.Generator().manual_seed(1))
    return (0.5 + 0.35 * torch.stack(waves) + 0.1 * (grain - 0.5)).clamp(0, 1)[None]


def randomise(codec: DetailCodec, spread: float = 2.0) -> None:
    """Weights as after training: nothing is near zero or the identity any more."""
    generator = torch.Generator().manual_seed(3)
    for parameter in codec.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        inputs = parameter[0].numel() if parameter.ndim > 1 else 25
        parameter.data.copy_(noise / math.sqrt(max(inputs, 1)) * 0.7)
    codec.enc_q.data.abs_().add_(spread)
    for network in (codec.y_prior_fusion, codec.y_spatial_prior):
        bias = network[-1].block[1].conv_out.bias
        bias.data[: len(bias) * 2 // 3] += 0.8


# ── the published model ────────────────────────────────────────────────────────────────────────


def test_public_config_has_the_published_names_and_shapes() -> None:
    with torch.device("meta"):
        state = Dlf(DlfConfig.public()).state_dict()
    lines = sorted(f"{name} {list(value.shape)}" for name, value in state.items())
    assert len(lines) == PUBLIC_ENTRIES
    assert sum(value.numel() for value in state.values()) == PUBLIC_ELEMENTS
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == PUBLIC_SHAPES


def test_tiny_config_is_small_enough_for_a_cpu() -> None:
    with torch.device("meta"):
        net = Dlf(DlfConfig())
    parameters = sum(p.numel() for p in net.parameters())
    assert parameters - sum(p.numel() for p in net.vqgan.parameters()) <= 5_000_000


def test_latent_tokens_are_reshaped_not_transposed() -> None:
    latents = torch.arange(2 * 32 * 1024.0).reshape(2, 32, 1024)
    columns = as_columns(latents)
    assert columns.shape == (2, 1024, 32, 1)
    assert columns[1, 5, 7, 0] == latents[1].flatten()[5 * 32 + 7]
    assert columns[1, 5, 7, 0] != latents[1, 7, 5]


def test_windows_are_ordered_by_picture_then_row_then_column() -> None:
    x = torch.arange(2 * 32 * 48.0).reshape(2, 32, 48, 1)
    windows = cut(x)
    assert windows.shape == (2 * 2 * 3, PLACES, 1)
    assert windows[6 + 3 + 1, 2 * WINDOW + 5, 0] == x[1, 16 + 2, 16 + 5, 0]
    assert torch.equal(join(windows, 2, 3), x)


@pytest.mark.parametrize("published", [False, True])
def test_only_the_first_block_of_a_published_stack_has_relative_biases(published: bool) -> None:
    sides = [
        WindowAttention(16, index, Style(16, published)).pos_embedding.shape[0]
        for index in range(3)
    ]
    assert sides == ([31, 256, 256] if published else [31, 31, 31])


def only_bias(index: int, style: Style) -> WindowAttention:
    """Attention whose products are all zero and whose values are its input."""
    attention = WindowAttention(16, index, style)
    torch.nn.init.normal_(attention.pos_embedding)
    attention.to_qkv.weight.data = torch.cat([torch.zeros(32, 16), torch.eye(16)])
    attention.to_out.weight.data, attention.to_out.bias.data = torch.eye(16), torch.zeros(16)
    return attention


def test_relative_bias_counts_from_query_to_key() -> None:
    attention = only_bias(0, Style(16))
    x = torch.randn(1, WINDOW, WINDOW, 16)
    row, column = 3, 12
    table = attention.pos_embedding[15 - row : 31 - row, 15 - column : 31 - column]
    expected = (table.flatten().softmax(0)[:, None] * x.reshape(PLACES, 16)).sum(0)
    assert torch.allclose(attention(x)[0, row, column], expected, atol=1e-5)


def test_dense_bias_is_query_by_key() -> None:
    attention = only_bias(2, Style(16, as_published=True))
    x = torch.randn(1, WINDOW, WINDOW, 16)
    expected = attention.pos_embedding[40].softmax(0) @ x.reshape(PLACES, 16)
    assert torch.allclose(attention(x)[0, 40 // WINDOW, 40 % WINDOW], expected, atol=1e-5)


def reached_from(attention: WindowAttention, row: int, column: int, side: int) -> Tensor:
    """Where the output changes when one place of the input does."""
    x = torch.randn(1, side, side, 16)
    changed = x.clone()
    changed[0, row, column] += 5
    return (attention(changed) - attention(x)).abs().amax(-1)[0] > 1e-6


@pytest.mark.parametrize("published", [False, True])
def test_shifted_windows_straddle_but_do_not_wrap_around(published: bool) -> None:
    reached = reached_from(only_bias(1, Style(16, published)), 12, 2, 32)
    expected = torch.zeros(32, 32, dtype=torch.bool)
    expected[8:24, 0:8] = True  # rows straddle two windows, columns end at the picture's edge
    assert torch.equal(reached, expected)


def test_a_single_shifted_window_falls_into_four_parts() -> None:
    reached = reached_from(only_bias(1, Style(16)), 2, 13, 16)
    expected = torch.zeros(16, 16, dtype=torch.bool)
    expected[:8, 8:] = True
    assert torch.equal(reached, expected)


def test_published_masks_are_stored_and_the_stored_ones_are_used() -> None:
    attention = only_bias(1, Style(16, as_published=True))
    assert torch.equal(attention.state_dict()["upper_lower_mask"], shift_mask(of_rows=True))
    attention.upper_lower_mask.zero_()
    attention.left_right_mask.zero_()
    assert reached_from(attention, 2, 13, 16).all()


def test_layer_scale_is_applied_to_the_input_of_the_branch() -> None:
    block, x = ConvBlock(8), torch.randn(1, 8, 16, 16)
    block.layer_scale.data.normal_()
    inner = F.conv2d(x * block.layer_scale, block.conv.weight, block.conv.bias, padding=2, groups=8)
    inner = F.layer_norm(inner.permute(0, 2, 3, 1), (8,), block.norm.weight, block.norm.bias)
    expected = x + block.mlp(inner).permute(0, 3, 1, 2)
    assert torch.allclose(block(x), expected, atol=1e-6)


def test_exchange_leaves_tokens_alone_before_training_but_not_features() -> None:
    exchange = Exchange(1 + PLACES + 4, 32, 16, 1, Style(16))
    f, t = torch.randn(1, 16, 16, 32), torch.randn(2, 1 + PLACES + 4, 32)
    f_new, t_new = exchange(f, t)
    assert torch.equal(t_new, t)
    assert not torch.allclose(f_new, f)
    torch.nn.init.normal_(exchange.zero_add.weight)
    changed = f.clone()
    changed[..., 16:] = torch.randn(1, 16, 16, 16)
    moved = (exchange(changed, t)[1] - exchange(f, t)[1]).abs().amax((1, 2))
    assert moved[0] == 0  # windows do not see each other here
    assert moved[1] > 1e-3


def test_tokens_are_class_then_places_then_latents(toy: Dlf) -> None:
    encoder = toy.hybrid_codec.encoder
    places, latents = torch.randn(1, PLACES, 32), torch.randn(1, 32, 32)
    plain = torch.cat(
        [
            encoder.class_embedding[None] + encoder.positional_embedding[:1],
            places + encoder.positional_embedding[1:],
            latents + encoder.latent_token_positional_embedding,
        ],
        1,
    )
    assert torch.allclose(encoder.assemble(places, latents), encoder.ln_pre(plain), atol=1e-6)


def test_codes_are_normalised_however_they_are_stored() -> None:
    book = TokenBook(20, 4)
    book.embedding.weight.data *= torch.arange(1, 21)[:, None]
    z = F.normalize(torch.randn(3, 4, 1, 5), dim=1)
    unit = F.normalize(book.embedding.weight, dim=1)
    distance = (z[:, :, 0, :, None] - unit.t()[None, :, None]).square().sum(1)
    assert torch.equal(book.nearest(z)[:, 0], distance.argmin(-1))
    assert torch.allclose(book.look_up(book.nearest(z)).norm(dim=1), torch.ones(3, 1, 5))


def test_codes_are_mixed_softly(toy: Dlf) -> None:
    logits = torch.randn(1, 16, 2, 2)
    weights = logits[0, :, 1, 0].exp() / logits[0, :, 1, 0].exp().sum()
    expected = sum(w * v for w, v in zip(weights, toy.vqgan.quantize.embedding.weight, strict=True))
    assert torch.allclose(toy.mixture(logits)[0, :, 1, 0], expected, atol=1e-6)


def test_attention_of_the_public_picture_decoder_is_global() -> None:
    attention, x = GlobalAttention(32), torch.randn(1, 32, 20, 24)
    attention.norm = torch.nn.Identity()
    changed = x.clone()
    changed[..., 0, 0] += 1
    assert ((attention(changed) - attention(x)).abs().amax(1) > 1e-7).all()
    q, k, v = (layer(x)[0].flatten(1).t() for layer in (attention.q, attention.k, attention.v))
    gathered = (q @ k.t() / math.sqrt(32)).softmax(1) @ v
    expected = x + attention.proj_out(gathered.t().reshape(x.shape))
    assert torch.allclose(attention(x), expected, atol=1e-5)


def test_small_pictures_are_padded_by_repeating_their_edge(toy: Dlf) -> None:
    small = photo(100, 130)
    by_hand = small[:, :, torch.arange(256).clamp(max=99)][..., torch.arange(256).clamp(max=129)]
    ours, wanted = toy.analyse(small), toy.analyse(by_hand)
    assert torch.equal(ours.tokens, wanted.tokens)
    assert torch.equal(ours.detail, wanted.detail)


# ── the detail prior ───────────────────────────────────────────────────────────────────────────


def test_each_place_and_channel_is_coded_once_in_the_published_order() -> None:
    like = torch.zeros(1, 8, 4, 4)
    masks = torch.stack([coded_places(turn, like) for turn in range(4)])
    assert torch.equal(masks.sum(0), torch.ones_like(like).long())
    assert masks[0, 0, 2, 0, 1]  # turn 0, second quarter: odd columns of even rows
    assert masks[1, 0, 0, 1, 1]  # turn 1, first quarter: odd rows and columns
    assert masks[2, 0, 6, 0, 1]  # turn 2, last quarter
    assert masks[3, 0, 4, 1, 1]  # turn 3, third quarter


def test_depth_block_is_the_published_formula() -> None:
    block, x = DepthBlock(6, 8), torch.randn(2, 6, 5, 7)
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
    conv = FixedConv2d(inputs, outputs, kernel)
    conv.weight.data.normal_(std=30)
    x = 4000 * torch.rand(1, inputs, 6, 6, dtype=torch.float64) / inputs
    order = torch.randperm(inputs)
    shuffled = FixedConv2d(inputs, outputs, kernel)
    shuffled.weight.data = conv.weight[order] if kernel > 1 else conv.weight[:, order]
    shuffled.bias.data = conv.bias[order] if kernel > 1 else conv.bias
    wanted = conv(x)[:, order] if kernel > 1 else conv(x)
    assert torch.equal(shuffled(x[:, order]), wanted)


def test_exact_path_is_as_fine_as_the_float_path() -> None:
    codec = DetailCodec(32, 16, 1)
    randomise(codec)
    y = 3 * torch.randn(1, 16, 8, 8)
    step, scale, mean, _ = codec._start_parameters(torch.zeros(1), y.shape)
    exact = codec._start_parameters(torch.zeros(1, dtype=torch.float64), y.shape)
    for ours, floats in zip(exact, (step, scale, mean), strict=False):
        assert (ours - floats).abs().max() < 1e-5


def test_prior_is_not_constant_at_the_borders() -> None:
    codec = DetailCodec(32, 16, 1)
    randomise(codec)
    at = torch.zeros(1, dtype=torch.float64)
    _, scale, _, _ = codec._start_parameters(at, torch.Size((1, 16, 8, 8)))
    assert torch.equal(scale[..., 3, 3], scale[..., 4, 4])
    assert not torch.equal(scale[..., 0, 3], scale[..., 3, 3])
    assert not torch.equal(scale[..., 0, 0], scale[..., 0, 3])


def test_skipping_is_decided_by_table_index() -> None:
    scales = torch.tensor([-1.0, 0.05, 0.1199, 0.12 - 2e-7, 0.12 + 2e-7, 0.2, 1000.0]).double()
    tables = scale_tables(on_fine_grid(torch.tensor(scales.tolist(), dtype=torch.float64)))
    assert tables[:3].tolist() == [0, 0, 0]
    assert tables[4] == 1
    assert tables[6] == 63
    assert (scale_tables(torch.tensor([0.12 - 1e-6, 0.12 + 1e-6]).double()) > 0).tolist() == [
        False,
        True,
    ]


class Listing:
    """A coder that lists what it is asked to code."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.lowest = 99

    def code(self, index: Tensor, mean: Tensor, values: Tensor | None) -> Tensor:
        assert values is not None
        self.counts.append(index.numel())
        self.lowest = min([self.lowest, *index.tolist()])
        return (values - mean).round()


def test_a_skipped_symbol_costs_nothing_and_keeps_its_mean() -> None:
    codec = DetailCodec(32, 16, 1)
    randomise(codec)
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


def test_symbols_are_those_of_the_float_formulas() -> None:
    """The spec's four steps in float32, written out plainly."""
    codec = DetailCodec(32, 16, 1)
    randomise(codec)
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


class Sampling:
    """A coder that makes up symbols as likely as the prior says."""

    def code(self, index: Tensor, mean: Tensor, values: Tensor | None) -> Tensor:
        scale = SCALE_LOW * torch.exp(LOG_SCALE_STEP * index.double())
        return (scale * torch.randn_like(scale)).round()


def test_payload_is_close_to_the_information(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = DetailCodec(32, 16, 1)
    randomise(codec)
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


# ── files ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("bits", [6, 10, 12])
def test_tokens_survive_packing(bits: int) -> None:
    tokens = np.random.default_rng(0).integers(0, 1 << bits, 96).astype(np.uint16)
    payload = pack(tokens, bits)
    assert len(payload) == 96 * bits // 8
    assert np.array_equal(unpack(payload, bits, 96, 1 << bits), tokens)


@pytest.mark.parametrize("quality", [0, 1, 9, HIGHEST])
def test_files_decode_to_what_was_written(toy: Dlf, quality: int) -> None:
    randomise(toy.hybrid_codec.quantize_feat)
    with torch.no_grad():
        features = toy.analyse(photo(256, 512))
        streams = toy.write(features, quality)
        latents, checks = toy.read([payload for payload, _ in streams], quality, (256, 512))
        picture = toy.synthesise(latents, torch.tensor([toy.place(quality)]))
    assert checks == [check for _, check in streams]
    assert torch.equal(latents.tokens, features.tokens)
    assert (latents.detail is None) == (quality == 0) == (not streams[1][0])
    assert picture.shape == (1, 3, 256, 512)
    if latents.detail is not None:
        at = torch.tensor([toy.place(quality)])
        y = toy.hybrid_codec.quantize_feat.latent(features.detail, at)
        listed = toy.hybrid_codec.quantize_feat.walk(Listing(), at.item(), (8, 16), y)  # type: ignore[arg-type]
        assert torch.equal(listed, latents.detail)


def test_public_quirks_round_trip_and_have_one_quality() -> None:
    net = Dlf(QUIRKY).eval()
    assert list(net.qualities) == [0]
    with torch.no_grad():
        streams = net.write(net.analyse(photo()), 0)
        latents, checks = net.read([payload for payload, _ in streams], 0, (256, 256))
        assert net.synthesise(latents, torch.zeros(1)).isfinite().all()
    assert checks == [check for _, check in streams]
    assert len(streams[0][0]) == 32 * 6 // 8


def test_higher_qualities_spend_more(toy: Dlf) -> None:
    with torch.no_grad():
        features = toy.analyse(photo())
        sizes = [len(toy.write(features, quality)[1][0]) for quality in (0, 1, 29, 57)]
    assert sizes == sorted(set(sizes))


def test_a_lost_detail_stream_decodes_like_the_lowest_quality(toy: Dlf) -> None:
    randomise(toy.hybrid_codec.quantize_feat)
    with torch.no_grad():
        features = toy.analyse(photo())
        (semantic, _), (detail, _) = toy.write(features, HIGHEST)
        assert detail
        pictures = []
        for quality in (HIGHEST, 0):
            latents, _ = toy.read([semantic, b""], quality, (256, 256))
            at = torch.tensor([toy.place(quality)])
            pictures.append(toy.synthesise(latents, at))
    assert torch.equal(*pictures)


def test_detail_that_is_not_sent_looks_the_same_in_training_and_coding(toy: Dlf) -> None:
    randomise(toy.hybrid_codec.quantize_feat)
    with torch.no_grad():
        trained, prediction = toy.training_step(photo(), torch.tensor([-1.0]))
        latents, _ = toy.read(
            [payload for payload, _ in toy.write(toy.analyse(photo()), 0)], 0, (256, 256)
        )
        coded = toy.synthesise(latents, torch.tensor([toy.place(0)]))
    assert torch.allclose(trained, coded, atol=1e-4)
    assert prediction.bits.tolist() == [32 * 6]


@pytest.mark.parametrize("semantic", [b"", b"\0" * 23, b"\xff" * 24])
def test_bad_token_streams_are_refused(toy: Dlf, semantic: bytes) -> None:
    with pytest.raises(BitstreamError, match="token stream"):
        toy.read([semantic, b""], 5, (256, 256))


def test_damaged_detail_is_noticed(toy: Dlf) -> None:
    randomise(toy.hybrid_codec.quantize_feat)
    with torch.no_grad():
        (semantic, _), (detail, check) = toy.write(toy.analyse(photo()), HIGHEST)
        damaged = bytes(byte ^ 0x55 for byte in detail)
        try:
            _, checks = toy.read([semantic, damaged], HIGHEST, (256, 256))
        except BitstreamError:
            return
    assert checks[1] != check


def test_reading_needs_no_more_symbols_than_the_latent_has() -> None:
    codec = DetailCodec(32, 16, 1)
    randomise(codec)
    with pytest.raises(ValueError, match="announced"):
        codec.walk(SymbolReader(b"", 10), 0.0, (8, 8), None)


# ── training ───────────────────────────────────────────────────────────────────────────────────


def loss_of(net: Dlf, x: Tensor, quality: Tensor) -> Tensor:
    picture, prediction = net.training_step(x, quality)
    rate = prediction.bits.mean() / x[0, 0].numel()
    return (picture - x).square().mean() + 0.01 * rate + 0.25 * prediction.commitment


def test_gradients_reach_every_trainable_parameter() -> None:
    net = Dlf(replace(TOY, window_blocks=2)).train()
    for half in (net.hybrid_codec.encoder, net.hybrid_codec.decoder):
        for exchange in half.inter_blocks.values():
            torch.nn.init.normal_(exchange.zero_add.weight, std=0.1)
    loss_of(net, photo().repeat(3, 1, 1, 1), torch.tensor([-1.0, 0.5, 1.5])).backward()
    missing = [
        name
        for name, parameter in net.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
    ]
    assert missing == []


def test_one_picture_is_overfitted_in_50_steps() -> None:
    net, x = Dlf(TOY).train(), photo()
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    losses = []
    for _ in range(50):
        loss = loss_of(net, x, torch.tensor([2.0]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_crops_of_any_size_can_be_trained_on(toy: Dlf) -> None:
    picture, prediction = toy.training_step(photo(192, 192), torch.tensor([1.0]))
    assert picture.shape == (1, 3, 192, 192)
    assert prediction.logits.shape == (1, 16, 16, 16)


def test_starts_from_the_vq_expert_and_learns_its_codes() -> None:
    vq = Vq(VqConfig(stages=TOY.stages, codes=16, depth=8, prior=8, prior_blocks=1)).eval()
    net = Dlf(TOY).eval()
    net.start_from(vq)
    certain = 1e4 * F.one_hot(vq.analyse(photo()), 16).permute(0, 3, 1, 2).float()
    wanted = vq.synthesise(vq.codebook.look_up(vq.analyse(photo())))
    assert torch.allclose(net.vqgan(net.mixture(certain)), wanted, atol=1e-5)
    prediction = net.predict(photo(), torch.zeros(1))
    perfect = replace(prediction, latent=net.mixture(certain), logits=certain)
    assert feature_loss(perfect, vq, photo()) < 1e-5 < feature_loss(prediction, vq, photo())


def test_another_size_of_vq_expert_is_refused() -> None:
    with pytest.raises(ValueError, match="another size"):
        Dlf(TOY).start_from(Vq(VqConfig(stages=TOY.stages, codes=32, depth=8)))
