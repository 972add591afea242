"""CLC over a toy ELIC: where it starts, what it looks up, what it sends, what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mode_core.codecs.clc.config import MOST_BYTES
from mode_core.codecs.clc.dictionary import into_regions
from mode_core.codecs.clc.net import Clc, Twins
from mode_core.codecs.clc.sending import (
    RANK,
    BitsOfPlaces,
    exchange,
    opening,
    price,
    ranks_of,
    tables,
)
from mode_core.codecs.clc.training import ABLATIONS, WIDTHS, coded, config_of
from mode_core.codecs.elic.net import STEPS_BETWEEN, Elic
from mode_core.errors import BitstreamError
from mode_core.stream.entropy import SymbolReader, SymbolWriter
from mode_core.training.stage import TrainingError
from tests.made_up.toys import TOY_CLC, TOY_ELIC, lively_clc, toy_clc, toy_elic

QUALITY = 120


def lively(**changed: object) -> Clc:
    """A toy whose references matter."""
    return lively_clc(toy_elic(), replace(TOY_CLC, **changed))  # type: ignore[arg-type]


def grid_of(y: Tensor) -> tuple[int, int]:
    return y.shape[2], y.shape[3]


@pytest.fixture
def y(x: Tensor) -> Tensor:
    with torch.no_grad():
        return toy_elic().analyse(x).float()


@torch.inference_mode()
@pytest.mark.parametrize("changed", [{}, {"after": (1,)}, {"clm": False}, {"cls": False}])
def test_it_starts_as_its_elic(y: Tensor, changed: dict[str, object]) -> None:
    elic = toy_elic()
    net = toy_clc(elic, replace(TOY_CLC, **changed))  # type: ignore[arg-type]
    mine, theirs = net.write(y, QUALITY), elic.write(y, QUALITY)
    assert abs(len(mine[0]) - len(theirs[0])) <= 1
    read = net.read(mine[0], QUALITY, grid_of(y))
    assert read[1] == mine[1]
    assert torch.equal(read[0], elic.read(theirs[0], QUALITY, grid_of(y))[0])


@torch.inference_mode()
@pytest.mark.parametrize(
    "changed",
    [
        *({}, {"after": (0,)}, {"after": (1,)}, {"clm": False}, {"cls": False}),
        *({"refines": False}, {"empty": True, "sent": False}, {"references": 4}, {"told": True}),
    ],
)
def test_what_is_written_is_read_in_every_variant(y: Tensor, changed: dict[str, object]) -> None:
    net = lively(**changed)
    payload, check = net.write(y, QUALITY)
    latent, found = net.read(payload, QUALITY, grid_of(y))
    assert found == check
    alone, _ = toy_elic().read(toy_elic().write(y, QUALITY)[0], QUALITY, grid_of(y))
    assert not torch.equal(latent, alone)
    reckoned = net.sizes(y, lambda quality: net.worth_sending(y, quality))
    assert reckoned(QUALITY, QUALITY) == pytest.approx(len(payload), rel=0.03, abs=8)


@torch.inference_mode()
def test_entries_change_what_is_foretold(y: Tensor) -> None:
    net = lively()
    before = net.write(y, QUALITY)[0]
    net.perturb(0.5, seed=0)
    assert net.write(y, QUALITY)[0] != before
    empty = lively(empty=True, sent=False)
    before = empty.write(y, QUALITY)[0]
    empty.perturb(0.5, seed=0)
    assert empty.write(y, QUALITY)[0] == before


@torch.inference_mode()
def test_sent_entries_are_read_where_they_were_sent(y: Tensor) -> None:
    net = lively()
    sent = torch.tensor([[5, -1, 0, -1]])[:, : net.dictionary.most_alike(y).shape[1]]
    writer = SymbolWriter()
    latent = net._walk(writer, QUALITY, grid_of(y), y.double(), sent)
    found, check = net.read(writer.payload(), QUALITY, grid_of(y))
    assert check == writer.check
    assert torch.equal(found, latent)
    without = SymbolWriter()
    net._walk(without, QUALITY, grid_of(y), y.double())
    assert without.check != writer.check


def test_twins_stand_for_what_was_sent_in_training_alone(y: Tensor) -> None:
    net = lively(told=True)
    regions = into_regions(net.dictionary.projected(y))
    nowhere = torch.zeros(regions.shape[:2], dtype=torch.bool)
    quality, sent = torch.tensor([QUALITY / STEPS_BETWEEN]), torch.zeros_like(nowhere).long() - 1
    with torch.no_grad():
        plain, _ = net.quantise(y, quality)
        same, _ = net.quantise(y, quality, sent_BR=sent, twins=Twins(nowhere, regions))
        _, told = net.quantise(y, quality, sent_BR=sent + 1, twins=Twins(~nowhere, regions))
        _, other = net.quantise(y, quality, sent_BR=sent + 1, twins=Twins(~nowhere, -regions))
    assert torch.equal(same, plain)
    assert not torch.equal(told, other)


def test_a_training_with_twins_learns_how_far_to_trust_them(y: Tensor) -> None:
    net = lively_clc(toy_elic(), replace(TOY_CLC, told=True)).requires_grad_(True)
    cost, *_ = coded(net, y, torch.Generator().manual_seed(0))
    cost.mean().backward()
    for reference in net.references:
        grad = reference.matching.here.grad  # type: ignore[union-attr]
        assert bool(grad.abs().min() > 0)


@torch.inference_mode()
def test_only_what_pays_is_sent(y: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    start = toy_clc(toy_elic())
    assert start.worth_sending(y, QUALITY) is None, "what changes nothing saves nothing"
    alike = start.dictionary.most_alike(y)
    taken = torch.full(alike.shape, 1000.0)
    saves = torch.zeros_like(taken)
    saves[0, 0] = 60.0
    answers = iter((taken, taken - saves, taken, taken - saves / 60))
    monkeypatch.setattr(BitsOfPlaces, "of_regions", lambda _: next(answers))
    sent = start.worth_sending(y, QUALITY)
    assert sent is not None
    assert sent[0, 0] == alike[0, 0]
    assert (sent[0, 1:] == -1).all()
    assert start.worth_sending(y, QUALITY) is None


def test_gradients_reach_every_part_of_a_reference() -> None:
    """Rounding to the grid belongs to the exact path: in training it would stop them all."""
    net = lively_clc(toy_elic()).requires_grad_(True)
    y = 4 * torch.randn(1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    _, bits = net.quantise(y, torch.tensor([8.0]))
    bits.sum().backward()
    reference = net.references[1]
    left_out = [n for n, p in reference.named_parameters() if p.grad is None or not p.grad.any()]
    assert left_out == []
    assert net.references[0].out.weight.grad.any()


def test_a_likely_rank_is_cheap_and_none_costs_more_than_the_count() -> None:
    bits = price(torch.tensor([0, 10, 999]), 1000)
    assert bits.tolist() == sorted(bits.tolist())
    assert bits[0] < 9
    assert bits[2] < 15


def test_what_is_sent_costs_what_was_reckoned() -> None:
    """A few entries in many regions: what saying so takes in all others counts, too."""
    entries, regions = 1000, 600
    order = torch.stack([torch.randperm(entries) for _ in range(regions)])[None]
    sent = torch.full((1, regions), -1)
    sent[0, ::200] = torch.tensor([5, 700, 31])
    sizes = []
    for given in (None, sent):
        writer = SymbolWriter()
        exchange(writer, order, given)
        sizes.append(8 * len(writer.payload()))
    ranks = ranks_of(order, sent)
    reckoned = opening(regions, entries) + float(price(ranks, entries)[ranks >= 0].sum())
    assert sizes[1] - sizes[0] == pytest.approx(reckoned, abs=32)


def test_ranks_name_places_in_the_order() -> None:
    order = torch.tensor([[[3, 1, 0, 2], [0, 1, 2, 3]]])
    assert ranks_of(order, torch.tensor([[0, -1]])).tolist() == [[2, -1]]


@torch.inference_mode()
def test_a_rank_that_no_dictionary_has_is_refused(y: Tensor) -> None:
    """The coder's escape can name any integer."""
    net, order = lively(), torch.arange(12)[None, None]
    writer = SymbolWriter()
    for kind, value in ((0, 1.0), (1, 1.0), (RANK, 700.0)):
        index, value = torch.tensor([kind]), torch.tensor([value])
        writer.code(index, torch.zeros(1), value, tables(12))
    with pytest.raises(BitstreamError, match="no dictionary has"):
        exchange(SymbolReader(writer.payload(), 3), order, None)
    assert net.config.entries == 12


