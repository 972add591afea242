"""An 8-bit ELIC: the same integers on every path, its files, and its start from a float one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mode_core.codecs.elic import coding
from mode_core.codecs.elic import training as stages_elic
from mode_core.codecs.elic.narrow import foretold, narrowed
from mode_core.codecs.elic.net import STEPS_BETWEEN, Elic, ElicConfig
from mode_core.codecs.networks import load_net
from mode_core.codecs.registry import load_codec
from mode_core.codecs.roundtrip import load_decoder
from mode_core.errors import BitstreamError, ModeError, WeightsUnavailable
from mode_core.layers import eight
from mode_core.layers.exact import VALUE_STEP
from mode_core.layers.hyper import INDEX_START, INDEX_UNIT
from mode_core.stream.entropy import SymbolWriter
from mode_core.training.audit import META, _audited
from mode_core.training.stage import Setup, TrainingError
from mode_core.training.trainer import Trainer
from mode_core.types import Image, Target
from mode_core.weights import sets as weights
from mode_core.weights.sets import set_in
from tests.made_up.toys import TOY_ELIC, enliven, save_toy, toy_elic

TOY_EIGHT = replace(TOY_ELIC, bits=8)
GRID, QUALITY = (12, 8), 150


def toy_eight(seed: int = 0) -> Elic:
    """An untrained 8-bit ELIC with some life in its last layers."""
    torch.manual_seed(seed)
    net = Elic(TOY_EIGHT)
    enliven(net)
    with torch.no_grad():
        for context in net.contexts:
            context.out.weight.mul_(4)
    net.freeze()
    return net.eval().requires_grad_(False)


def latent(grid: tuple[int, int] = GRID) -> Tensor:
    return 2 * torch.randn(1, 16, *grid, generator=torch.Generator().manual_seed(5))


class Spy:
    """A coder that gives integers of its own, and keeps what it was asked with."""

    def __init__(self) -> None:
        self.asked: list[tuple[Tensor, Tensor]] = []

    def code(self, index: Tensor, mean: Tensor, values: Tensor | None) -> Tensor:
        self.asked.append((index.clone(), mean.clone()))
        generator = torch.Generator().manual_seed(len(self.asked))
        return torch.randint(-4, 5, index.shape, generator=generator).float()


def plainly(net: Elic, spy: Spy, at: float, grid: tuple[int, int]) -> list[Tensor]:
    """The walk as the layers define it, on whole float maps; gives the groups."""
    side = net.hyper.up(eight.through(net.hyper.decoded(spy, at, grid, None)))
    tables = net.gains.exact(at, torch.float32)
    first, done = coding.first_half(side), []
    for context, *parts in zip(
        net.contexts, *(t.split(TOY_EIGHT.groups, 1) for t in tables), strict=True
    ):
        gain, inverse, offset = parts
        seen = [side] if context.channel is None else [side, context.channel(torch.cat(done, 1))]
        group = side.new_zeros(1, gain.shape[1], *grid)
        for half in (first, ~first):
            spatial = context.spatial(group) * ~first
            mean, raw = context.out(context.mix(torch.cat([*seen, spatial], 1))).chunk(2, 1)
            shift = (mean * (gain / VALUE_STEP)).round() * VALUE_STEP
            index = raw * INDEX_UNIT + (offset + INDEX_START)
            rows = [t[0, :, half].t() for t in (index, shift)]
            symbols = spy.code(rows[0], rows[1], None)
            group[0, :, half] = ((symbols + rows[1]) * inverse[0, :, 0, 0]).t()
        done.append(group)
    return done


@pytest.mark.parametrize("grid", [(4, 4), (12, 8), (4, 16)])
def test_rows_of_bytes_are_the_layers_on_float_maps(grid: tuple[int, int]) -> None:
    net, plain, rows = toy_eight(), Spy(), Spy()
    expected = torch.cat(plainly(net, plain, 5.3, grid), 1)
    found = coding.Coding(net).walk(rows, 5.3, grid, None, False)  # type: ignore[arg-type]
    assert len(rows.asked) == len(plain.asked) == 1 + 2 * len(TOY_EIGHT.groups)
    for ours, theirs in zip(rows.asked, plain.asked, strict=True):
        assert all(map(torch.equal, ours, theirs))
    halves = coding.board_of(*grid, torch.device("cpu")).halves
    for ours, half in zip(found, halves, strict=True):
        assert torch.equal(ours, expected[0].flatten(1).t()[half])


def test_streams_are_the_same_whatever_computes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    y = latent()

    def made() -> tuple[bytes, int, bytes]:
        net = toy_eight()
        payload, check = net.write(y, QUALITY)
        decoded, read = net.read(payload, QUALITY, GRID)
        assert read == check
        return payload, check, decoded.numpy().tobytes()

    expected = made()
    ways = [(False, True, 1), (False, False, 1), (False, True, 2)]
    ways += [(True, True, 1), (True, True, 2)] if eight.bytes_are_exact() else []
    before = torch.get_num_threads()
    for by_bytes, single, threads in ways:
        monkeypatch.setattr(eight, "bytes_pay", lambda value=by_bytes: value)
        monkeypatch.setattr(eight, "float32_is_exact", lambda _, value=single: value)
        torch.set_num_threads(threads)
        try:
            assert made() == expected
        finally:
            torch.set_num_threads(before)


def test_what_is_read_is_what_was_written_and_near_the_latent() -> None:
    net, y, trained = toy_eight(), latent(), 5 * STEPS_BETWEEN
    payload, check = net.write(y, trained)
    decoded, read = net.read(payload, trained, GRID)
    assert (read, decoded.dtype) == (check, torch.float32)
    off = (decoded - y).abs() * net.gains.exact(5, torch.float32)[0]
    assert off.max() < 1.51  # 0.5, and 1 more where 0 is all but sure
    assert (off < 0.51).float().mean() > 0.99
    assert abs(net.sizes(y)(trained, trained) / len(payload) - 1) < 0.03


def test_a_latent_is_left_as_it_is_in_any_layout() -> None:
    net, y = toy_eight(), latent()
    laid = y.to(memory_format=torch.channels_last)
    assert net.write(laid, QUALITY) == net.write(y, QUALITY)
    assert torch.equal(laid, latent())


def certain() -> Elic:
    """A network that takes 0 for all but sure everywhere in the latent."""
    net = toy_eight()
    with torch.no_grad():
        for context in net.contexts:
            context.out.bias[len(context.out.bias) // 2 :] = -20
    return net


def test_what_is_all_but_surely_zero_is_not_coded(monkeypatch: pytest.MonkeyPatch) -> None:
    net, put = certain(), []
    real = SymbolWriter.put

    def counted(self: SymbolWriter, symbols: Any, index: Any, tables: Any) -> None:
        put.append(len(symbols))
        real(self, symbols, index, tables)

    monkeypatch.setattr(SymbolWriter, "put", counted)
    payload, _ = net.write(torch.zeros(1, 16, *GRID), 0)
    assert sum(put) == net.hyper.symbols(GRID) + 1
    assert net.read(payload, 0, GRID)[0].shape == (1, 16, *GRID)


def test_what_nobody_could_expect_is_coded_all_the_same() -> None:
    net, y = certain(), torch.zeros(1, 16, *GRID)
    gain = net.gains.exact(0, torch.float32)[0]
    y[0, 3, 5, 5] = 40 / gain[0, 3, 0, 0]
    payload, check = net.write(y, 0)
    decoded, read = net.read(payload, 0, GRID)
    assert read == check
    assert abs(float((decoded - y)[0, 3, 5, 5] * gain[0, 3, 0, 0])) < 1
    assert len(payload) > len(net.write(0 * y, 0)[0])


def test_damaged_streams_are_refused() -> None:
    net = toy_eight()
    payload, check = net.write(latent(), QUALITY)
    random = np.random.default_rng(0)
    for _ in range(20):
        damaged = bytearray(payload)
        for place in random.integers(len(damaged), size=3):
            damaged[place] ^= int(random.integers(1, 256))
        with suppress(ModeError):
            assert net.read(bytes(damaged), QUALITY, GRID)[1] != check
    with pytest.raises(BitstreamError, match="too short"):
        net.read(payload[:3], QUALITY, (256, 256))


def test_new_weights_are_noticed() -> None:
    net, y = toy_eight(), latent()
    before = net.write(y, QUALITY)[0]
    with torch.no_grad():
        net.contexts[0].mix.weight.add_(0.2)
    assert net.write(y, QUALITY)[0] != before


def test_an_arithmetic_that_is_not_known_is_refused_in_words(tmp_path: Path) -> None:
    save_toy(toy_eight(), "elic", tmp_path)
    found = set_in(tmp_path / "elic-tiny")
    assert found is not None
    assert load_net(found).config.bits == 8
    config = found.facts["config"].replace('"bits": 8', '"bits": 9')
    with pytest.raises(WeightsUnavailable, match="its configuration is another"):
        load_net(replace(found, facts={**found.facts, "config": config}))


def test_files_of_either_arithmetic_are_read_where_both_sets_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: Image
) -> None:
    save_toy(toy_elic(), "elic", tmp_path)
    save_toy(toy_eight(), "elic", tmp_path / "other", width="tiny-eight")
    (tmp_path / "other" / "elic-tiny").rename(tmp_path / "elic-tiny-eight")
    monkeypatch.setattr(weights, "BUNDLED", tmp_path)
    for profile in ("", "tiny-eight"):
        codec = load_codec("elic", profile)
        made = codec.encode(photo, Target(bpp=1.0))
        assert abs(made.bpp - 1) < 0.1
        drawn = load_decoder(made).decode(made)
        assert np.array_equal(drawn, codec.decode(made))
        assert load_decoder(made).profile == (profile or "tiny")


def test_lost_channels_follow_from_those_that_stay() -> None:
    kept = torch.randn(500, 4, dtype=torch.float64)
    lost = kept @ torch.tensor([[1.0], [2.0], [0.0], [-1.0]]).double() + 3
    told, shift = foretold(kept, lost)
    assert torch.allclose(kept @ told + shift, lost, atol=1e-2)


def bits_of(net: Elic, y: Tensor) -> float:
    return float(sum(len(net.write(y, quality)[0]) for quality in (84, 168, 252)))


@torch.no_grad()
def test_a_narrowed_network_starts_where_the_other_stood() -> None:
    old, batches = toy_elic(), [latent((16, 16)) for _ in range(4)]
    before = bits_of(old, latent())
    alike = narrowed(old, TOY_EIGHT, batches)
    assert abs(bits_of(alike, latent()) / before - 1) < 0.03
    config = replace(TOY_EIGHT, hyper=12, side=12, context=8, parameters=4)
    less = narrowed(toy_elic(), config, batches)
    assert less.hyper.finish.weight.shape == (48, 12, 1, 1)
    assert abs(bits_of(less, latent()) / before - 1) < 0.1
    x = torch.rand(1, 3, 64, 64)
    assert torch.equal(less.analyse(x), toy_elic().analyse(x))


def test_training_starts_from_a_float_one_and_moves_its_probabilities_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stages_elic.WIDTHS, "tiny-eight", replace(TOY_EIGHT, parameters=8))
    save_toy(toy_elic(), "elic", tmp_path)
    setup = Setup("tiny-eight", None, {"elic": tmp_path / "elic-tiny"})
    rig, x = stages_elic.ELIC.assemble(setup), torch.rand(8, 3, 64, 64)
    stages_elic.ELIC.prepare(rig, lambda: x)
    latents = rig.net.analyse(x)
    assert torch.equal(latents, rig.partner("before").analyse(x))
    trainer = Trainer(stages_elic.ELIC, rig, seed=0)
    before = {name: value.clone() for name, value in rig.net.state_dict().items()}
    trainer.step(x, 0.5)
    moved = {n for n, v in rig.net.state_dict().items() if not torch.equal(v, before[n])}
    assert {name.split(".")[0] for name in moved} == {"hyper", "contexts"}
    assert "contexts.2.spatial.weight" in moved
    assert torch.equal(rig.net.analyse(x), latents)
    with trainer.averaged() as averaged:
        averaged.net.freeze()
        figures = stages_elic.ELIC.validate(averaged, x[:1])[1]
    assert figures["bpp_q9"] > figures["bpp_q0"] > 0


def test_training_in_8_bits_needs_a_start_of_its_width(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stages_elic.WIDTHS, "tiny-eight", TOY_EIGHT)
    save_toy(toy_eight(), "elic", tmp_path)
    with pytest.raises(TrainingError, match="a run of width tiny"):
        stages_elic.ELIC.assemble(Setup("tiny-eight", None, {"elic": tmp_path / "elic-tiny"}))
    assert isinstance(stages_elic.WIDTHS["compact-eight"], ElicConfig)


def test_on_a_gpu_nothing_but_integers_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Followed on the meta device, which has shapes and no numbers."""
    monkeypatch.setattr(eight, "float32_is_exact", lambda _: True)
    net, asked = toy_eight(), []
    coding.board_of.cache_clear()

    class Faraway:
        def code(self, index: Tensor, mean: Tensor, values: Tensor | None) -> Tensor:
            asked.append({t.device for t in (index, mean, values) if t is not None})
            return torch.zeros_like(index)

    matrices = coding.Coding(net)
    net.to(META)
    with _audited() as cost:
        y = torch.zeros(1, 16, *GRID, device=META)
        rows = matrices.walk(Faraway(), 5.3, GRID, y, False)  # type: ignore[arg-type]
    coding.board_of.cache_clear()
    assert {part.device for part in rows} == {META}
    assert asked == [{META}] * (1 + 2 * len(TOY_EIGHT.groups))
    assert not any("mask" in wait for wait in cost.waits)
