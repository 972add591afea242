"""HDC: what its path, vectors, predictions and pictures promise."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from mode_core.codecs.elic.net import STEPS_BETWEEN
from mode_core.codecs.hdc.blocks import WINDOW, VectorAttention, WindowAttention, cut, join
from mode_core.codecs.hdc.enhancer import doubled, halved
from mode_core.codecs.hdc.measured import accuracy
from mode_core.codecs.hdc.net import FINEST, Hdc, path
from mode_core.codecs.hdc.predictor import look, nothing_known
from mode_core.codecs.hdc.system import HdcSystem
from mode_core.codecs.hdc.training import ABLATIONS, config_of, hidden_tokens
from mode_core.codecs.hdc.vectors import STEPS, Extractor, VectorDiffusion
from mode_core.codecs.registry import load_codec
from mode_core.codecs.vq.net import SHARES, sending_order
from mode_core.errors import BitstreamError, WeightsUnavailable
from mode_core.stream.container import Bitstream
from mode_core.types import Image, Target
from mode_core.weights import sets as weights
from tests.conftest import make_photo
from tests.made_up.plain_metrics import to_unit
from tests.made_up.toys import TOY_HDC, enliven, toy_elic, toy_hdc, toy_vq

pytestmark = pytest.mark.usefixtures("one_thread")
PICTURE = to_unit(make_photo(128, 256))
AT = torch.tensor([1.3])


@pytest.fixture(scope="module")
def untrained() -> Hdc:
    return toy_hdc(toy_elic(), toy_vq())


@pytest.fixture(scope="module")
def lively() -> Hdc:
    """One whose every part has a say."""
    net = toy_hdc(toy_elic(), toy_vq())
    enliven(net)
    with torch.no_grad():
        net.merger.exchange.gamma.normal_(std=0.3)
        for diffusion in net.diffusions.values():
            diffusion.end.weight.normal_(std=0.2)  # type: ignore[operator, union-attr]
    return net


def test_each_quality_adds_a_share_of_tokens_or_a_step_of_the_latent() -> None:
    ladder = [path(quality) for quality in Hdc.qualities]
    for (shares, fineness), (more, finer) in pairwise(ladder):
        assert (more - shares) + (finer - fineness) == 1
        assert more >= shares
        assert finer >= fineness
    assert ladder[0][1] == 0
    assert ladder[-1] == (SHARES, FINEST)
    assert max(Hdc.qualities) < 256
    assert FINEST % STEPS_BETWEEN == 0


@torch.inference_mode()
def test_an_untrained_hdc_is_its_experts(untrained: Hdc) -> None:
    y, tokens = untrained.analyse(PICTURE)
    codes = untrained.vq.codebook.look_up(tokens)
    assert torch.allclose(untrained(y, tokens, AT), untrained.vq.synthesise(codes), atol=1e-5)
    enhanced = untrained.enhance(y, torch.randn(1, 2, 8), AT)
    plain = doubled(untrained.elic.synthesise(y, AT))
    assert torch.equal(enhanced.picture, plain)
    assert plain.shape == PICTURE.shape
    assert halved(PICTURE).shape[2:] == (64, 128)


@torch.inference_mode()
def test_every_part_has_a_say_in_the_picture(lively: Hdc) -> None:
    y, tokens = lively.analyse(PICTURE)
    hidden, _ = hidden_tokens(tokens, [8], lively.vq.config.codes, tokens.device)
    picture = lively(y, hidden, AT)
    assert picture.shape == PICTURE.shape
    for part in (
        "enhancer.out", "enhancer.rise.head.0", "predictor.out", "merger.correction.last",
        "merger.joins.0", "diffusions.enhancer.end", "diffusions.predictor.end",
    ):  # fmt: skip
        weight = lively.get_submodule(part).weight
        before = weight.clone()
        weight.zero_()
        assert not torch.equal(lively(y, hidden, AT), picture), part
        weight.copy_(before)
    assert torch.equal(lively(y, hidden, AT), picture)


def test_windows_come_back_where_they_were() -> None:
    x = torch.randn(2, 5, 2 * WINDOW, 3 * WINDOW)
    windows = cut(x)
    assert windows.shape == (12, WINDOW**2, 5)
    assert torch.equal(windows[1], x[0, :, :WINDOW, WINDOW : 2 * WINDOW].flatten(1).t())
    assert torch.equal(join(windows, *x.shape[2:]), x)


@torch.inference_mode()
def test_a_place_looks_at_its_own_neighbourhood_first_and_at_its_window_alone() -> None:
    attention = WindowAttention(8, 2)
    for layer in (attention.q, attention.kv):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    attention.kv.weight[8:, :, 0, 0] = torch.eye(8)
    attention.out.weight[:, :, 0, 0] = torch.eye(8)
    seen = torch.randn(1, 8, 2 * WINDOW, WINDOW)
    told = attention(torch.zeros(1, 8, 2 * WINDOW, WINDOW), seen)
    other = seen.clone()
    other[:, :, WINDOW:] = torch.randn(1, 8, WINDOW, WINDOW)
    changed = attention(torch.zeros(1, 8, 2 * WINDOW, WINDOW), other)
    assert torch.equal(told[:, :, :WINDOW], changed[:, :, :WINDOW])
    assert not torch.equal(told[:, :, WINDOW:], changed[:, :, WINDOW:])
    near = attention._bias()[0].softmax(1)
    assert torch.equal(near.argmax(1), torch.arange(WINDOW**2))


@torch.inference_mode()
def test_vectors_that_are_zero_change_nothing() -> None:
    attention, x = VectorAttention(8, 4, 2), torch.randn(1, 8, 4, 4)
    assert not attention(x, torch.zeros(1, 3, 4)).any()
    assert attention(x, torch.randn(1, 3, 4)).any()


@torch.inference_mode()
def test_diffusion_ends_where_its_network_says_from_any_noise() -> None:
    torch.manual_seed(1)
    diffusion = VectorDiffusion(TOY_HDC)
    assert diffusion(PICTURE).abs().max() < 1e-6
    torch.nn.init.normal_(diffusion.end.bias)
    wanted = diffusion.end.bias.view(1, 2, 8)
    led = diffusion.lead(PICTURE - 0.5)
    for noise in (diffusion.noise, torch.randn_like(diffusion.noise)):
        assert torch.allclose(diffusion.chain(noise, led), wanted, atol=1e-5)
    # hardly anything of the wanted vectors is left in what a chain is trained to start from
    assert diffusion.kept[-1] < 0.01
    assert len(diffusion.kept) == STEPS


def test_vectors_tell_pictures_apart_and_settle_when_they_have_learned() -> None:
    torch.manual_seed(1)
    extractor = Extractor(TOY_HDC, 1).train()
    pictures = [to_unit(make_photo(64, 64, seed)) * (0.3 + 0.1 * seed) - 0.5 for seed in range(8)]
    for turn in range(60):
        extractor(torch.cat([pictures[(turn + step) % 8] for step in (0, 3, 5)]))
    v = extractor.eval()(torch.cat(pictures)).flatten(1)
    assert v.mean().abs() < 0.3
    assert 0.5 < v.std(0).mean() < 1.5  # over pictures, number by number
    assert torch.equal(extractor(torch.cat(pictures)).flatten(1), v)
    # a frozen one in a stage that trains others follows nothing
    extractor.train().requires_grad_(False)
    extractor(torch.cat(pictures))
    assert torch.equal(extractor.eval()(torch.cat(pictures)).flatten(1), v)


@torch.inference_mode()
def test_noise_is_data_and_vectors_are_no_chance(lively: Hdc) -> None:
    diffusion = lively.diffusions["enhancer"]
    assert "diffusions.enhancer.noise" in lively.state_dict()
    torch.manual_seed(1)
    first = diffusion(PICTURE)
    torch.manual_seed(2)
    assert torch.equal(diffusion(PICTURE), first)
    assert torch.allclose(diffusion(PICTURE.flip(3)).norm(), first.norm(), rtol=0.5)
    assert VectorDiffusion(TOY_HDC).noise.equal(diffusion.noise)


@torch.inference_mode()
def test_sent_tokens_stay_and_others_are_means_that_move_little(lively: Hdc) -> None:
    vq, (y, tokens) = lively.vq, lively.analyse(PICTURE)
    hidden, known = hidden_tokens(tokens, [16], vq.config.codes, tokens.device)
    picture = lively.plain(y, AT)
    v = lively.made("predictor", picture)
    codes = lively.predictor(vq, hidden, look(vq, picture), v)
    there = known[:, None].expand_as(codes)
    assert torch.equal(codes[there], vq.codebook.look_up(tokens)[there])
    assert (codes.norm(dim=1)[~known] < 1).all()
    # what another machine may round otherwise moves a code by as little
    near = lively.predictor(vq, hidden, look(vq, picture + 1e-6 * torch.randn_like(picture)), v)
    assert 0 < (near - codes).abs().max() < 1e-3


@torch.inference_mode()
def test_a_prediction_knows_sent_tokens_the_picture_and_vectors(lively: Hdc) -> None:
    vq, (_, tokens) = lively.vq, lively.analyse(PICTURE)
    hidden, _ = hidden_tokens(tokens, [8], vq.config.codes, tokens.device)
    seen, v = look(vq, PICTURE), torch.randn(1, 2, 8)
    codes = lively.predictor(vq, hidden, seen, v)
    others = {
        "tokens": (nothing_known(vq, tuple(tokens.shape[1:])), seen, v),
        "picture": (hidden, look(vq, PICTURE.flip(3)), v),
        "vectors": (hidden, seen, torch.zeros_like(v)),
    }
    missing = (hidden == vq.config.codes)[:, None].expand_as(codes)
    for name, (known, sight, vectors) in others.items():
        other = lively.predictor(vq, known, sight, vectors)
        assert not torch.equal(other[missing], codes[missing]), name


@torch.inference_mode()
def test_accuracy_counts_masked_tokens_alone(lively: Hdc) -> None:
    vq, (_, tokens) = lively.vq, lively.analyse(PICTURE)
    net = toy_hdc(lively.elic, vq)
    net.predictor.prior_share.fill_(0)
    net.predictor.sight_share.fill_(1e4)
    # the original itself is seen: every guess is right, whatever was masked
    assert accuracy(net, tokens, look(vq, PICTURE), net.no_vectors(PICTURE)) == 1
    sent = torch.cat(sending_order(*tokens.shape[1:], SHARES // 4 - 1))
    wrong = (tokens + 1) % vq.config.codes
    wrong.view(-1)[sent] = tokens.view(-1)[sent]
    assert accuracy(net, wrong, look(vq, PICTURE), net.no_vectors(PICTURE)) == 0


def test_files_are_the_same_over_threads(lively: Hdc) -> None:
    system, written, read = HdcSystem(lively), [], []
    with torch.inference_mode():
        analysed = system.analyse(PICTURE)
        for threads in (1, 2):
            torch.set_num_threads(threads)
            analysed.sent.clear()
            written.append(system.write(analysed, 70))
        for threads in (1, 2):
            torch.set_num_threads(threads)
            read.append(system.read(written[0], 70, PICTURE.shape[2:]))
    assert written[0] == written[1]
    assert all(torch.equal(a, b) for a, b in zip(*read, strict=True))


def test_without_weights_it_says_how_to_get_them(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "BUNDLED", tmp_path / "none")
    with pytest.raises(WeightsUnavailable, match="mode_core train hdc"):
        load_codec("hdc")


def test_a_lost_stream_leaves_a_picture_and_two_do_not(toy_weights: object) -> None:
    codec, vq, photo = load_codec("hdc"), load_codec("vq"), make_photo(70, 90)
    whole = codec.encode(photo, Target(quality=80))
    without_latent = Bitstream.from_bytes(whole.without(1).to_bytes())
    without_tokens = Bitstream.from_bytes(whole.without(0).to_bytes())
    shares = path(80)[0]
    assert vq.encode(make_photo(128, 128), Target(quality=shares - 1)).streams[0].payload
    pictures: list[Image] = [codec.decode(one) for one in (whole, without_latent, without_tokens)]
    assert {one.shape for one in pictures} == {photo.shape}
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])
    with pytest.raises(BitstreamError, match="no stream"):
        codec.decode(without_latent.without(0))


def test_tokens_alone_are_drawn_by_their_expert(toy_weights: object) -> None:
    codec, vq, photo = load_codec("hdc"), load_codec("vq"), make_photo(128, 256)
    whole = codec.encode(photo, Target(quality=max(Hdc.qualities)))
    alone = vq.encode(photo, Target(quality=SHARES - 1))
    assert whole.streams[0] == alone.streams[0]
    assert np.array_equal(codec.decode(whole.without(1)), vq.decode(alone))


def test_the_size_asked_for_is_the_size_made(toy_weights: object) -> None:
    codec, photo = load_codec("hdc"), make_photo(384, 512)
    low, high = (codec.encode(photo, Target(quality=end)).bpp for end in (0, max(Hdc.qualities)))
    for share in (0.15, 0.5, 0.85):
        wanted = low * (high / low) ** share
        assert codec.encode(photo, Target(bpp=wanted)).bpp == pytest.approx(wanted, rel=0.03)
    assert codec.encode(photo, Target(bpp=low / 3)).bpp == low


@pytest.mark.parametrize("name", ABLATIONS)
@torch.inference_mode()
def test_what_an_ablation_leaves_out_is_not_there(name: str) -> None:
    assert config_of(f"tiny-{name}") != config_of("tiny")
    config = replace(TOY_HDC, **ABLATIONS[name])
    net = toy_hdc(toy_elic(), toy_vq(), config)
    enliven(net)
    y, tokens = net.analyse(PICTURE)
    assert net(y, tokens, AT).shape == PICTURE.shape
    there = {n.split(".")[1] for n, _ in net.named_parameters() if n.startswith("extractors.")}
    wanted = {"enhancer": config.enhancer_vectors, "predictor": config.predictor_vectors}
    assert there == {which for which, kept in wanted.items() if kept}
    assert any(n.startswith("merger.correction.") for n in net.state_dict()) == config.correction
