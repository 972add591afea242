"""DLF's files and training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mode_core.codecs.dlf import training as stages_dlf
from mode_core.codecs.dlf.net import Dlf, feature_loss
from mode_core.codecs.vq.net import Vq, VqConfig
from mode_core.codecs.vq.tokens import pack, unpack
from mode_core.errors import BitstreamError
from tests.made_up.dlf_nets import HIGHEST, TOY, Listing, photo, randomise, toy_dlf  # noqa: F401

pytestmark = pytest.mark.usefixtures("one_thread")

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


# ── training ───────────────────────────────────────────────────────────────────────────────────


def test_gradients_reach_every_trainable_parameter() -> None:
    net = Dlf(replace(TOY, window_blocks=2)).train()
    for half in (net.hybrid_codec.encoder, net.hybrid_codec.decoder):
        for exchange in half.inter_blocks.values():
            torch.nn.init.normal_(exchange.zero_add.weight, std=0.1)
    x = photo().repeat(3, 1, 1, 1)
    picture, prediction = net.training_step(x, torch.tensor([-1.0, 0.5, 1.5]))
    rate = prediction.bits.mean() / x[0, 0].numel()
    ((picture - x).square().mean() + 0.01 * rate + 0.25 * prediction.commitment).backward()
    missing = [
        name
        for name, parameter in net.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
    ]
    assert missing == []


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


def test_one_that_has_learnt_does_not_unlearn_its_codes() -> None:
    at = stages_dlf.SCHOOLING
    assert at > stages_dlf.UNQUANTISED
    assert at >= stages_dlf.FEATURES_ALONE
    assert stages_dlf.discount(at) == 1
    assert stages_dlf.DLF.schooling == at
