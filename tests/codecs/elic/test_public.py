"""The public ELIC against CompressAI's own classes: pictures, integers, lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mode_core.codecs.elic import transforms as elic_transforms
from mode_core.codecs.elic.public import ElicPublic
from mode_core.codecs.system import SingleStream
from mode_core.layers import integer
from mode_core.layers.factorised import TABLE_WIDTH, integer_tables, nearest_scale
from mode_core.layers.integer import exact_products
from mode_core.stream.entropy import SymbolReader, SymbolWriter
from tests.conftest import make_photo
from tests.made_up.plain_metrics import to_unit
from tests.made_up.public_nets import CLASSES, SMALL, decoded, ours, reference

GRID = (8, 12)
FULL = {"N": 192, "M": 320}
LARGE = [pytest.param((dialect, FULL), marks=pytest.mark.slow) for dialect in CLASSES]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(
    scope="module",
    params=[*((dialect, SMALL) for dialect in CLASSES), *LARGE],
    ids=lambda made: f"{made[0]}-{made[1]['N']}",
)
def pair(request: pytest.FixtureRequest) -> tuple[Any, ElicPublic, Tensor]:
    """CompressAI's net, the same weights in ours, and a picture."""
    net = reference(request.param[0], **request.param[1])
    return net, ours(net), to_unit(make_photo(16 * GRID[0], 16 * GRID[1], 3))


class Recorder:
    """A coder that writes nothing and keeps the integers and table numbers."""

    def __init__(self) -> None:
        self.symbols: list[Tensor] = []
        self.indices: list[Tensor] = []

    def code(self, index: Tensor, mean: Tensor, values: Tensor, _tables: object = None) -> Tensor:
        self.symbols.append((values - mean).round())
        self.indices.append(index)
        return self.symbols[-1]


@torch.inference_mode()
def test_float_pictures_and_information_are_compressais(pair: Any) -> None:
    theirs, net, x = pair
    out = theirs(x)
    picture, bits = net(x)
    information = sum(-p.double().log2().sum().item() for p in out["likelihoods"].values())
    assert (picture - out["x_hat"]).abs().max() <= 3e-5
    assert bits.item() == pytest.approx(information, rel=1e-5)
    payload, _ = net.write(net.analyse(x), 0)
    assert abs(8 * len(payload) - information) <= 0.01 * information + 8 * 64


def test_gradients_flow_and_change_nothing(pair: Any) -> None:
    theirs, net, x = pair
    twin = ElicPublic(net.config)
    twin.load_state_dict(net.state_dict())
    picture, bits = twin.eval()(x)
    (picture.square().mean() + bits.sum() * 1e-6).backward()
    with torch.no_grad():
        assert (picture - theirs(x)["x_hat"]).abs().max() <= 3e-5
    assert all(p.grad is not None for n, p in twin.named_parameters() if "quantiles" not in n)


@torch.inference_mode()
def test_integers_are_compressais(pair: Any) -> None:
    """All of them: of the hyper-latent and of the ten passes."""
    theirs, net, x = pair
    y = theirs.g_a(x)
    recorder = Recorder()
    walked = net._exact().walk(recorder, GRID, net.integers(net.analyse(x)))  # type: ignore[arg-type]
    prior = theirs.latent_codec.hyper.entropy_bottleneck
    z = theirs.latent_codec.hyper.h_a(y)
    medians = prior.quantiles[:, 0, 1][None, :, None, None]
    expected = (z - medians).round()[0].permute(1, 2, 0)
    assert torch.equal(recorder.symbols[0].float(), expected)
    assert expected.abs().max() >= 2
    # a differing integer moves the decoded latent by one
    y_hat = theirs.latent_codec(y)["y_hat"]
    assert (walked - y_hat).abs().max() < 1e-4
    assert len(recorder.symbols) == 1 + 2 * len(net.config.groups)
    assert max(s.abs().max() for s in recorder.symbols[1:]) >= 4


@torch.inference_mode()
def test_what_is_written_is_read_and_drawn_as_compressai_does(pair: Any) -> None:
    theirs, net, x = pair
    payload, check = net.write(net.analyse(x), 0)
    y, found = net.read(payload, 0, GRID)
    assert found == check
    picture = net.synthesise(y.float(), torch.zeros(1)).clamp(0, 1)
    levels = [(p * 255).round() for p in (picture, decoded(theirs, x))]
    assert (levels[0] - levels[1]).abs().max() <= 1


