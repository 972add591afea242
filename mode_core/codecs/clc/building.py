"""How a dictionary is made of training photographs: axes, descriptions, clusters, entries.

Done once, before training. Clusters are found by Lloyd's method on all descriptions at once: some
ten thousand of them need no batches.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mode_core.codecs.clc.dictionary import BYTE, REGION, Dictionary, into_regions, pooled
from mode_core.codecs.clc.net import Clc
from mode_core.codecs.elic.net import TRAINED
from mode_core.layers.exact import VALUE_LIMIT, VALUE_STEP, WEIGHT_LIMIT
from mode_core.training.stage import Crops

SEEN_FOR_EACH = 6
"""Regions that are looked at for each entry,"""
MOST_BATCHES = 400
"""in no more batches than these."""
ROUNDS = 12
"""Of moving the centres of clusters."""
_FIRST_DEVIATION = 40.0
"""The deviation of a description's first axis, in units of the bytes that hold it."""


@torch.no_grad()
def fill(net: Clc, crops: Crops, seed: int = 0) -> None:
    """Choose and store entries, from as many crops as it takes."""
    dictionary, (hyper, latent) = net.dictionary, steps_of(net)
    y = net.analyse(crops()).float()
    _fit_channels(dictionary, y, latent)
    patches, seen = [], list[list[Tensor]]()
    while True:
        whole = (..., slice(y.shape[2] // REGION * REGION), slice(y.shape[3] // REGION * REGION))
        patches.append(into_regions(dictionary.projected(y)[whole]).flatten(0, 1))
        maps = net.describable(net.elic.hyper.down(y), y)
        seen.append([pooled(into_regions(one[whole]).flatten(0, 1)) for one in maps])
        enough = sum(map(len, patches)) >= SEEN_FOR_EACH * dictionary.count
        if enough or len(patches) >= MOST_BATCHES:
            break
        y = net.analyse(crops()).float()
    keys = []
    for describer, parts, units in zip(
        dictionary.describers, zip(*seen, strict=True), net.describable(hyper, latent), strict=True
    ):
        what = torch.cat(parts)
        unit = units[0, :, 0, 0]
        # in the order in which `pooled` gives means and deviations: of quarters, then of the whole
        _fit(describer, what, torch.cat([*[unit.repeat_interleave(4)] * 2, unit, unit]))
        keys.append(_bytes(describer(what[..., None, None])[..., 0, 0]))
    generator = torch.Generator().manual_seed(seed)
    chosen = representatives(torch.cat(keys, 1), dictionary.count, generator)
    _store(dictionary, torch.cat(patches)[chosen], [found[chosen] for found in keys])


def _store(dictionary: Dictionary, patches: Tensor, keys: list[Tensor]) -> None:
    largest = patches.abs().amax((0, 2, 3)).clamp(max=VALUE_LIMIT)
    scale = (largest / BYTE / VALUE_STEP).ceil().clamp_min(1) * VALUE_STEP
    dictionary.scale.copy_(scale)
    dictionary.entries.copy_(_bytes(patches / scale[:, None, None]).to(torch.int8))
    for place, found in enumerate(keys):
        getattr(dictionary, f"keys_{place}").copy_(found.to(torch.int8))


def steps_of(net: Clc) -> tuple[Tensor, Tensor]:
    """How many steps of the quantiser one unit is at a middle rate: hyper-latent, latent."""
    at = torch.tensor([(TRAINED - 1) / 2], device=net.elic.std.device)
    return net.elic.hyper.gains.at(at)[0], net.elic.gains.at(at)[0]


def _bytes(x: Tensor) -> Tensor:
    return x.round().clamp(-BYTE, BYTE)


def _principal(x_NA: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The axes (count, A) along which most happens, and the deviation along each."""
    centred = (x_NA - x_NA.mean(0)).double()
    strength, axes = torch.linalg.eigh(centred.mT @ centred / len(x_NA))
    order = strength.argsort(descending=True)[:count]
    return axes[:, order].mT.to(x_NA.dtype), strength[order].clamp_min(1e-12).sqrt().to(x_NA.dtype)


def _fit_channels(dictionary: Dictionary, y_BCHW: Tensor, steps: Tensor) -> None:
    """The channels of entries: what costs most bits, each with unit deviation."""
    flat = (y_BCHW * steps).movedim(1, -1).flatten(0, 2)
    axes, deviation = _principal(flat, len(dictionary.strength))
    dictionary.projection.copy_(axes * steps.flatten() / deviation[:, None])
    dictionary.strength.copy_(deviation)


def _fit(describer: Any, what_NA: Tensor, units_A: Tensor) -> None:
    """The axes of a description; what is stored of them is what they are from here on."""
    count = len(describer.weight)
    axes, deviation = _principal(what_NA * units_A, min(count, what_NA.shape[1]))
    weight = torch.zeros_like(describer.weight[..., 0, 0])
    weight[: len(axes)] = axes * units_A
    largest = float(weight.abs().max())
    weight *= min(_FIRST_DEVIATION / float(deviation[0]), 0.99 * WEIGHT_LIMIT / largest)
    describer.weight.copy_(weight.half()[..., None, None])
    describer.bias.copy_(-(weight.half().float() @ what_NA.mean(0)))


def representatives(x_NA: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The numbers of members that stand for so many clusters: those nearest to their centres."""
    if len(x_NA) <= count:
        return torch.arange(count, device=x_NA.device) % len(x_NA)
    centres = x_NA[_apart(x_NA, count, generator)].clone()
    for _ in range(ROUNDS):
        nearest = _distances(x_NA, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, x_NA)
        members = torch.zeros(count, device=x_NA.device).index_add_(
            0, nearest, torch.ones(len(x_NA), device=x_NA.device)
        )
        kept = members > 0
        centres[kept] = sums[kept] / members[kept, None]
    # in order of centres; a member that stands for two of them stands in the dictionary twice
    return _distances(x_NA, centres).argmin(0)


def _apart(x_NA: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Members to start from: each drawn by its squared distance from those before (k-means++)."""
    chances = torch.rand(count, generator=generator).to(x_NA.device)
    chosen = [(chances[0] * len(x_NA)).long().clamp(max=len(x_NA) - 1)]
    nearest = _distances(x_NA, x_NA[chosen[0]][None])[:, 0].clamp_min(0)
    for chance in chances[1:]:
        total = nearest.cumsum(0)
        drawn = torch.searchsorted(total, (chance * total[-1])[None])[0]
        chosen.append(drawn.clamp(max=len(x_NA) - 1))
        nearest = torch.minimum(nearest, _distances(x_NA, x_NA[chosen[-1]][None])[:, 0])
        nearest = nearest.clamp_min(0)
    return torch.stack(chosen)


def _distances(x_NA: Tensor, centres_KA: Tensor) -> Tensor:
    return centres_KA.square().sum(1) - 2 * (x_NA @ centres_KA.mT) + x_NA.square().sum(1)[:, None]
