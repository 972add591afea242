"""Regions, descriptions and look-ups: the same entries on every machine."""

from __future__ import annotations

import pytest
import torch

from mode_core.codecs.clc.building import representatives
from mode_core.codecs.clc.dictionary import (
    POOLED,
    Dictionary,
    from_regions,
    into_regions,
    pooled,
    regions_of,
)
from mode_core.layers.exact import on_grid


@pytest.mark.parametrize("grid", [(4, 4), (8, 8), (4, 28), (20, 12), (1, 1)])
def test_regions_make_the_map_again(grid: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *grid)
    regions = into_regions(x)
    rows, columns = regions_of(grid)
    assert regions.shape == (2, rows * columns, 3, 8, 8)
    assert torch.equal(from_regions(regions, grid), x)


def test_a_region_is_described_by_means_and_deviations() -> None:
    region = torch.zeros(1, 2, 8, 8)
    region[0, 0, :4, :4] = 4
    region[0, 1] = torch.tensor([1.0, -1.0]).repeat(4)
    found = pooled(region)[0]
    assert len(found) == 2 * POOLED
    assert found[:4].tolist() == [4, 0, 0, 0]
    assert found[8:16].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert found[16:].tolist() == [1, 0, 1.5, 1]


def a_dictionary() -> Dictionary:
    torch.manual_seed(0)
    made = Dictionary(5, 3, 7, 4, (2,))
    made.keys_0.copy_(torch.randint(-9, 9, (5, 4)))
    return made


def test_the_nearest_comes_first_and_of_equals_the_earlier() -> None:
    made = a_dictionary()
    made.keys_0[3] = made.keys_0[1]
    for dtype in (torch.float32, torch.float64):
        wanted = made.keys_0[None, 1:2].to(dtype)
        found = made.nearest(0, wanted, 5)[0, 0].tolist()
        assert found[:2] == [1, 3]
        distances = [(made.keys_0[k].int() - made.keys_0[1]).square().sum().item() for k in found]
        assert distances == sorted(distances)


def test_the_float_path_finds_what_the_exact_one_finds() -> None:
    made = a_dictionary()
    torch.nn.init.normal_(made.describers[0].weight)
    known = on_grid(torch.randn(1, 2, 16, 24))
    exactly = made.describe(0, known.double())
    assert (made.describe(0, known) - exactly).abs().max() <= 1
    assert exactly.shape == (1, 6, 4)
    assert exactly.abs().max() <= 127
    assert torch.equal(exactly, exactly.round())


def test_sums_do_not_depend_on_their_order() -> None:
    made, other = a_dictionary(), a_dictionary()
    order = torch.randperm(2 * POOLED)
    flat = on_grid(torch.randn(6, 2 * POOLED, 1, 1, dtype=torch.float64) * 50)
    other.describers[0].weight.data = made.describers[0].weight.data[:, order].clone()
    assert torch.equal(made.describers[0](flat), other.describers[0](flat[:, order]))


def test_entries_come_back_as_they_were_stored() -> None:
    made = a_dictionary()
    made.entries.copy_(torch.randint(-127, 128, made.entries.shape))
    made.scale.copy_(torch.tensor([0.25, 0.5, 1.0]))
    found = made.read(torch.tensor([4, 0]), torch.float64)
    assert torch.equal(found[0, 1], made.entries[4, 1].double() / 2)


def test_the_most_alike_entry_is_the_one_that_was_stored() -> None:
    made = Dictionary(5, 7, 7, 4, (2,))
    made.projection.copy_(torch.eye(7))
    y = torch.randn(1, 7, 8, 40)
    made.scale.fill_(2.0**-5)
    made.entries.copy_((into_regions(y)[0] * 32).round().clamp(-127, 127)[[2, 0, 4, 1, 3]])
    assert made.most_alike(y)[0].tolist() == [1, 3, 0, 4, 2]


def test_each_cluster_is_stood_for_by_a_member_in_its_middle() -> None:
    torch.manual_seed(1)
    middles = torch.tensor([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    points = torch.cat([middles, (middles[:, None] + torch.randn(3, 40, 2)).flatten(0, 1)])
    chosen = representatives(points, 3, torch.Generator().manual_seed(5))
    near = (points[chosen][:, None] - middles).norm(dim=2)
    assert sorted(near.argmin(1).tolist()) == [0, 1, 2]
    assert near.min(1).values.max() < 1


def test_too_few_regions_still_fill_a_dictionary() -> None:
    chosen = representatives(torch.randn(2, 3), 5, torch.Generator())
    assert chosen.tolist() == [0, 1, 0, 1, 0]