@pytest.mark.parametrize("pair", LARGE, indirect=True)
@torch.inference_mode()
def test_a_larger_picture_has_compressais_integers(pair: Any) -> None:
    theirs, _, _ = pair
    system = SingleStream(ours(theirs))
    torch.set_num_threads(2)
    x = to_unit(make_photo(192, 320, 4))
    y = system.analyse(x.contiguous(memory_format=torch.channels_last))
    payload, _ = system.net.write(y, 0)
    found, _ = system.net.read(payload, 0, (12, 20))
    expected = theirs.latent_codec(theirs.g_a(x))["y_hat"]
    assert expected.std() > 1
    # one integer that differs moves its value by one, and all means after it
    assert (found - expected).abs().max() < 1e-4


@pytest.mark.parametrize("threads", [1, 2])
@torch.inference_mode()
def test_the_latent_is_summed_in_compressais_order(threads: int, pair: Any) -> None:
    """A sum in another order moves one integer in 100,000; on small maps torch sums in another."""
    theirs, _, _ = pair
    system = SingleStream(ours(theirs))
    torch.set_num_threads(threads)
    for height, width in ((64, 64), (64, 192), (192, 256)):
        x = to_unit(make_photo(height, width, 5))
        y = system.analyse(x.contiguous(memory_format=torch.channels_last))
        assert torch.equal(y, theirs.g_a(x))


