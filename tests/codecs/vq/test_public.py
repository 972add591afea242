"""The public VQGAN: its authors' names, the same layers written down a second time, its files."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.checkpoints.dialects import find_dialect
from mode_core.codecs.vq.public import VqPublic, VqPublicConfig
from tests.conftest import make_photo
from tests.made_up.plain_metrics import to_unit

TOY = VqPublicConfig(codes=40, depth=24, widths=(32, 32, 64, 64, 96))
W = dict[str, Tensor]


def toy() -> VqPublic:
    """Weights whose codes differ in length and are all of use."""
    torch.manual_seed(0)
    net = VqPublic(TOY)
    with torch.no_grad():
        net.quantize.embedding.weight.normal_(std=0.4)
        for name, parameter in net.named_parameters():
            if "norm" in name:
                parameter.add_(0.2 * torch.randn_like(parameter))
    return net.eval().requires_grad_(False)


@pytest.mark.parametrize(("codes", "bits"), [(1024, 10), (16384, 14)])
def test_both_public_sizes_are_read_off_the_file(codes: int, bits: int) -> None:
    with torch.device("meta"):
        state = VqPublic(VqPublicConfig(codes)).state_dict()
    config = find_dialect("vq", "taming").net(state)[1]
    assert config == VqPublicConfig(codes)
    assert config.bits == bits


# ── the same layers, written down a second time ────────────────────────────────────────────────


def conv(x: Tensor, w: W, name: str, **how: int) -> Tensor:
    return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **how)


def normed(x: Tensor, w: W, name: str) -> Tensor:
    return F.group_norm(x, 32, w[f"{name}.weight"], w[f"{name}.bias"], 1e-6)


def block(x: Tensor, w: W, name: str) -> Tensor:
    h = conv(F.silu(normed(x, w, f"{name}.norm1")), w, f"{name}.conv1", padding=1)
    h = conv(F.silu(normed(h, w, f"{name}.norm2")), w, f"{name}.conv2", padding=1)
    skip = f"{name}.nin_shortcut"
    return (conv(x, w, skip) if f"{skip}.weight" in w else x) + h


def attention(x: Tensor, w: W, name: str) -> Tensor:
    h = normed(x, w, f"{name}.norm")
    q, k, v = (conv(h, w, f"{name}.{part}").flatten(2) for part in "qkv")
    share = (q.transpose(1, 2) @ k * x.shape[1] ** -0.5).softmax(2)
    return x + conv((v @ share.transpose(1, 2)).reshape(x.shape), w, f"{name}.proj_out")


def mid(x: Tensor, w: W, name: str) -> Tensor:
    x = attention(block(x, w, f"{name}.mid.block_1"), w, f"{name}.mid.attn_1")
    return block(x, w, f"{name}.mid.block_2")


def plain_encode(x: Tensor, w: W) -> Tensor:
    h = conv(2 * x - 1, w, "encoder.conv_in", padding=1)
    for level in range(5):
        for i in range(2):
            h = block(h, w, f"encoder.down.{level}.block.{i}")
            if level == 4:
                h = attention(h, w, f"encoder.down.4.attn.{i}")
        if level < 4:
            h = conv(F.pad(h, (0, 1, 0, 1)), w, f"encoder.down.{level}.downsample.conv", stride=2)
    h = F.silu(normed(mid(h, w, "encoder"), w, "encoder.norm_out"))
    return conv(conv(h, w, "encoder.conv_out", padding=1), w, "quant_conv")


def plain_tokens(z: Tensor, w: W) -> Tensor:
    codes = w["quantize.embedding.weight"]
    distance = (z[0].permute(1, 2, 0)[:, :, None] - codes).square().sum(-1)
    return distance.argmin(-1)[None]


def plain_decode(tokens: Tensor, w: W) -> Tensor:
    h = conv(w["quantize.embedding.weight"][tokens].permute(0, 3, 1, 2), w, "post_quant_conv")
    h = mid(conv(h, w, "decoder.conv_in", padding=1), w, "decoder")
    for level in reversed(range(5)):
        for i in range(3):
            h = block(h, w, f"decoder.up.{level}.block.{i}")
            if level == 4:
                h = attention(h, w, f"decoder.up.4.attn.{i}")
        if level:
            h = h.repeat_interleave(2, 2).repeat_interleave(2, 3)
            h = conv(h, w, f"decoder.up.{level}.upsample.conv", padding=1)
    h = conv(F.silu(normed(h, w, "decoder.norm_out")), w, "decoder.conv_out", padding=1)
    return (h + 1) / 2


def test_transforms_equal_the_plain_ones() -> None:
    net, x = toy(), to_unit(make_photo(64, 96))
    w = net.state_dict()
    z = plain_encode(x, w)
    assert (net.encode(x) - z).abs().max() < 3e-5
    tokens = plain_tokens(z, w)
    assert torch.equal(net.analyse(x), tokens)
    assert len(tokens.unique()) > 3
    assert len(net.write(tokens, 0)[0]) == -(-tokens.numel() * 6 // 8)
    picture = plain_decode(tokens, w)
    assert (net.synthesise(net.expected_codes(tokens)) - picture).abs().max() < 3e-5


def test_levels_add_up_to_the_decoder() -> None:
    net = toy()
    codes = net.expected_codes(torch.randint(0, 40, (1, 4, 6)))
    features, shapes = net.start(codes), []
    for index in range(4):
        features = net.level(index, features)
        shapes.append(tuple(features.shape[1:]))
    assert shapes == [(96, 4, 6), (64, 8, 12), (64, 16, 24), (32, 32, 48)]
    assert [width for width, *_ in shapes] == net.synthesis.widths
    assert torch.equal(net.head(features), net.synthesise(codes))
