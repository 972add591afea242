"""MS-ILLM in both layouts: start and training; what it shares with ELIC is in codecs/mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import process_time

import pytest
import torch
from torch import Tensor, nn

from mode_core.codecs.ms_illm.net import IllmConfig, MsIllm, rate_weight
from mode_core.codecs.tiles import to_tensor
from tests.conftest import make_photo
from tests.made_up.illm_nets import NARROW, compact, likely
from tests.made_up.toys import STAGES as TOY_STAGES
from tests.made_up.toys import toy_elic

pytestmark = pytest.mark.usefixtures("one_thread")


def test_starts_as_the_elic_that_it_takes_over(x: Tensor) -> None:
    elic = toy_elic()
    config = IllmConfig(TOY_STAGES, TOY_STAGES, latent=16, hyper=16, hyper_latent=8, side=16)
    net, at = MsIllm(config).eval(), torch.tensor([4.5])
    net.start_from(elic)
    with torch.inference_mode():
        y = elic.analyse(x)
        assert torch.equal(net.analyse(x), y)
        assert torch.allclose(net.synthesise(y, at), elic.synthesise(y, at), atol=1e-6)
        assert torch.equal(net.latents.hyper.down(y), elic.hyper.down(y))
        mine, his = net.latents.gains.at(at), elic.gains.at(at)
        assert all(torch.equal(a, b) for a, b in zip(mine, his, strict=True))
    for other in (MsIllm(replace(config, side=24)), MsIllm(NARROW)):
        with pytest.raises(ValueError, match="share"):
            other.start_from(elic)


def test_a_change_beyond_the_reach_changes_nothing() -> None:
    net = compact()
    y = torch.randn(1, net.config.latent, 4, 16)
    moved = y.clone()
    moved[..., 0] += 1
    at = torch.tensor([3.0])
    changed = (net.synthesise(y, at) - net.synthesise(moved, at)).abs().amax((0, 1, 2))
    assert changed[: net.cell].min() > 0
    assert changed[net.cell + net.reach :].max() == 0


# ── training ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("config", [IllmConfig(), NARROW], ids=["compact", "public"])
def test_every_parameter_gets_a_gradient(config: IllmConfig, x: Tensor) -> None:
    net = MsIllm(config).train()
    x_hat, bits = net.training_step(torch.cat([x, x.flip(3)]), torch.tensor([1.5, 4.0]))
    assert x_hat.shape == (2, *x.shape[1:])
    assert bits.shape == (2,)
    (x_hat.square().mean() + bits.mean()).backward()
    without = {name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()}
    # residual blocks start as the identity; the prior's quantiles have a loss of their own
    hidden = ("latents.hyper.middle.first", "latents.hyper.refine.first", "hyper_bottleneck.quant")
    assert not {name for name in without if not name.startswith(hidden)}


def test_training_rounds_for_the_generator_and_adds_noise_for_the_rate(x: Tensor) -> None:
    net = likely(MsIllm(NARROW))
    y = net.analyse(x)
    nn.init.zeros_(net.hyper_synthesis_mean[-1].weight)
    nn.init.zeros_(net.hyper_synthesis_mean[-1].bias)
    net.train()
    first, second = (net.quantise(y, torch.zeros(1)) for _ in range(2))
    assert torch.allclose(first[0], y.round(), atol=1e-5)  # the mean is zero here
    assert first[1] != second[1]
    net.eval()
    assert net.quantise(y, torch.zeros(1))[1] == net.quantise(y, torch.zeros(1))[1]


def test_in_training_the_hyper_synthesis_sees_noise(x: Tensor) -> None:
    net = likely(MsIllm(NARROW)).train()
    y = net.analyse(x)
    means = [(net.quantise(y, torch.zeros(1))[0] - y.round()) % 1 for _ in range(2)]
    assert not torch.allclose(means[0], means[1], atol=1e-3)


def test_rate_weights_are_the_published_ones() -> None:
    # for 0.035, 0.07, 0.14, 0.3, 0.45 and 0.9 bits per pixel
    assert rate_weight(torch.arange(1.0, 7.0)).tolist() == [8, 4, 2, 1, 0.5, 0.25]


def test_fitting_the_start_orders_channels_by_strength(x: Tensor) -> None:
    net = MsIllm(IllmConfig())
    net.fit_start(x)
    std = net.encoder.dct.std.flatten()
    assert torch.equal(std, std.sort(descending=True).values)
    assert torch.equal(std, net.decoder.dct.std.flatten())
    with pytest.raises(ValueError, match="public layout"):
        MsIllm(NARROW).fit_start(x)


@pytest.mark.slow
def test_a_photo_takes_no_longer_than_forty_matrix_products_each_way() -> None:
    """Ten when it was written; counted in products of 1024 x 1024, since machines differ."""
    net = compact().to(memory_format=torch.channels_last)
    x, matrix = to_tensor(make_photo(512, 768), 64), torch.ones(1024, 1024)
    with torch.inference_mode():
        y = net.analyse(x)
        payload, _ = net.write(y, 126)
        latent = net.read(payload, 126, (32, 48))[0].float()
        product = seconds(lambda: matrix @ matrix)
        encoding = seconds(lambda: net.write(net.analyse(x), 126))
        decoding = seconds(
            lambda: (net.read(payload, 126, (32, 48)), net.synthesise(latent, torch.tensor([3.5])))
        )
    assert encoding < 40 * product
    assert decoding < 40 * product


def seconds(work: Callable[[], object]) -> float:
    """The least processor time of three runs: what other programs do meanwhile does not count."""
    spent = []
    for _ in range(3):
        start = process_time()
        work()
        spent.append(process_time() - start)
    return min(spent)
