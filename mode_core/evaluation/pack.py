"""A finished run becomes a bundled set of weights: shards, a comparison, a card.

Nothing worse than what is bundled gets in: both are measured on the same photos by the stage's own
validation, real streams included.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from math import exp, log
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from mode_core.checkpoints.convert import add_set
from mode_core.checkpoints.download import file_sha256
from mode_core.codecs.catalogue import licence_of
from mode_core.codecs.identity import bundled_experts, experts_of, joined_tags
from mode_core.codecs.networks import load_net
from mode_core.codecs.stages import STAGES
from mode_core.errors import ModeError, WeightsMismatch, WeightsUnavailable
from mode_core.evaluation.cards import write_card
from mode_core.training.checkpoint import WEIGHTS, load_into, read_weights
from mode_core.training.data import read_photos
from mode_core.training.stage import Rig, Setup, Stage
from mode_core.weights.sets import PUBLIC, WeightsSet, find_weights, import_folder, weights_folders
from mode_core.weights.tensors import write_tensors

SHARD_BYTES = 9_000_000
CROP = 512
DECIBELS = 50.0
"""How many dB of PSNR count as much as 1 of LPIPS or one bit per pixel."""
_RATES = 33
"""At so many rates two sets are compared."""
Say = Callable[[str], None]


class NotBetter(ModeError):
    """The run is no improvement on what is bundled."""


def pack(run: Path, photos: Path, lpips_backbone: Path | None, say: Say = print) -> Path:
    """Put a run's weights into the bundle with a card; the folder they are in."""
    tensors, facts = read_weights(run)
    stage = STAGES[facts["stage"]]
    if facts["width"] == PUBLIC:
        return keep(run, tensors, facts)
    # a later stage may look at rate alone, but the set is used as a whole
    stage = next(one for one in STAGES.values() if one.codec == stage.codec)
    figures = _compare(stage, facts, run, photos, lpips_backbone, say)
    folder = weights_folders()[0] / f"{stage.codec}-{facts['width']}"
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    if experts := bundled_experts(stage.codec):
        facts["experts"] = joined_tags(experts)
    facts |= {f"measured_{name}": f"{value:.5g}" for name, value in figures.items()}
    write_shards(part, tensors, facts)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    packed = WeightsSet(stage.codec, facts["width"], folder, facts)
    card = write_card(packed)
    say(f"{folder}: {len(packed.shards)} shards; card {card}")
    return folder


def keep(run: Path, tensors: dict[str, Tensor], facts: dict[str, str]) -> Path:
    """A set made of a run on imported experts, stored beside them: without them it is of no use."""
    experts = experts_of(WeightsSet(facts["codec"], facts["width"], run, facts))
    sha256 = file_sha256(run / WEIGHTS)
    identity = hashlib.sha256(f"{sha256} {facts['experts']}".encode()).hexdigest()
    facts |= {"sha256": sha256, "identity": identity, "dialect": "trained here"}
    card = {
        "source": "trained on " + " and ".join(expert.folder.name for expert in experts),
        "licence": "; ".join(f"{e.folder.name}: {licence_of(e)}" for e in experts),
        "file": WEIGHTS,
    }

    def fill(partial: Path) -> dict[str, str]:
        partial.mkdir(parents=True)
        write_shards(partial, tensors, facts)
        return facts

    return add_set(import_folder() / f"{facts['codec']}-{run.name}", fill, card).folder


def write_shards(
    folder: Path, tensors: dict[str, Tensor], facts: dict[str, str], most: int = 0
) -> None:
    """Tensors in name order, cut into files that a plain git push takes."""
    shard: dict[str, Tensor] = {}
    number, size = 0, 0
    for name in sorted(tensors):
        bytes_ = tensors[name].numel() * tensors[name].element_size()
        if shard and size + bytes_ > (most or SHARD_BYTES):
            write_tensors(folder / f"{number:02d}.safetensors", shard, facts)
            shard, number, size = {}, number + 1, 0
        shard[name] = tensors[name]
        size += bytes_
    write_tensors(folder / f"{number:02d}.safetensors", shard, facts)


def _compare(
    stage: Stage, facts: dict[str, str], run: Path, photos: Path, backbone: Path | None, say: Say
) -> dict[str, float]:
    rig = stage.assemble(Setup(facts["width"], backbone))
    pictures, _ = read_photos([photos], fewest=1)
    load_into(rig.net, run)
    new = averaged(stage, rig, pictures)
    try:
        bundled = find_weights(stage.codec)
        if bundled.width != facts["width"]:
            return new
        rig.net = load_net(bundled)
    except (WeightsUnavailable, WeightsMismatch) as error:
        say(f"nothing to compare with: {error}")
        return new
    old = averaged(stage, rig, pictures)
    before, after = objectives(old, new)
    say(f"objective (lower is better): {before:.4f} bundled, {after:.4f} new")
    if after >= before:
        raise NotBetter(
            f"{run} is not better than the bundled {stage.codec} on {photos}: its objective is "
            f"{after:.4f} against {before:.4f}; nothing was changed"
        )
    return new


def objectives(old: dict[str, float], new: dict[str, float]) -> tuple[float, float]:
    """One number for each of two sets, lower for the better one.

    The stage's own cost; else LPIPS less PSNR at equal rates, where their rates overlap; else at
    the rates that they have, which count as well.
    """
    if "cost" in old and "cost" in new:
        return old["cost"], new["cost"]
    curves = _curve(old), _curve(new)
    low, high = (pick(curve[end][0] for curve in curves) for pick, end in ((max, 0), (min, -1)))
    if low < high:
        rates = np.linspace(low, high, _RATES)
        before, after = (np.interp(rates, *np.array(one).T).mean() for one in curves)
        return float(before), float(after)
    before, after = (
        fmean(score for _, score in curve) + fmean(exp(rate) for rate, _ in curve)
        for curve in curves
    )
    return before, after


def _curve(figures: dict[str, float]) -> list[tuple[float, float]]:
    """The logarithm of each rate that was measured, and what its pictures are worth."""

    def mean(kind: str, quality: str) -> float:
        found = [v for n, v in figures.items() if n.startswith(kind) and n.endswith(quality)]
        return fmean(found or [0.0])

    rates = {name.removeprefix("bpp"): v for name, v in figures.items() if name.startswith("bpp")}
    return sorted(
        (log(bpp), mean("lpips", quality) - mean("psnr", quality) / DECIBELS)
        for quality, bpp in (rates or {"": 1.0}).items()
    )


@torch.inference_mode()
def averaged(stage: Stage, rig: Rig, photos: list[Tensor]) -> dict[str, float]:
    """The stage's own figures, from real streams, as means over the middles of photos."""
    rig.eval()
    rows = [stage.validate(rig, _middle(photo))[1] for photo in photos]
    return {name: fmean(row[name] for row in rows) for name in rows[0]}


def _middle(photo: Tensor) -> Tensor:
    high, wide = (min(CROP, side) // 256 * 256 or side // 64 * 64 for side in photo.shape[1:])
    y, x = (photo.shape[1] - high) // 2, (photo.shape[2] - wide) // 2
    return photo[None, :, y : y + high, x : x + wide].float() / 255
