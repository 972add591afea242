"""The stages around the networks: losses, critics, what is asked of tokens, the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import nn

from mode_core.cli.train import STAGE_NAMES, add_commands
from mode_core.codecs.dlf.training import (
    FEATURES_ALONE,
    NEARNESS,
    SCHOOLING,
    discount,
    keep_codes,
    nearness,
)
from mode_core.codecs.dlf.transforms import TokenBook
from mode_core.codecs.elic.net import STEPS_BETWEEN, TRAINED, lagrange
from mode_core.codecs.elic.training import spread_qualities, weights
from mode_core.codecs.mode.system import ModeSystem
from mode_core.codecs.mode.training import sent_beside
from mode_core.codecs.stages import STAGES
from mode_core.codecs.vq.net import SHARES, sending_order
from mode_core.codecs.vq.training import known_places
from mode_core.errors import ModeError
from mode_core.training.checkpoint import facts_of, save_weights, stored
from mode_core.training.critics import (
    LabelCritic,
    PatchCritic,
    PixelCritic,
    hinge,
    listen,
    passed_on,
    pulled,
    ramp,
)
from mode_core.training.losses import Lpips, haar_details, off_grid, texture_distance
from mode_core.training.stage import Setup
from tests.made_up.toys import toy_elic, toy_mode, toy_vq


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    return parser.parse_args(["train", *words])


def test_the_command_line_knows_every_stage() -> None:
    assert set(STAGE_NAMES) == set(STAGES)


def test_a_stage_that_builds_on_another_says_so(tmp_path: Path) -> None:
    words = ("--photos", str(tmp_path), "--minutes", "1", "--out", str(tmp_path / "out"))
    for stage, sentence in (("prior", "builds on vq"), ("dlf-gan", "builds on dlf")):
        args = parsed(stage, *words)
        with pytest.raises(ModeError, match=sentence):
            args.run(args)
    assert not (tmp_path / "out").exists()


def test_every_batch_covers_all_rates() -> None:
    quality_B = spread_qualities(8, torch.Generator().manual_seed(0), trained=8)
    assert 0 <= quality_B.min() < 0.9
    assert 6.1 < quality_B.max() <= 7
    assert quality_B.sort().values.diff().max() < 2
    low, high = torch.tensor(0.0), torch.tensor(6.0)
    assert lagrange(high) / lagrange(low) == pytest.approx(64)
    assert weights(low) / weights(high) == pytest.approx(8)


def test_tokens_are_asked_for_as_they_are_coded() -> None:
    known, asked = known_places((64, 6, 10), torch.Generator().manual_seed(0))
    assert not (known & asked).any()
    assert asked.flatten(1).any(1).all()
    sizes = known.flatten(1).sum(1)
    assert {0, 15, 30, 45} <= set(sizes.tolist())
    assert SHARES > len(set(sizes.tolist())) > 4


def test_lpips_has_finite_gradients_on_black() -> None:
    torch.manual_seed(0)
    net = Lpips()
    nn.init.ones_(net.heads[0])
    black = torch.zeros(1, 3, 64, 64, requires_grad=True)
    net(black, net.reference(torch.rand(1, 3, 64, 64))).sum().backward()
    assert black.grad is not None
    assert black.grad.isfinite().all()
    assert not net(black, net.reference(black)).any()


def test_no_pixel_of_a_block_is_always_where_lpips_looks() -> None:
    rows = torch.arange(64.0)[:, None].expand(64, 64)[None, None]
    generator = torch.Generator().manual_seed(0)
    starts = set()
    for _ in range(200):
        one, same = off_grid(generator, rows, rows)
        assert torch.equal(one, same)
        starts.add(int(one[0, 0, 0, 0]))
    assert starts == set(range(16))


def test_detail_is_cheap_at_first_and_costs_all_by_the_middle() -> None:
    prices = [discount(progress / 10) for progress in range(11)]
    assert prices[0] < 0.05
    assert prices[5:] == [1.0] * 6
    assert sorted(prices) == prices


def test_closeness_to_codes_gives_way_to_pictures() -> None:
    weights = [nearness(progress / 20) for progress in range(21)]
    assert weights[: round(20 * FEATURES_ALONE) + 1] == [1.0] * 9
    assert sorted(weights, reverse=True) == weights
    assert nearness(SCHOOLING) == weights[-1] == NEARNESS


def test_codes_are_vectors_of_photographs_until_they_are_used() -> None:
    book = TokenBook(6, 4)
    z = nn.functional.normalize(torch.randn(1, 4, 2, 50), dim=1)
    keep_codes(book, z, 0.0, torch.Generator().manual_seed(0))
    assert (book.vectors @ z[0].flatten(1)).max(1).values.min() > 0.999
    before = book.vectors.clone()
    keep_codes(book, -z, 0.99, torch.Generator().manual_seed(0))
    assert torch.equal(book.vectors, before)


def test_texture_energy_sees_blur_but_hardly_a_shift() -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 3, 64, 64)
    blurred = nn.functional.avg_pool2d(x, 3, 1, 1)
    shifted = x.roll(1, 3)
    assert texture_distance(blurred, x) > 3 * texture_distance(shifted, x)
    assert float(texture_distance(x, x)) == 0
    assert all(d.shape == (1, 3, 64, 64) for d in haar_details(x[:, :1], 3))


def test_a_critic_hears_nothing_from_the_generator_and_the_reverse() -> None:
    torch.manual_seed(0)
    generator, critic = nn.Conv2d(3, 3, 1), PatchCritic(16)
    x = torch.rand(2, 3, 32, 32)
    x_hat = generator(x)
    leaf = x_hat.detach().requires_grad_()
    quiet, _ = listen(critic, x_hat, x, leaf, (leaf - x).abs().mean(), share=0.0)
    (alone,) = torch.autograd.grad((x_hat - x).abs().mean(), generator.weight, retain_graph=True)
    (heard,) = torch.autograd.grad(quiet, generator.weight, retain_graph=True)
    assert torch.allclose(alone, heard, atol=1e-6)
    quiet.backward()
    assert all(parameter.grad is not None for parameter in critic.parameters())


def test_a_critic_of_pixels_judges_each_and_tells_real_from_made() -> None:
    torch.manual_seed(0)
    critic = PixelCritic(8)
    real, made = torch.rand(2, 1, 3, 32, 48)
    assert critic(real).shape == (1, 1, 32, 48)
    other = real.clone()
    other[..., :8, :8] = 0
    change = (critic(other) - critic(real)).abs()[0, 0]
    assert change[:8, :8].mean() > 10 * change[24:, 40:].mean()
    optimiser = torch.optim.Adam(critic.parameters(), 0.01)
    for _ in range(30):
        judged, stats = hinge(critic(real), critic(made))
        optimiser.zero_grad()
        judged.backward()
        optimiser.step()
    assert judged < 0.5
    assert stats["real"] > 0 > stats["fake"]


def test_the_extra_pull_has_the_share_asked_for() -> None:
    x_hat = torch.rand(4, requires_grad=True)
    leaf = x_hat.detach().requires_grad_()
    main, extra = 3 * leaf[0], 100 * leaf[1]
    total = pulled(x_hat, leaf, main, extra, share=0.5)
    total.backward()
    assert torch.allclose(x_hat.grad, torch.tensor([3.0, 1.5, 0, 0]))
    assert float(total.detach()) == pytest.approx(float(main.detach()))
    again = torch.rand(4, requires_grad=True)
    leaf = again.detach().requires_grad_()
    passed_on(again, leaf, (leaf**2).sum()).backward()
    assert torch.allclose(again.grad, 2 * leaf.detach())
    assert [ramp(p, 0.2, 0.4) for p in (0.1, 0.3, 0.9)] == pytest.approx([0, 0.5, 1])


def test_the_label_critic_answers_on_the_token_grid() -> None:
    critic = LabelCritic(words=7, context=5)
    assert critic(torch.rand(1, 3, 128, 64), torch.rand(1, 5, 8, 4)).shape == (1, 8, 8, 4)


def test_mode_trains_on_what_its_files_hold() -> None:
    net = toy_mode(toy_elic(), toy_vq())
    system, vq, last = ModeSystem(net), net.vq, TRAINED - 1
    tokens = torch.randint(vq.config.codes, (3, 8, 8), generator=torch.Generator().manual_seed(1))
    quality_B = torch.tensor([0.0, last / 2, last])
    codes = sent_beside(vq, tokens, quality_B, torch.Generator().manual_seed(0))
    sent = (codes == vq.codebook.look_up(tokens)).all(1).flatten(1).sum(1).tolist()
    assert 0 < sent[0] <= 32
    assert sent[1:] == [48, 64]
    for quality, count in zip(quality_B[1:].tolist(), sent[1:], strict=True):
        ladder = [system.split(step) for step in system.qualities]
        share = next(s for s, fineness in ladder if fineness >= quality * STEPS_BETWEEN)
        assert len(torch.cat(sending_order(8, 8, share))) == count


def bytes_of(tensors: Mapping[str, torch.Tensor]) -> set[bytes]:
    """The numbers of all kernels, which tell whose they are; those of one number tell nothing."""
    kernels = [one.float() for one in tensors.values() if one.ndim == 4]
    return {one.numpy().tobytes() for one in kernels if one.min() < one.max()}


def test_at_every_width_a_family_stands_on_its_own_experts(tmp_path: Path) -> None:
    for width in ("tiny", "compact"):
        starts, experts = {}, set[bytes]()
        for codec in ("elic", "vq"):
            net = STAGES[codec].assemble(Setup(width)).net
            starts[codec] = tmp_path / f"{codec}-{width}"
            starts[codec].mkdir()
            facts = {"codec": codec, "width": width, "stage": codec, **facts_of(net)}
            save_weights(starts[codec], stored(net), facts)
            experts |= bytes_of(stored(net))
        for name in ("ms-illm", "ms-illm-gan", "mode", "dlf", "hdc", "clc"):
            rig = STAGES[name].assemble(Setup(width, None, starts))
            assert bytes_of(rig.state_dict()) & experts, (width, name)
            if name == "ms-illm":
                STAGES[name].prepare(rig, lambda: torch.rand(1, 3, 64, 64))


def test_mode_of_another_width_than_its_experts_is_refused_in_a_sentence() -> None:
    with pytest.raises(ModeError, match="train all three at the same --width"):
        STAGES["mode"].assemble(Setup("compact"))
