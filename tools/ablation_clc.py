"""What each part of CLC is worth: trains variants, measures real files against the ELIC beneath.

    python tools/ablation_clc.py --photos PHOTOS --validation MORE --minutes 30 --runs runs/clc

Each variant is trained for the same time into a folder of its own below --runs; one that has ended
is only measured, so an interrupted call goes on where it was. The full one is measured again with
noise on its dictionary. Measured are whole photos that no training saw, and crops of those it saw
that hold several entries of the dictionary. Writes results/ablation_clc.csv; the lines of other
variants that were measured earlier stay.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from clc_pieces import MORE, pieces
from real_files import against, curves
from variants import others, rig_of, train_once, write_table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
CSV = ROOT / "results" / "ablation_clc.csv"
NOISE = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Of the perturbed dictionary, in shares of each channel's deviation."""
FULL, WITHOUT = "everything", "no-references"
SEED = 0
"""Of the trainings."""


def row_of(
    name: str, net: Any, facts: dict[str, str], whole: Measured, known: Measured
) -> dict[str, Any]:
    """One line of the CSV: over whole photos, and over crops that the dictionary has pieces of."""
    from mode_core.training.checkpoint import stored

    found, of_crops = whole.gains(net), known.gains(net)
    stored_bytes = sum(t.numel() * t.element_size() for t in stored(net).values())
    return {
        "variant": name,
        "references": net.config.references,
        "entries": net.config.entries,
        "steps": facts.get("steps", "0"),
        "minutes": facts.get("minutes", "0"),
        "weights_mb": round(stored_bytes / 1e6, 2),
        "photos": len(found),
        "bd_rate": round(fmean(found), 3),
        "worst": round(max(found), 3),
        "best": round(min(found), 3),
        "crops": len(of_crops),
        "crops_bd_rate": round(fmean(of_crops), 3),
        "crops_worst": round(max(of_crops), 3),
        "crops_best": round(min(of_crops), 3),
    }


class Measured:
    """Pictures, and the curves of the ELIC beneath over them."""

    def __init__(self, elic: Any, pictures: Sequence[Any]) -> None:
        self.pictures = pictures
        self.elic = list(curves(elic, "elic", pictures))

    def gains(self, net: Any) -> list[float]:
        """The BD-rates of a CLC over them."""
        return against(self.elic, list(curves(net, "clc", self.pictures)))


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

    elic = load_net(find_weights("elic"))
    whole, known = Measured(elic, photos), dict[int, Measured]()
    for variant in args.variants or variants():
        name = "" if variant == FULL else variant
        width = f"{args.width}-{name}".rstrip("-")
        net, facts = trained(width, args.runs / width, args)
        entries = net.config.entries
        if entries not in known:
            # the same seed makes the same dictionary of so many entries, whatever the variant
            crops = dict(pieces(net, args.photos, args.crops, SEED))[MORE]
            known[entries] = Measured(elic, crops)
        yield row_of(name or FULL, net, facts, whole, known[entries])
        if name:
            continue
        for share in NOISE:
            noisy, _ = trained(width, args.runs / width, args)
            noisy.perturb(share, seed=0)
            yield row_of(f"noise {share}", noisy, facts, whole, known[entries])


def main() -> None:
    """Train, measure, write the CSV."""
    from mode_core.cli.parsing import minutes
    from mode_core.pictures.files import read_image

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--validation", type=Path, required=True, help="a folder of PNG files")
    parser.add_argument("--minutes", type=minutes, default=30.0)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--width", default="tiny")
    parser.add_argument("--variants", nargs="*", help="these alone; by default all")
    parser.add_argument("--most", type=int, default=6, help="photos to measure on")
    parser.add_argument("--crops", type=int, default=16, help="crops with pieces of the dictionary")
    args = parser.parse_args()
    photos = [read_image(path) for path in sorted(args.validation.glob("*.png"))[: args.most]]
    found = list(rows(args, photos))
    names = {row["variant"] for row in found}
    write_table(CSV, [*found, *others(CSV, "variant", names)])


if __name__ == "__main__":
    main()
