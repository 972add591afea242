"""DLF as published: names, shapes, and every quirk of its blocks."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.checkpoints.convert import may_be_half
from mode_core.codecs.dlf import blocks
from mode_core.codecs.dlf.blocks import PLACES, WINDOW, Exchange, Style, WindowAttention
from mode_core.codecs.dlf.net import Dlf, DlfConfig
from mode_core.codecs.dlf.system import DlfSystem
from mode_core.codecs.dlf.transforms import TokenBook, as_columns
from mode_core.codecs.vq.vqgan import Norm
from mode_core.layers import device
from tests.made_up.dlf_nets import QUIRKY, photo, toy_dlf  # noqa: F401

pytestmark = pytest.mark.usefixtures("one_thread")


def test_tiny_config_is_small_enough_for_a_cpu() -> None:
    with torch.device("meta"):
        net = Dlf(DlfConfig())
    borrowed = (net.vqgan, net.hybrid_codec.encoder.patch_embed)
    of_the_expert = sum(p.numel() for part in borrowed for p in part.parameters())
    assert sum(p.numel() for p in net.parameters()) - of_the_expert <= 5_000_000


def test_latent_tokens_are_reshaped_not_transposed() -> None:
    latents = torch.arange(2 * 32 * 1024.0).reshape(2, 32, 1024)
    columns = as_columns(latents)
    assert columns.shape == (2, 1024, 32, 1)
    assert columns[1, 5, 7, 0] == latents[1].flatten()[5 * 32 + 7]
    assert columns[1, 5, 7, 0] != latents[1, 7, 5]


def test_windows_are_ordered_by_picture_then_row_then_column() -> None:
    x = torch.arange(2 * 32 * 48.0).reshape(2, 32, 48, 1)
    windows = blocks.cut(x)
    assert windows.shape == (2 * 2 * 3, PLACES, 1)
    assert windows[6 + 3 + 1, 2 * WINDOW + 5, 0] == x[1, 16 + 2, 16 + 5, 0]
    assert torch.equal(blocks.join(windows, 2, 3), x)


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
    assert torch.equal(attention.state_dict()["upper_lower_mask"], blocks.shift_mask(of_rows=True))
    attention.upper_lower_mask.zero_()
    attention.left_right_mask.zero_()
    assert reached_from(attention, 2, 13, 16).all()


def test_layer_scale_is_applied_to_the_input_of_the_branch() -> None:
    block, x = blocks.ConvBlock(8), torch.randn(1, 8, 16, 16)
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


def test_group_norms_sum_as_finely_where_channels_lie_last() -> None:
    torch.manual_seed(0)
    x, norm = 3 + torch.randn(1, 64, 128, 128), Norm(64)
    expected = F.group_norm(x.double(), 32, eps=1e-6)
    for order in (torch.contiguous_format, torch.channels_last):
        found = norm(x.contiguous(memory_format=order))
        assert found.is_contiguous(memory_format=order)
        assert (found - expected).abs().max() < 3e-6


def test_small_pictures_are_padded_by_repeating_their_edge(toy: Dlf) -> None:
    small = photo(100, 130)
    by_hand = small[:, :, torch.arange(256).clamp(max=99)][..., torch.arange(256).clamp(max=129)]
    ours, wanted = toy.analyse(small), toy.analyse(by_hand)
    assert torch.equal(ours.tokens, wanted.tokens)
    assert torch.equal(ours.detail, wanted.detail)


@torch.inference_mode()
def test_half_precision_draws_the_same_picture_and_decides_nothing() -> None:
    torch.manual_seed(4)
    exact = Dlf(QUIRKY).eval()
    assert list(exact.qualities) == [0]
    stored, on_gpu = deepcopy(exact), deepcopy(exact).to(torch.float16)
    halved = {name for name, one in stored.state_dict().items() if may_be_half(name, one)}
    for name, one in stored.state_dict().items():
        one.copy_(one.half().float() if name in halved else one)
    assert {name.split(".")[0] for name in halved} == {"hybrid_codec", "prior_fusion", "vqgan"}
    x, place = photo(256, 512), torch.zeros(1)
    seen, again = exact.analyse(x), stored.analyse(x)
    assert torch.equal(again.tokens, seen.tokens)
    assert torch.equal(again.detail, seen.detail)
    assert stored.write(again, 0) == exact.write(seen, 0)
    payloads = [payload for payload, _ in exact.write(seen, 0)]
    assert len(payloads[0]) == 2 * 32 * 6 // 8
    latents, _ = exact.read(payloads, 0, (256, 512))
    fine, *others = (net.synthesise(latents, place).float() for net in (exact, stored, on_gpu))
    for coarse in others:
        assert 0 < (fine - coarse).abs().max() < 0.02 * (fine.max() - fine.min())


@pytest.mark.parametrize("part", ["decoder", "encoder"])
def test_a_gpu_has_half_precision_for_what_only_draws(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each side is loaded without the other's part; meta stands in for the GPU."""
    monkeypatch.setattr(device, "chosen_device", lambda: torch.device("meta"))
    net = Dlf(QUIRKY).eval()
    delattr(net.hybrid_codec, part)
    drawing = DlfSystem(net).on_device.drawing
    types = {one.dtype for one in drawing.parameters()}
    assert types == {torch.float16 if part == "encoder" else torch.float32}