@torch.inference_mode()
def test_bits_of_places_are_those_of_the_file(y: Tensor) -> None:
    net = lively()
    places = BitsOfPlaces(grid_of(y))
    net._walk(places, QUALITY, grid_of(y), y)
    latent = float(places.of_regions().sum()) / 8
    whole = len(net.write(y, QUALITY)[0])
    hyper = len(net.elic.write(torch.zeros_like(y), QUALITY)[0])
    assert whole - 4 * hyper - 40 < latent < whole + 8


def test_widths_name_what_an_ablation_changes_and_every_dictionary_fits() -> None:
    for name in WIDTHS:
        for changed in ABLATIONS:
            config = config_of(f"{name}-{changed}")
            assert config != WIDTHS[name]
            entry = config.channels * 64 + config.axes * len(config.after)
            assert entry * config.entries <= MOST_BYTES
    with pytest.raises(TrainingError, match="choose from"):
        config_of("tiny-no-such")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"after": (2,)}, "after 0 and 1"),
        ({"after": ()}, "after 0 and 1"),
        ({"references": 5}, "1 to 4"),
        ({"entries": 10**9}, "no dictionary"),
        ({"entries": 2}, "no dictionary"),
        ({"entries": 10**5, "channels": 1, "axes": 1}, "no dictionary"),
        ({"channels": 10**6, "axes": -32 * 10**6}, "are 1 to"),
        ({"channels": 0, "axes": 0}, "are 1 to"),
        ({"wide": 10**6}, "are 1 to"),
    ],
)
def test_a_configuration_of_another_size_is_refused(changed: dict[str, object], words: str) -> None:
    """Before any memory is asked for: a set of weights may be anybody's."""
    with pytest.raises(ValueError, match=words):
        Clc(toy_elic(), replace(TOY_CLC, **changed))  # type: ignore[arg-type]


def test_an_elic_in_bytes_is_refused_before_it_is_trained_on() -> None:
    with pytest.raises(ValueError, match="8 bits has no place for references"):
        Clc(Elic(replace(TOY_ELIC, bits=8)), TOY_CLC)
