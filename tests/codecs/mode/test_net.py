"""ELIC, MS-ILLM, the VQ expert and MoDE: what training and coding promise each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from mode_core.codecs.elic.net import TRAINED, Elic
from mode_core.codecs.mode.net import FIDELITY, PERCEPTION, Mode, ModeConfig
from mode_core.codecs.ms_illm import hific
from mode_core.codecs.ms_illm.net import MsIllm
from mode_core.codecs.vq.net import SHARES, sending_order
from mode_core.errors import BitstreamError
from mode_core.layers import gaussian
from mode_core.layers.blocks import dct_basis, fitted_dct_basis
from tests.conftest import make_photo
from tests.made_up.illm_nets import NARROW, compact, likely
from tests.made_up.plain_metrics import to_unit
from tests.made_up.toys import TOY_ELIC, enliven, toy_elic, toy_mode, toy_vq

pytestmark = pytest.mark.usefixtures("one_thread")
Net = Elic | MsIllm
PICTURE = to_unit(make_photo(64, 128))


@pytest.fixture(scope="module")
def elic() -> Elic:
    return toy_elic()


@pytest.fixture(scope="module")
def mode() -> Mode:
    return toy_mode(toy_elic(), toy_vq())


def test_dct_rows_are_orthonormal_and_sorted() -> None:
    basis, strength = dct_basis(100, 8)
    assert torch.allclose(basis @ basis.t(), torch.eye(100), atol=1e-6)
    assert (strength.diff() <= 0).all()


def test_fitted_dct_puts_the_strongest_pattern_first() -> None:
    ramp = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    basis, strength = fitted_dct_basis(ramp, 10, 8)
    flat, _ = dct_basis(1, 8)
    assert torch.allclose(basis[0], flat[0])
    assert strength[0] > 3 * strength[1]


def test_an_untrained_elic_is_a_dct_codec() -> None:
    torch.manual_seed(0)
    net = Elic(TOY_ELIC)
    for last in (net.analysis.out, net.synthesis.head[0]):
        torch.nn.init.zeros_(last.weight)
    flat = torch.full((1, 3, 64, 64), 0.3)
    with torch.inference_mode():
        assert torch.allclose(net.linear_part(net.analyse(flat)), flat, atol=1e-5)


@pytest.fixture(params=["elic", "ms-illm", "ms-illm public"])
def net(request: pytest.FixtureRequest) -> Net:
    """Whatever has one latent and one stream."""
    if request.param == "elic":
        return toy_elic()
    return compact() if request.param == "ms-illm" else likely(MsIllm(NARROW))


def test_one_and_two_threads_write_the_same_bytes(net: Net, x: torch.Tensor) -> None:
    y = net.analyse(x)
    quality = net.qualities[-1]
    files = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        files.append(net.write(y, quality))
    assert files[0] == files[1]
    read = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        read.append(net.read(files[0][0], quality, (y.shape[2], y.shape[3])))
    assert torch.equal(read[0][0], read[1][0])
    assert read[0][1] == read[1][1] == files[0][1]


def test_what_is_read_is_what_was_written(net: Net, x: torch.Tensor) -> None:
    y = net.analyse(x)
    for quality in {net.qualities[0], net.qualities[len(net.qualities) // 2], net.qualities[-1]}:
        payload, check = net.write(y, quality)
        y_hat, same = net.read(payload, quality, (y.shape[2], y.shape[3]))
        assert y_hat.dtype == torch.float64
        assert check == same
        assert net.write(y_hat.float(), quality)[0] != b""
        picture = net.synthesise(y_hat.float(), torch.tensor([quality / net.steps_between]))
        assert picture.shape == x.shape


def test_payload_is_near_the_estimate(
    net: Net, x: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (gaussian, hific):
        monkeypatch.setattr(module, "with_noise", torch.round)
    y = net.analyse(x)
    for quality in {net.qualities[len(net.qualities) // 2], net.qualities[-1]}:
        _, bits = net.quantise(y, torch.tensor([quality / net.steps_between]))
        spent = 8 * len(net.write(y, quality)[0])
        assert 0.97 * bits.item() - 64 <= spent <= 1.02 * bits.item() + 64


def test_damaged_streams_are_noticed_or_read_as_something_else(net: Net, x: torch.Tensor) -> None:
    y = net.analyse(x)
    payload, check = net.write(y, net.qualities[-1])
    noise = np.random.default_rng(3).bytes(len(payload))
    for damaged in (b"", payload[: len(payload) // 2], noise):
        try:
            _, other = net.read(damaged, net.qualities[-1], (y.shape[2], y.shape[3]))
        except BitstreamError:
            continue
        assert other != check


@pytest.mark.parametrize("make", [toy_elic, compact])
@torch.inference_mode()
def test_finer_quality_is_closer_and_costs_more(make: Callable[[], Net]) -> None:
    net = make()
    y = net.analyse(to_unit(make_photo(128, 192)))
    weight = net.encoder.dct.std if isinstance(net, MsIllm) else 1
    sizes, errors = [], []
    for quality in (0, 84, 168, 252):
        payload, _ = net.write(y, quality)
        y_hat, _ = net.read(payload, quality, (y.shape[2], y.shape[3]))
        sizes.append(len(payload))
        errors.append(((y_hat - y) * weight).square().mean().item())
    assert sizes == sorted(set(sizes))
    assert errors == sorted(set(errors), reverse=True)


def test_training_reaches_every_parameter() -> None:
    net = toy_elic()
    x_hat, bits = net.training_step(PICTURE.repeat(2, 1, 1, 1), torch.tensor([1.0, 6.5]))
    ((x_hat - 0.5).square().mean() + bits.mean() / 1e4).backward()
    missing = [n for n, p in net.named_parameters() if p.requires_grad and p.grad is None]
    assert missing == []


def test_sending_order_covers_the_grid_once_and_in_part() -> None:
    for height, width in ((1, 1), (5, 7), (8, 4)):
        everything = torch.cat(sending_order(height, width, SHARES - 1))
        assert sorted(everything.tolist()) == list(range(height * width))
    half = torch.cat(sending_order(8, 8, SHARES // 2 - 1))
    assert len(half) == 32
    assert set(half.tolist()) <= set(range(64))


@pytest.mark.parametrize("grid", [(1, 1), (3, 5), (8, 8)])
@torch.inference_mode()
def test_vq_reads_the_tokens_that_were_sent(grid: tuple[int, int]) -> None:
    net = toy_vq()
    tokens = torch.randint(64, (1, *grid), generator=torch.Generator().manual_seed(3))
    for quality in (0, 7, SHARES - 1):
        payload, check = net.write(tokens, quality)
        known, read_check = net.read(payload, quality, grid)
        sent = torch.cat(sending_order(*grid, quality))
        assert check == read_check
        assert torch.equal(known.flatten()[sent], tokens.flatten()[sent])
        assert (known == net.config.codes).sum() == tokens.numel() - len(sent)


@torch.inference_mode()
def test_expected_codes_keep_the_known_ones() -> None:
    net = toy_vq()
    tokens = torch.full((1, 4, 4), net.config.codes)
    tokens[0, 1, 2] = 9
    codes = net.expected_codes(tokens)
    assert torch.equal(codes[0, :, 1, 2], net.codebook.vectors[9])
    assert codes[0, :, 0, 0].norm() < 1


def test_codebook_follows_its_vectors_and_revives_dead_codes() -> None:
    net = toy_vq()
    z = torch.nn.functional.normalize(torch.ones(1, 8, 4, 4), dim=1)
    token = net.codebook.nearest(z)[0, 0, 0]
    before = net.codebook.vectors[token] @ z[0, :, 0, 0]
    for _ in range(200):
        net.codebook.follow(z, net.codebook.nearest(z))
    assert net.codebook.vectors[net.codebook.nearest(z)[0, 0, 0]] @ z[0, :, 0, 0] > before
    net.codebook.uses[:5] = 0
    assert net.codebook.revive(z).nonzero().flatten().tolist() == [0, 1, 2, 3, 4]
    assert torch.allclose(net.codebook.vectors[:5] @ z[0, :, 0, 0], torch.ones(5))


@torch.inference_mode()
def test_new_mode_is_exactly_its_experts(mode: Mode) -> None:
    y, codes = mode.elic.analyse(PICTURE), torch.randn(1, 8, 4, 8)
    at = torch.tensor([4.3])
    fidelity, perception = mode(y, codes, at)
    assert torch.equal(fidelity, mode.elic.synthesise(y, at))
    assert torch.equal(perception, mode.vq.synthesise(codes))
    seen = mode.references(y, codes, at)
    assert torch.equal(seen.fidelity, fidelity)
    assert torch.equal(seen.perception, perception)


@torch.inference_mode()
def test_gates_of_one_branch_leave_the_other_alone() -> None:
    mode = toy_mode(toy_elic(), toy_vq())
    for gamma in mode.gates(PERCEPTION):
        torch.nn.init.ones_(gamma)
    y, codes, at = mode.elic.analyse(PICTURE), torch.randn(1, 8, 4, 8), torch.tensor([4.0])
    fidelity, perception = mode(y, codes, at)
    assert torch.equal(fidelity, mode.elic.synthesise(y, at))
    assert not torch.equal(perception, mode.vq.synthesise(codes))


@torch.inference_mode()
def test_an_open_gate_takes_the_bands_of_the_partners_picture(mode: Mode) -> None:
    cem = mode.picture_cem[PERCEPTION]
    torch.nn.init.zeros_(cem.out.weight)
    torch.nn.init.zeros_(cem.out.bias)
    cem.out.bias[:2] = 100.0  # the gates of the two strongest bands stand open, the others half
    torch.nn.init.zeros_(cem.gamma)
    cem.gamma[:, :2] = 1
    own, other = torch.rand(2, 1, 3, 32, 64)
    features = tuple(torch.randn(1, 16, 4, 8) for _ in range(3))
    taken = cem.bands(cem(features, own, other, torch.tensor([4.0])))
    assert torch.allclose(taken[:, :2], cem.bands(other)[:, :2], atol=1e-5)
    assert torch.allclose(taken[:, 2:], cem.bands(own)[:, 2:], atol=1e-5)


@torch.inference_mode()
def test_the_partner_enters_only_by_its_own_projection(mode: Mode) -> None:
    cem = mode.cem[0][0]
    torch.nn.init.ones_(cem.gamma)
    torch.nn.init.zeros_(cem.evidence.from_partner.weight)
    u, at = torch.randn(1, 24, 4, 4), torch.tensor([4.0])
    first, second = torch.randn(2, 1, 24, 4, 4)
    assert torch.equal(cem(u, u, first, at), cem(u, u, second, at))


def test_only_ese_and_cem_learn() -> None:
    mode = toy_mode(toy_elic(), toy_vq())
    enliven(mode)
    for gamma in (*mode.gates(FIDELITY), *mode.gates(PERCEPTION)):
        torch.nn.init.constant_(gamma, 0.1)
    y = mode.elic.analyse(PICTURE).detach()
    sum(mode(y, torch.randn(1, 8, 4, 8), torch.tensor([2.5]))).square().mean().backward()
    frozen = [*mode.elic.parameters(), *mode.vq.parameters()]
    assert all(parameter.grad is None for parameter in frozen)
    assert all(parameter.grad is not None for parameter in mode.parameters())


@pytest.mark.parametrize("left_out", ["ese", "cem", "gated", "pictures"])
@torch.inference_mode()
def test_ablations_start_from_the_experts_too(left_out: str) -> None:
    config = ModeConfig(hidden=(12, 8), **{left_out: False})
    mode = toy_mode(toy_elic(), toy_vq(), config)
    y, codes, at = mode.elic.analyse(PICTURE), torch.randn(1, 8, 4, 8), torch.tensor([1.0])
    assert torch.equal(mode(y, codes, at)[0], mode.elic.synthesise(y, at))


def test_qualities_reach_the_last_anchor(elic: Elic) -> None:
    assert elic.qualities[-1] / elic.steps_between == TRAINED - 1
    assert elic.qualities[-1] < 256
