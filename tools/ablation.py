"""What each part of MoDE is worth: measures runs that leave one out, and makes the page's table.

    python tools/ablation.py runs/full runs/no-ese runs/no-cem ... --photos PHOTOS

Each run is the folder of a training such as `train mode --width tiny-no-ese`; all should have had
the same number of steps. Writes results/ablation.csv and the table in docs/ablation.md.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
CSV, PAGE = ROOT / "results" / "ablation.csv", ROOT / "docs" / "ablation.md"
START, END = "<!-- table -->\n", "<!-- end -->"
NAMES = {
    "experts": "the experts alone",
    "": "everything",
    "no-ese": "without ESE",
    "no-cem": "without CEM",
    "no-gates": "without gates",
    "no-pictures": "without the exchange of pictures",
}


def measure(run: Path | None, photos: list[Any], backbone: Path | None) -> dict[str, Any]:
    """Facts of a run and its mean figures on photos, from real streams; None measures the start."""
    from mode_core.codecs.stages import STAGES
    from mode_core.evaluation.pack import averaged
    from mode_core.training.checkpoint import load_into, read_weights
    from mode_core.training.stage import Setup

    facts = read_weights(run)[1] if run else {"width": "tiny-experts", "steps": "0", "minutes": "0"}
    base, _, left_out = facts["width"].partition("-")
    rig = STAGES["mode"].assemble(Setup(facts["width"] if run else base, backbone))
    if run:
        load_into(rig.net, run)
    row = {name: round(v, 4) for name, v in averaged(STAGES["mode"], rig, photos).items()}
    return {
        "left_out": left_out, "steps": facts["steps"], "minutes": facts["minutes"],
        "photos": len(photos), **row,
    }  # fmt: skip


def table() -> str:
    """The CSV as the page shows it."""
    from mode_core.evaluation.tables import markdown_table

    with CSV.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    head = "MoDE", "steps", "bpp", "MoDE-F PSNR", "MoDE-F LPIPS", "MoDE-P PSNR", "MoDE-P LPIPS"
    lines = []
    for row in rows:
        for rate in ("1", "4"):
            figures = [
                f"{float(row[f'{kind}_{rate}']):.{digits}f}"
                for kind, digits in (
                    ("bpp", 3), ("psnr_f", 2), ("lpips_f", 4), ("psnr_p", 2), ("lpips_p", 4),
                )
            ]  # fmt: skip
            lines.append([NAMES[row["left_out"]], row["steps"], *figures])
    return markdown_table(head, lines) + "\n"


def refreshed(text: str) -> str:
    """The page with today's table."""
    before, rest = text.split(START)
    return before + START + "\n" + table() + "\n" + END + rest.split(END)[1]


def main() -> None:
    """Measure, write the CSV, refresh the page."""
    from mode_core.training.data import read_photos

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--lpips-backbone", type=Path)
    args = parser.parse_args()
    photos, _ = read_photos([args.photos], fewest=1)
    rows = [measure(run, photos, args.lpips_backbone) for run in (None, *args.runs)]
    with CSV.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
