"""Matching, alignment and synthesis: exact where files depend on them, and near what they mean."""

from __future__ import annotations

import hashlib

import pytest
import torch
import torch.nn.functional as F

from mode_core.codecs import networks
from mode_core.codecs.clc.dictionary import into_regions
from mode_core.codecs.clc.reference import (
    SHARE_STEP,
    Alignment,
    Matching,
    Reference,
    Synthesis,
    gate,
    halved,
    sampled,
    shares,
    told_map,
)
from mode_core.layers.exact import VALUE_STEP, on_grid
from mode_core.stream.entropy import SymbolWriter
from mode_core.weights import sets as weights
from tests.conftest import ROOT
from tests.made_up.machines import found_everywhere


def test_exact_shares_are_a_softmax_on_a_grid() -> None:
    logits = torch.randn(3, 5, 192) * 4
    exactly = shares(logits.double())
    assert torch.equal(exactly, (exactly / SHARE_STEP).round() * SHARE_STEP)
    assert (exactly - logits.softmax(-1)).abs().max() < 0.01
    assert (gate(logits.double()) - logits.sigmoid()).abs().max() < 0.01
    order = torch.randperm(192)
    assert torch.equal(shares(logits.double()[..., order]), exactly[..., order])


def test_far_apart_logits_leave_nothing_to_the_smaller() -> None:
    assert shares(torch.tensor([400.0, 0.0, -400.0], dtype=torch.float64)).tolist() == [1, 0, 0]


def test_sampling_is_bilinear_and_held_at_the_edges() -> None:
    x = torch.randn(2, 3, 6, 9)
    row, column = torch.rand(2, 6, 9) * 9 - 2, torch.rand(2, 6, 9) * 12 - 2
    places = torch.stack([column / 8 * 2 - 1, row / 5 * 2 - 1], -1)
    wanted = F.grid_sample(x, places, padding_mode="border", align_corners=True)
    assert (sampled(x, row, column) - wanted).abs().max() < 1e-4


def test_places_get_gradients() -> None:
    x = torch.arange(8.0).expand(1, 1, 8, 8)
    column = torch.full((1, 1, 1), 2.25, requires_grad=True)
    sampled(x, torch.ones(1, 1, 1), column).sum().backward()
    assert float(column.grad) == pytest.approx(1)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 7), (6, 2)])
def test_half_the_size_is_made_of_means(size: tuple[int, int]) -> None:
    x = on_grid(torch.randn(1, 2, *size, dtype=torch.float64))
    found = halved(x)
    high, wide = (min(2, side) for side in size)
    assert (found - F.avg_pool2d(x, (high, wide))).abs().max() <= VALUE_STEP


def test_alignment_starts_by_changing_nothing() -> None:
    known, matched = torch.randn(1, 4, 8, 12), on_grid(torch.randn(1, 3, 8, 12))
    assert torch.equal(Alignment(4, 3, 8)(known, matched), matched)


def test_matching_finds_what_is_alike() -> None:
    """With keys that are the features themselves, each place takes its own twin."""
    net = Matching(3, 3, 3)
    for layer in (net.query, net.key):
        layer.weight.data = torch.eye(3)[..., None, None]
    net.sharpness.data.fill_(30.0)
    x = F.normalize(torch.randn(1, 3, 8, 8), dim=1)
    turned = x.flip(2, 3)
    entries = torch.stack([torch.zeros_like(x[0]), turned[0]])[None, None]
    assert (net(x, entries) - x).abs().mean() < 0.1


def test_what_was_sent_is_taken_place_by_place() -> None:
    """Where nothing is alike: two thirds from the same place of the entry that was sent."""
    net = Matching(3, 2, 4, told=True)
    for layer in (net.query, net.key):
        layer.weight.data.zero_()
        layer.bias.data.zero_()
    known, entries = torch.randn(1, 3, 8, 16), torch.randn(1, 2, 3, 2, 8, 8)
    entries -= entries.mean((2, 4, 5), keepdim=True)
    taken = into_regions(net(known, entries, torch.tensor([[5, -1]])))[0]
    assert torch.allclose(taken[0], entries[0, 0, 0] * (402.4 / 594.4), atol=0.01)
    assert taken[1].abs().max() < 0.01
    told = told_map(known, torch.tensor([[5, -1]]))[0, 0]
    assert bool((told[:, :8] == 1).all() and (told[:, 8:] == 0).all())


def test_the_mixture_lies_between_what_it_mixes() -> None:
    net = Synthesis(4, 3)
    known, aligned = torch.randn(1, 4, 5, 6), torch.randn(1, 3, 5, 6)
    foretold, mixed = net.foretold(known), net(known, aligned)
    low, high = torch.minimum(foretold, aligned), torch.maximum(foretold, aligned)
    assert bool(((mixed >= low - VALUE_STEP) & (mixed <= high + VALUE_STEP)).all())


@pytest.mark.parametrize("clm", [True, False])
@pytest.mark.parametrize("cls", [True, False])
@pytest.mark.parametrize("told", [True, False])
def test_exact_and_float_paths_are_the_same_network(clm: bool, cls: bool, told: bool) -> None:
    torch.manual_seed(0)
    net = Reference(6, 5, 3, (8, 12), clm, cls, told)
    known, sent = on_grid(torch.randn(1, 6, 12, 12)), torch.tensor([[2, -1, -1, 0]])
    entries = on_grid(torch.randn(1, 4, 2, 3, 8, 8))
    assert not net(known, entries, sent).any()
    torch.nn.init.normal_(net.out.weight, std=0.1)
    exactly = net(known.double(), entries.double(), sent)
    assert (net(known, entries, sent) - exactly).abs().max() < 0.05
    assert torch.equal(exactly, net(known.double(), entries.double())) != told
    assert torch.equal(exactly, on_grid(exactly))


def probe(payload: bytes = b"") -> tuple[bytes, str]:
    """A payload with sent entries, and the hash of what it holds, from stored weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "BUNDLED", ROOT / "tests" / "golden" / "v1" / "weights")
        net: object = networks.load_net(weights.find_weights("clc"))
    y = torch.randn(1, 16, 12, 20, generator=torch.Generator().manual_seed(5)) * 3
    with torch.inference_mode():
        if not payload:
            writer = SymbolWriter()
            sent = torch.tensor([[3, -1, 0, -1, 7, 11]])
            net._walk(writer, 150, (12, 20), y.double(), sent)  # type: ignore[attr-defined]
            payload = writer.payload()
        latent, check = net.read(payload, 150, (12, 20))  # type: ignore[attr-defined]
    return payload, f"{hashlib.sha256(latent.numpy().tobytes()).hexdigest()} {check}"


@pytest.mark.slow
def test_latents_are_identical_for_threads_instruction_sets_and_libraries(one_thread: None) -> None:
    payload, expected = probe()
    assert found_everywhere(probe, payload) == {expected}
