"""What each part of CLC is worth: trains variants, measures real files against the ELIC beneath.

    python tools/ablation_clc.py --photos PHOTOS --validation MORE --minutes 30 --runs runs/clc
    python tools/ablation_clc.py --photos PHOTOS --validation MORE --bundled

Each variant is trained for the same time into a folder of its own below --runs; one that has ended
is only measured, so an interrupted call goes on where it was. With --bundled nothing is trained:
the bundled set is measured, as it is and with noise on its dictionary. Measured are whole photos
that no training saw, and crops of those it saw that hold several entries of the dictionary. Writes
results/ablation_clc.csv; the lines of other variants that were measured earlier stay.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from clc_pieces import MORE, network, pieces
from real_files import against, curves
from variants import others, rig_of, train_once, write_table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
CSV = ROOT / "results" / "ablation_clc.csv"
NOISE = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Of the perturbed dictionary, in shares of each channel's deviation."""
FULL, BUNDLED = "everything", "bundled"
WIDTH, SEED = "tiny", 0
"""Of the trainings."""


class Measured:
    """Pictures, and the curves of the ELIC beneath over them."""

    def __init__(self, elic: Any, pictures: Sequence[Any]) -> None:
        self.pictures = pictures
        self.elic = list(curves(elic, "elic", pictures))

    def gains(self, net: Any) -> list[float]:
        """The BD-rates of a CLC over them."""
        return against(self.elic, list(curves(net, "clc", self.pictures)))


class Table:
    """Makes the lines of the CSV: over whole photos, and over crops with dictionary pieces."""

    def __init__(self, elic: Any, whole: Sequence[Any], photos: Sequence[Path], crops: int) -> None:
        self.elic, self.photos, self.crops = elic, photos, crops
        self.whole = Measured(elic, whole)
        self.known: dict[int, Measured] = {}

    def crops_for(self, net: Any) -> Measured:
        """The same seed makes the same dictionary of so many entries, whatever the variant."""
        entries = net.config.entries
        if entries not in self.known:
            dealt = dict(pieces(net, self.photos, self.crops, SEED))[MORE]
            if not dealt:
                sys.exit("no crop holds two entries: --photos must be those it was trained on")
            self.known[entries] = Measured(self.elic, dealt)
        return self.known[entries]

    def row(self, name: str, net: Any, facts: dict[str, str]) -> dict[str, Any]:
        """One line."""
        from mode_core.training.checkpoint import stored

        found, of_crops = self.whole.gains(net), self.crops_for(net).gains(net)
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


def variants() -> list[str]:
    """Names of widths: everything, then what each leaves out or changes."""
    from mode_core.codecs.clc.training import ABLATIONS

    return ["", *ABLATIONS]


def trained(width: str, run: Path, args: argparse.Namespace) -> Any:
    """The network of a variant and its facts, from its run or trained now."""
    train_once("clc", width, run, args.photos, args.minutes)
    rig, facts = rig_of("clc", run)
    return rig.net, facts


def rows(args: argparse.Namespace, table: Table) -> Iterator[dict[str, Any]]:
    """Every variant's line."""
    for variant in args.variants or variants():
        name = "" if variant == FULL else variant
        width = f"{WIDTH}-{name}".rstrip("-")
        yield table.row(name or FULL, *trained(width, args.runs / width, args))


def rows_of_bundled(table: Table) -> Iterator[dict[str, Any]]:
    """The line of the bundled set, and those of it with a perturbed dictionary."""
    yield table.row(BUNDLED, *network(None))
    for share in NOISE:
        noisy, facts = network(None)
        noisy.perturb(share, seed=0)
        yield table.row(f"{BUNDLED}, noise {share}", noisy, facts)


def main() -> None:
    """Train, measure, write the CSV."""
    from mode_core.cli.parsing import minutes, positive
    from mode_core.codecs.networks import load_net
    from mode_core.pictures.files import read_image
    from mode_core.weights.sets import find_weights

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--validation", type=Path, required=True, help="a folder of PNG files")
    parser.add_argument("--minutes", type=minutes, default=30.0, help="of each training")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--runs", type=Path, help="folder of the variants' trainings")
    chosen.add_argument("--bundled", action="store_true", help="measure the bundled set alone")
    parser.add_argument("--variants", nargs="*", help="these alone; by default all")
    parser.add_argument("--most", type=positive, default=6, help="photos to measure on")
    parser.add_argument(
        "--crops", type=positive, default=16, help="crops with pieces of the dictionary"
    )
    args = parser.parse_args()
    if args.bundled and args.variants:
        parser.error("--variants are trained; with --bundled none is")
    photos = [read_image(path) for path in sorted(args.validation.glob("*.png"))[: args.most]]
    if not photos:
        parser.error(f"there are no PNG files in {args.validation}")
    table = Table(load_net(find_weights("elic")), photos, args.photos, args.crops)
    found = list(rows_of_bundled(table) if args.bundled else rows(args, table))
    names = {row["variant"] for row in found}
    write_table(CSV, [*found, *others(CSV, "variant", names)])


if __name__ == "__main__":
    main()
