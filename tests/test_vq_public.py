"""The public VQGAN: its authors' names, the same layers written down a second time, its files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.bitstream import Bitstream
from mode_core.cli import main
from mode_core.images import read_image, write_png
from mode_core.imports.convert import Origin, import_checkpoint
from mode_core.imports.reading import CheckpointError
from mode_core.nets.vq_public import Downsample, NearestCodes, VqPublic, VqPublicConfig
from mode_core.registry import load_codec
from mode_core.weights import FOLDER_VARIABLE
from tests.conftest import make_photo
from tests.public_nets import save

TOY = VqPublicConfig(codes=40, depth=24, widths=(32, 32, 64, 64, 96))
NAMES = "535f057d8bb612f5acefeeec080ba8e0625b27c6f5c71e5515273bf505ae97d0"
"""SHA-256 of the sorted lines "name [shape]" of the VQGAN with 256 codes inside DLF's files."""
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


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
    load_codec.cache_clear()
    return tmp_path / "cache"


def published(net: VqPublic) -> dict[str, object]:
    """A training framework's checkpoint."""
    loss = {
        "loss.discriminator.main.0.weight": torch.ones(4, 3, 4, 4),
        "loss.logvar": torch.ones(1),
    }
    return {"epoch": 1, "state_dict": net.state_dict() | loss}


# ── names ──────────────────────────────────────────────────────────────────────────────────────


def test_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        state = VqPublic(VqPublicConfig(codes=256)).state_dict()
    lines = sorted(f"{name} {list(value.shape)}" for name, value in state.items())
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == NAMES


@pytest.mark.parametrize(("codes", "bits"), [(1024, 10), (16384, 14)])
def test_both_public_sizes_are_read_off_the_file(codes: int, bits: int) -> None:
    from mode_core.imports.dialects import find_dialect

    with torch.device("meta"):
        state = VqPublic(VqPublicConfig(codes)).state_dict()
    config = find_dialect("vq", "taming").net(state)[2]
    assert config == VqPublicConfig(codes)
    assert config.bits == bits


# ── the same layers, written down a second time ────────────────────────────────────────────────


def conv(x: Tensor, w: W, name: str, **how: int) -> Tensor:
    return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **how)


def normed(x: Tensor, w: W, name: str) -> Tensor:
    groups = x.reshape(len(x), 32, -1)
    mean, variance = groups.mean(2, keepdim=True), groups.var(2, keepdim=True, unbiased=False)
    x = ((groups - mean) / (variance + 1e-6).sqrt()).reshape(x.shape)
    return x * w[f"{name}.weight"][:, None, None] + w[f"{name}.bias"][:, None, None]


def swish(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


def block(x: Tensor, w: W, name: str) -> Tensor:
    h = conv(swish(normed(x, w, f"{name}.norm1")), w, f"{name}.conv1", padding=1)
    h = conv(swish(normed(h, w, f"{name}.norm2")), w, f"{name}.conv2", padding=1)
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
    h = swish(normed(mid(h, w, "encoder"), w, "encoder.norm_out"))
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
    h = conv(swish(normed(h, w, "decoder.norm_out")), w, "decoder.conv_out", padding=1)
    return (h + 1) / 2


def pixels(height: int, width: int) -> Tensor:
    return torch.from_numpy(make_photo(height, width)).permute(2, 0, 1)[None].float() / 255


def test_transforms_equal_the_plain_ones() -> None:
    net, x = toy(), pixels(64, 96)
    w = net.state_dict()
    z = plain_encode(x, w)
    assert (net.encode(x) - z).abs().max() < 3e-5
    tokens = plain_tokens(z, w)
    assert torch.equal(net.analyse(x), tokens)
    assert len(tokens.unique()) > 3
    picture = plain_decode(tokens, w)
    assert (net.synthesise(net.expected_codes(tokens)) - picture).abs().max() < 3e-5


def test_the_nearest_code_is_not_the_most_alike() -> None:
    book = NearestCodes(2, 2)
    book.embedding.weight.data = torch.tensor([[10.0, 10.0], [1.0, 0.0]])
    z = torch.tensor([1.0, 1.0]).reshape(1, 2, 1, 1)
    assert book.nearest(z).item() == 1


def test_halving_looks_right_and_down() -> None:
    layer = Downsample(1)
    torch.nn.init.ones_(layer.conv.weight)
    torch.nn.init.zeros_(layer.conv.bias)
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 1, 1] = 1
    assert layer(x)[0, 0].tolist() == [[1, 0], [0, 0]]
    x = torch.zeros(1, 1, 4, 4)
    x[0, 0, 2, 2] = 1
    assert layer(x)[0, 0].tolist() == [[1, 1], [1, 1]]


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


# ── files ──────────────────────────────────────────────────────────────────────────────────────


def test_the_command_line_gives_the_authors_picture(tmp_path: Path) -> None:
    net = toy()
    file, photo, made = (
        save(published(net), tmp_path / "v.ckpt"),
        tmp_path / "p.png",
        tmp_path / "a",
    )
    write_png(photo, make_photo(50, 71))
    assert main(["weights", "import", "vq", str(file), "--dialect", "taming"]) == 0
    words = ["--codec", "vq", "--profile", "public", "--bpp", "0.1"]
    assert main(["encode", str(photo), str(made), *words]) == 0
    assert main(["decode", str(made), str(tmp_path / "b.png")]) == 0
    x = F.pad(pixels(50, 71), (0, 9, 0, 14), mode="replicate")
    tokens = plain_tokens(plain_encode(x, net.state_dict()), net.state_dict())
    picture = plain_decode(tokens, net.state_dict())[0, :, :50, :71].clamp(0, 1) * 255
    difference = picture.round().permute(1, 2, 0).numpy() - read_image(tmp_path / "b.png")
    assert np.abs(difference).max() <= 1
    stream = Bitstream.from_bytes(made.read_bytes()).streams[0]
    assert len(stream.payload) == -(-tokens.numel() * 6 // 8)


def test_a_vqgan_of_another_kind_is_refused(home: Path, tmp_path: Path) -> None:
    state = toy().state_dict()
    state["quantize.embed.weight"] = state.pop("quantize.embedding.weight")
    with pytest.raises(CheckpointError, match=r"1 missing .* 1 unknown \(quantize.embed.weight\)"):
        import_checkpoint("vq", Origin(save(state, tmp_path / "v.ckpt")), "taming", "v")
    with pytest.raises(CheckpointError, match="give vq and --dialect taming"):
        import_checkpoint("elic", Origin(save(state, tmp_path / "v.ckpt")), "chandelier", "v")
    assert not home.exists() or list(home.iterdir()) == []
