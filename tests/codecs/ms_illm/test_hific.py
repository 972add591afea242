"""The public layout of MS-ILLM: names, and the same layers written down a second time."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mode_core.codecs.ms_illm import dialects, hific
from mode_core.codecs.ms_illm.net import IllmConfig, MsIllm
from mode_core.codecs.system import SingleStream
from mode_core.codecs.tiles import to_tensor
from mode_core.stream.entropy import LOG_SCALE_STEP, SCALE_LOW, SCALES, SymbolWriter
from tests.conftest import make_photo
from tests.made_up.illm_nets import NARROW, likely, old_names

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
GAUSSIAN_SCALES = [SCALE_LOW * float(np.exp(LOG_SCALE_STEP * i)) for i in range(SCALES)]


def test_old_and_new_names_load_alike_and_stored_tables_are_ignored(x: Tensor) -> None:
    source = likely(MsIllm(NARROW))
    y = source.analyse(x)
    expected = source.write(y, 0)
    stale = {
        f"{model}.{name}": torch.full((9,), 7)
        for model in ("hyper_bottleneck", "latent_bottleneck")
        for name in ("_offset", "_cdf_length", "_quantized_cdf")
    } | {"latent_bottleneck.scale_table": torch.ones(64)}
    own = source.state_dict()
    tables = {name: value for name, value in own.items() if name.startswith("prior_tables.")}
    for state in (own, old_names(source) | tables | stale):
        net = MsIllm(NARROW).eval()
        net.load_state_dict(dialects.from_public(state))
        assert net.write(y, 0) == expected


def test_new_weights_make_new_tables(x: Tensor) -> None:
    net, other = likely(MsIllm(NARROW)), likely(MsIllm(NARROW))
    y = net.analyse(x)
    first = net.write(y, 0)
    net.load_state_dict(other.state_dict())
    assert net.write(y, 0) == other.write(y, 0) != first


def compressai() -> Any:
    """Its entropy models, which take seconds to import."""
    return import_module("compressai.entropy_models")


def test_likelihoods_and_their_gradients_are_compressais() -> None:
    theirs = compressai().GaussianConditional(None, scale_bound=0.11)
    residual = torch.tensor([0.0, 0.4, -3.0, 60.0, 0.6, 300.0]).requires_grad_()
    scale = torch.tensor([0.05, 0.11, 0.5, 1.0, -4.0, 30.0]).requires_grad_()
    found = []
    for likelihood in (
        hific.gaussian_likelihood(residual, scale),
        theirs.likelihood_lower_bound(theirs._likelihood(residual, scale)),
    ):
        gradients = torch.autograd.grad(-likelihood.log().sum(), (residual, scale))
        found.append((likelihood, *gradients))
    for ours, wanted in zip(*found, strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-6, atol=0)


def test_reflection_needs_room_and_falls_back_to_the_border() -> None:
    x = torch.arange(40.0).reshape(1, 1, 1, 40).expand(1, 1, 40, 40)
    assert hific.pad_by_reflection(x, 64)[0, 0, 0, 40:44].tolist() == [38, 37, 36, 35]
    small = hific.pad_by_reflection(x[..., :32], 64)
    assert small.shape == (1, 1, 64, 64)
    assert small[0, 0, 0, 32:34].tolist() == [31, 31]
    whole = torch.rand(1, 3, 64, 128)
    assert torch.equal(hific.pad_by_reflection(whole, 64), whole)


# ── the same layers, written down a second time ────────────────────────────────────────────────


def plain_norm(x: Tensor, w: dict[str, Tensor], name: str) -> Tensor:
    scale = (x.var(1, keepdim=True, unbiased=True) + 1e-3).rsqrt()
    return (x - x.mean(1, keepdim=True)) * scale * w[f"{name}.gamma"] + w[f"{name}.beta"]


def plain_conv(x: Tensor, w: dict[str, Tensor], name: str, stride: int = 1) -> Tensor:
    weight = w[f"{name}.weight"]
    return F.conv2d(x, weight, w[f"{name}.bias"], stride, weight.shape[-1] // 2)


def plain_transposed(x: Tensor, w: dict[str, Tensor], name: str) -> Tensor:
    weight = w[f"{name}.weight"]
    return F.conv_transpose2d(x, weight, w[f"{name}.bias"], 2, weight.shape[-1] // 2, 1)


def plain_encoder(x: Tensor, w: dict[str, Tensor]) -> Tensor:
    for k in range(5):
        x = plain_conv(x, w, f"encoder.blocks.{k}.0", 2 if k else 1)
        x = plain_norm(x, w, f"encoder.blocks.{k}.1").relu()
    return plain_conv(x, w, "encoder.blocks.5")


def plain_hyper(y: Tensor, w: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    z = plain_conv(y, w, "hyper_analysis.0").relu()
    z = plain_conv(plain_conv(z, w, "hyper_analysis.2", 2).relu(), w, "hyper_analysis.4", 2)
    median = w["hyper_bottleneck.quantiles"][:, 0, 1].reshape(1, -1, 1, 1)
    z_hat = (z - median).round() + median
    pair = []
    for net in ("hyper_synthesis_mean", "hyper_synthesis_scale"):
        h = plain_transposed(z_hat, w, f"{net}.0").relu()
        pair.append(plain_conv(plain_transposed(h, w, f"{net}.2").relu(), w, f"{net}.4"))
    return z_hat, pair[0], pair[1]


def plain_generator(y: Tensor, w: dict[str, Tensor], residuals: int) -> Tensor:
    start = plain_conv(plain_norm(y, w, "decoder.block_0.0"), w, "decoder.block_0.1")
    start = h = plain_norm(start, w, "decoder.block_0.2")
    for k in range(residuals):
        name = f"decoder.resid_blocks.{k}.sequence"
        inner = plain_norm(plain_conv(h, w, f"{name}.0"), w, f"{name}.1").relu()
        h = h + plain_norm(plain_conv(inner, w, f"{name}.3"), w, f"{name}.4")
    h = start + h
    for k in range(4):
        h = plain_transposed(h, w, f"decoder.blocks.{k}.0")
        h = plain_norm(h, w, f"decoder.blocks.{k}.1").relu()
    return plain_conv(h, w, "decoder.blocks.4")


@pytest.mark.parametrize(
    "config", [NARROW, pytest.param(IllmConfig.public(), marks=pytest.mark.slow)]
)
def test_the_public_layout_equals_a_plain_forward(config: IllmConfig) -> None:
    net, x = likely(MsIllm(config)), to_tensor(make_photo(60, 62), 64)
    w = net.state_dict()
    y = plain_encoder(x, w)
    _, mean, _ = plain_hyper(y, w)
    y_hat = (y - mean).round() + mean
    picture = plain_generator(y_hat, w, net.config.residuals)
    assert picture.min() < 0, "nothing clamps it"
    with torch.no_grad():
        assert (net.analyse(x) - y).abs().max() < 3e-5
        estimated, _ = net.quantise(y, torch.zeros(1))
        payload, check = net.write(y, 0)
        read, same = net.read(payload, 0, (y.shape[2], y.shape[3]))
        assert check == same
        for decoded in (estimated, read.float()):
            assert (decoded - y_hat).abs().max() < 3e-5
            assert (net.synthesise(decoded, torch.zeros(1)) - picture).abs().max() < 3e-5


@pytest.mark.parametrize("threads", [1, 2])
@torch.inference_mode()
def test_the_latent_is_summed_in_the_authors_order(threads: int, x: Tensor) -> None:
    """A sum in another order moves a few integers of a photograph."""
    torch.set_num_threads(threads)
    net = likely(MsIllm(NARROW))
    y = SingleStream(net).analyse(x.contiguous(memory_format=torch.channels_last))
    assert torch.equal(y, plain_encoder(x.contiguous(), net.state_dict()))


# ── against CompressAI ─────────────────────────────────────────────────────────────────────────


def test_hyperprior_agrees_with_compressai(x: Tensor) -> None:
    net = likely(MsIllm(NARROW))
    w = net.state_dict()
    y = net.analyse(x)
    _, mean, scale = plain_hyper(y, w)
    bottleneck = compressai().EntropyBottleneck(32).eval()
    own = {k.removeprefix("hyper_bottleneck."): v for k, v in w.items() if "bottleneck" in k}
    bottleneck.load_state_dict(own, strict=False)
    bottleneck.update()
    conditional = compressai().GaussianConditional(GAUSSIAN_SCALES).eval()
    conditional.update()
    z = net.hyper_analysis(y)
    _, z_likelihood = bottleneck(z)
    y_hat, y_likelihood = conditional(y, scale, mean)
    bits = -(z_likelihood.log2().sum() + y_likelihood.log2().sum())
    decoded, estimated = net.quantise(y, torch.zeros(1))
    assert (decoded - y_hat).abs().max() < 3e-5
    assert estimated.item() == pytest.approx(bits.item(), rel=1e-4)
    strings = [
        *bottleneck.compress(z),
        *conditional.compress(y, conditional.build_indexes(scale), means=mean),
    ]
    payload, _ = net.write(y, 0)
    theirs = sum(map(len, strings))
    content = bits.item() / 8
    assert len(payload) < 1.01 * min(theirs, content) + 64
    assert len(payload) > 0.99 * content - 64


def test_symbols_are_compressais_and_tables_fit_better(
    x: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = likely(MsIllm(NARROW))
    y = net.analyse(x)
    z_hat, mean, scale = plain_hyper(y, net.state_dict())
    seen: list[tuple[Tensor, Tensor]] = []
    code = SymbolWriter.code

    def watch(self: SymbolWriter, index: Tensor, *rest: Tensor) -> Tensor:
        symbols = code(self, index, *rest)
        seen.append((index, symbols))
        return symbols

    monkeypatch.setattr(SymbolWriter, "code", watch)
    net.write(y, 0)
    conditional = compressai().GaussianConditional(GAUSSIAN_SCALES)
    expected = conditional.quantize(y, "symbols", mean)
    assert torch.equal(seen[1][1].int(), expected)
    assert len(expected.unique()) > 5
    # theirs is the next wider table, ours the nearest
    assert set((conditional.build_indexes(scale) - seen[1][0]).unique().tolist()) == {0, 1}
    medians = net.hyper_bottleneck.quantiles[:, 0, 1].reshape(1, -1, 1, 1)
    assert torch.equal(seen[0][1].float(), (z_hat - medians).round())