@pytest.mark.parametrize(("height", "width"), [(128, 64), (64, 128), (320, 64)])
def test_a_narrow_picture_comes_back(height: int, width: int) -> None:
    """One place of the hyper-latent wide or high."""
    net = ours(reference("chandelier", N=64, M=80, groups=[8, 8, 16, 16, 32]))
    with torch.inference_mode():
        payload, check = net.write(net.analyse(to_unit(make_photo(height, width, 6))), 0)
        assert net.read(payload, 0, (height // 16, width // 16))[1] == check


@pytest.mark.parametrize("dialect", CLASSES)
def test_every_machine_walks_alike(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 8-bit products, without them, in thin bands."""
    net, x = ours(reference(dialect, 5)), to_unit(make_photo(64, 64, 5))
    with torch.inference_mode():
        y = net.analyse(x)
        monkeypatch.setattr(integer, "bytes_pay", exact_products)
        whole = net.write(y, 0)
        monkeypatch.setattr(integer, "_BYTES_AT_ONCE", 1)
        assert net.write(y, 0) == whole
        monkeypatch.setattr(integer, "bytes_pay", lambda: False)
        assert net.write(y, 0) == whole
        assert net.read(whole[0], 0, (4, 4))[1] == whole[1]


def test_the_nearest_table_is_taken() -> None:
    """A negative scale is the smallest one, and no scale of its own size."""
    scales = torch.tensor([-50.0, -0.11, 0.0, 0.11, 256.0, 1e6], dtype=torch.float64)
    assert nearest_scale(scales).tolist() == [0, 0, 0, 0, 63, 63]
    table = 0.11 * torch.exp(torch.arange(64).double() * np.log(256 / 0.11) / 63)
    assert torch.equal(nearest_scale(table), torch.arange(64))
    assert torch.equal(nearest_scale(table[1:] * 0.95), torch.arange(1, 64))
    assert torch.equal(nearest_scale(table * 1.05), torch.arange(64))


# ── the parts ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["plain", "pointwise", "doubling", "turned"])
def test_an_integer_layer_is_nearly_float64(kind: str) -> None:
    torch.manual_seed(4)
    layer: Any = {
        "plain": lambda: nn.Conv2d(7, 9, 5, padding=2),
        "pointwise": lambda: nn.Conv2d(7, 9, 1),
        "doubling": lambda: nn.ConvTranspose2d(7, 9, 5, 2, 2, 1),
        "turned": lambda: nn.ConvTranspose2d(7, 9, 3, 1, 1),
    }[kind]()
    layer = layer.double().requires_grad_(False)
    x = torch.randn(1, 7, 5, 6, dtype=torch.float64)
    found = integer.IntegerConv(layer)(x[0].permute(1, 2, 0)).permute(2, 0, 1)[None]
    expected = layer(x)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 2e-6 * expected.abs().max()


def test_digits_hold_their_number() -> None:
    x = torch.tensor([0, 1, -1, 127, 128, -128, -129, 32767, 32768, -(1 << 22), 1 << 22]).double()
    high, mid, low = (d.double() for d in integer.to_digits(x))
    assert torch.equal((high * 256 + mid) * 256 + low, x)


def test_nothing_to_see_gives_the_bias() -> None:
    layer = nn.Conv2d(3, 4, 5, padding=2)
    with torch.no_grad():
        layer.weight[1] = 0
    y = integer.IntegerConv(layer)(torch.zeros(4, 4, 3, dtype=torch.float64))
    assert torch.equal(y, layer.bias.double().expand(4, 4, 4))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 1), (3, 1), (1, 3), (7, 2)])
def test_an_integer_layer_is_the_same_without_8_bit_units_at_any_width(
    height: int, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = integer.IntegerConv(nn.Conv2d(192, 64, 5, padding=2))
    x = torch.randn(height, width, 192, generator=torch.Generator().manual_seed(1)).double()
    monkeypatch.setattr(integer, "bytes_pay", exact_products)
    found = layer(x)
    monkeypatch.setattr(integer, "bytes_pay", lambda: False)
    assert torch.equal(found, layer(x))


@pytest.mark.parametrize("height", [1, 3, 4, 5, 8, 9, 23])
@pytest.mark.parametrize("block", [elic_transforms.Residual, elic_transforms.Unit])
def test_bands_change_nothing(height: int, block: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elic_transforms, "_BAND_BYTES", 1)
    torch.manual_seed(height)
    net = block(8).requires_grad_(False)
    x = torch.randn(1, 8, height, 6)
    expected = net(x)
    with torch.inference_mode():
        found = net(x.clone().contiguous(memory_format=torch.channels_last))
    assert (found - expected).abs().max() < 1e-6


@torch.inference_mode()
def test_transforms_leave_what_they_are_given_as_it_was(pair: Any) -> None:
    _, net, x = pair
    y = net.analyse(x.clone().contiguous(memory_format=torch.channels_last))
    kept = y.clone()
    net.synthesise(y, torch.zeros(1))
    assert torch.equal(y, kept)


def test_tables_are_whole_and_follow_the_prior() -> None:
    prior = reference("chandelier").latent_codec.hyper.entropy_bottleneck
    cdf, size, offset = integer_tables(prior)
    assert cdf.shape[1] == TABLE_WIDTH
    medians = prior.quantiles[:, 0, 1].detach()
    for channel in (0, 7, 15):
        row = cdf[channel, : size[channel]].double()
        assert row[0] == 0
        assert row[-1] == 65536
        assert (row.diff() >= 1).all()
        places = medians[channel] + offset[channel] + torch.arange(int(size[channel]) - 2)
        wide = medians.repeat(1, 1)[0].expand(len(places), -1).clone()
        wide[:, channel] = places
        likelihood = prior._likelihood(wide.t()[:, None].contiguous())[0][channel, 0].double()
        assert (row.diff()[:-1] / 65536 - likelihood).abs().max() < 0.006


def test_a_symmetric_prior_finds_its_middle_likely() -> None:
    from compressai.entropy_models import EntropyBottleneck

    prior = EntropyBottleneck(3)
    with torch.no_grad():
        for zero in (*prior.biases, *prior.factors):
            zero.zero_()
        prior.matrices[0].add_(2)
        prior.quantiles[:, 0, 1] = 0
    cdf, _, offset = integer_tables(prior)
    expected = prior._likelihood(torch.zeros(3, 1, 1))[0].flatten()
    for row, first, share in zip(cdf, offset.tolist(), expected, strict=True):
        assert (row[1 - first] - row[-first]) / 65536 == pytest.approx(share.item(), abs=0.01)


def test_wild_values_come_back_through_escapes() -> None:
    net = ours(reference("chandelier"))
    y = torch.zeros(1, net.config.latent, *GRID)
    y[0, :, 1, 2] = 4000.0
    writer = SymbolWriter()
    with torch.inference_mode():
        made = net._exact().walk(writer, GRID, net.integers(y))
        reader = SymbolReader(writer.payload(), y.numel() + 4 * net.config.width * 6)
        assert torch.equal(net._exact().walk(reader, GRID, None), made)
    assert (made[0, :, 1, 2] - 4000).abs().max() <= 0.6


def _walked(net: ElicPublic, y: Tensor) -> Recorder:
    recorder = Recorder()
    with torch.inference_mode():
        net._exact().walk(recorder, (y.shape[2], y.shape[3]), net.integers(y))  # type: ignore[arg-type]
    return recorder


def test_a_changed_parameter_makes_the_exact_networks_anew() -> None:
    net = ours(reference("chandelier"))
    y = torch.randn(1, net.config.latent, *GRID, generator=torch.Generator().manual_seed(2))
    before = _walked(net, y)
    with torch.no_grad():
        net.h_s[4].bias.add_(1.0)  # type: ignore[operator, union-attr]
    assert any(
        not torch.equal(a, b)
        for a, b in zip(before.indices[1:], _walked(net, y).indices[1:], strict=True)
    )
