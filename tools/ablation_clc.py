"""What each part of CLC is worth: trains variants, measures real files against the ELIC beneath.

    python tools/ablation_clc.py --photos PHOTOS --validation MORE --minutes 30 --runs runs/clc

Each variant is trained for the same time into a folder of its own below --runs; one that has ended
is only measured, so an interrupted call goes on where it was. The full one is measured again with
noise on its dictionary. Writes results/ablation_clc.csv.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from variants import rig_of, train_once, write_table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
CSV = ROOT / "results" / "ablation_clc.csv"
QUALITIES = (14, 56, 98, 140, 182, 224)
NOISE = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Of the perturbed dictionary, in shares of each channel's deviation."""
FULL, WITHOUT = "everything", "no-references"


def curves(net: Any, id: str, photos: Sequence[Any]) -> Iterator[list[tuple[float, float]]]:
    """For each photo, bits per pixel (all bytes of a file) and PSNR at the qualities."""
    from mode_core.codecs.adapter import LearnedCodec
    from mode_core.codecs.registry import find_codec, part_of
    from mode_core.metrics.fidelity import psnr
    from mode_core.stream.container import Bitstream
    from mode_core.types import Target

    system = part_of(find_codec(id), "system").OURS.system(net)
    codec = LearnedCodec(find_codec(id), "", bytes(4), system)
    for photo in photos:
        points = []
        for quality in QUALITIES:
            file = codec.encode(photo, Target(quality=quality)).to_bytes()
            picture = codec.decode(Bitstream.from_bytes(file))
            bpp = 8 * len(file) / (photo.shape[0] * photo.shape[1])
            points.append((bpp, float(psnr(photo, picture))))
        yield points


def against(
    reference: Sequence[list[tuple[float, float]]], other: Sequence[list[tuple[float, float]]]
) -> list[float]:
    """PSNR BD-rates, photo by photo, in percent."""
    from mode_core.metrics.bdrate import Curve, bd_rate

    pairs = zip(reference, other, strict=True)
    return [
        bd_rate(*(Curve(*zip(*points, strict=True)) for points in pair)).percent for pair in pairs
    ]


def row_of(
    name: str, net: Any, facts: dict[str, str], elic: Sequence[Any], photos: Sequence[Any]
) -> dict[str, Any]:
    """One line of the CSV."""
    from mode_core.training.checkpoint import stored

    found = against(elic, list(curves(net, "clc", photos)))
    stored_bytes = sum(t.numel() * t.element_size() for t in stored(net).values())
    return {
        "variant": name,
        "references": net.config.references,
        "entries": net.config.entries,
        "steps": facts.get("steps", "0"),
        "minutes": facts.get("minutes", "0"),
        "weights_mb": round(stored_bytes / 1e6, 2),
        "photos": len(photos),
        "bd_rate": round(fmean(found), 3),
        "worst": round(max(found), 3),
        "best": round(min(found), 3),
        "best_photo": found.index(min(found)),
    }


def variants() -> list[str]:
    """Names of widths: everything, then what each leaves out or changes."""
    from mode_core.codecs.clc.training import ABLATIONS

    return ["", *ABLATIONS]


def trained(width: str, run: Path, args: argparse.Namespace) -> Any:
    """The network of a variant and its facts, from its run or trained now."""
    train_once("clc", width, run, args.photos, args.minutes)
    rig, facts = rig_of("clc", run)
    return rig.net, facts


def rows(args: argparse.Namespace, photos: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Every variant's line, and those of the perturbed dictionary."""
    from mode_core.codecs.networks import load_net
    from mode_core.weights.sets import find_weights

    elic = list(curves(load_net(find_weights("elic")), "elic", photos))
    for variant in args.variants or variants():
        name = "" if variant == FULL else variant
        width = f"{args.width}-{name}".rstrip("-")
        net, facts = trained(width, args.runs / width, args)
        yield row_of(name or FULL, net, facts, elic, photos)
        if name:
            continue
        for share in NOISE:
            noisy, _ = trained(width, args.runs / width, args)
            noisy.perturb(share, seed=0)
            yield row_of(f"noise {share}", noisy, facts, elic, photos)


def main() -> None:
    """Train, measure, write the CSV."""
    from mode_core.pictures.files import read_image

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--validation", type=Path, required=True, help="a folder of PNG files")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--width", default="tiny")
    parser.add_argument("--variants", nargs="*", help="these alone; by default all")
    parser.add_argument("--most", type=int, default=8, help="photos to measure on")
    args = parser.parse_args()
    photos = [read_image(path) for path in sorted(args.validation.glob("*.png"))[: args.most]]
    write_table(CSV, rows(args, photos))


if __name__ == "__main__":
    main()
