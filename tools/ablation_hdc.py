"""What vectors and correction are worth to HDC: trains it without each, measures, writes the table.

    python tools/ablation_hdc.py runs/parts --photos PHOTOS --measure OTHERS --minutes 60

Each variant learns anew from the first stage that knows of what is left out, and stands on the
whole HDC before that. `--minutes` is the time of one whole HDC. A stage that has ended is not run
again. Writes results/ablation_hdc.csv and prints it as a table for a page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from variants import rig_of, train_once, write_table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
CSV = ROOT / "results" / "ablation_hdc.csv"
SHARES = {"hdc": 0.35, "hdc-tokens": 0.25, "hdc-merge": 0.3, "hdc-vectors": 0.1}
"""Of the time of one HDC, what each stage takes. None has a critic."""
VARIANTS = {
    "": ("everything", "hdc"),
    "no-enhancer-vectors": ("enhancement without vectors", "hdc"),
    "no-predictor-vectors": ("prediction without vectors", "hdc-tokens"),
    "no-correction": ("merging without correction", "hdc-merge"),
}
"""By what is left out: its words, and the first stage that knows."""
COLUMNS = (
    ("bpp_21", "bpp", 3), ("psnr_21", "PSNR", 2), ("lpips_21", "LPIPS", 4),
    ("enhanced_psnr_made", "enhanced PSNR", 2), ("enhanced_lpips_made", "enhanced LPIPS", 4),
    ("accuracy_made", "accuracy", 3), ("accuracy_true", "accuracy, original's vectors", 3),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of one variant."""

    stage: str
    width: str
    out: Path
    resume: Path | None


def steps(home: Path, width: str) -> Iterator[Step]:
    """All that is trained, each after what it stands on."""
    for left_out, (_, first) in VARIANTS.items():
        name, names = left_out or "all", list(SHARES)
        before: Path | None = None
        for stage in names:
            if names.index(stage) < names.index(first):
                before = home / "all" / stage
                continue
            yield Step(
                stage, "-".join(filter(None, (width, left_out))), home / name / stage, before
            )
            before = home / name / stage


def measured(run: Path, photos: list[Any]) -> dict[str, Any]:
    """A variant's mean figures on photos, from real streams."""
    from mode_core.codecs.stages import STAGES
    from mode_core.evaluation.pack import averaged

    rig, facts = rig_of("hdc", run)
    figures = {name: round(v, 4) for name, v in averaged(STAGES["hdc"], rig, photos).items()}
    left_out = facts["width"].partition("-")[2]
    return {"left_out": left_out, "photos": len(photos), **figures}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a page shows them."""
    from mode_core.evaluation.tables import markdown_table

    head = "HDC", *(label for _, label, _ in COLUMNS)
    lines = [
        [VARIANTS[row["left_out"]][0], *(f"{float(row[n]):.{d}f}" for n, _, d in COLUMNS)]
        for row in rows
    ]
    return markdown_table(head, lines)


def run(home: Path, photos: Sequence[Path], held_out: Path, minutes: float, *more: str) -> str:
    """Train all variants, measure them, write the CSV; the table."""
    from mode_core.training.data import read_photos

    width = "tiny"
    pictures, _ = read_photos([held_out], fewest=1)
    for one in steps(home, width):
        share = minutes * SHARES[one.stage]
        train_once(one.stage, one.width, one.out, photos, share, one.resume, more)
    ends = [home / (left_out or "all") / list(SHARES)[-1] for left_out in VARIANTS]
    rows = [{**measured(end, pictures), "minutes": minutes} for end in ends]
    write_table(CSV, rows)
    return table(rows)


def main() -> None:
    """What the command line asks for; further words go to every training."""
    from mode_core.cli.parsing import minutes
    from mode_core.errors import ModeError

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("home", type=Path, help="folder of the runs")
    parser.add_argument("--photos", type=Path, nargs="+", required=True, help="to learn from")
    parser.add_argument("--measure", type=Path, required=True, help="photos to measure on")
    parser.add_argument("--minutes", type=minutes, required=True, help="time of one whole HDC")
    args, more = parser.parse_known_args()
    if any(word.startswith("--start") for word in more):
        parser.error("no --start: runs are measured on the bundled ELIC and VQ")
    if not args.measure.exists():
        parser.error(f"there is no {args.measure}; give --measure a folder or a .tar file")
    try:
        print(run(args.home.absolute(), args.photos, args.measure, args.minutes, *more))
    except ModeError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
