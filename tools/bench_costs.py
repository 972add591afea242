"""How long a large benchmark takes, by the seconds that are beside our results.

    python tools/bench_costs.py

Writes the table in docs/scaling.md. Encoding and decoding alone; metrics come on top.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "scaling.md"
START, END = "<!-- costs -->\n", "<!-- end -->"
FOLDERS = ("kodak", "val", "clic2020-12")
PICTURES, RATES, WORKERS = 428, 8, (1, 2, 64)
HEAD = ("results", "pixels", "codecs", "seconds for a picture at a rate", "for a megapixel")


class Cost(NamedTuple):
    """What the codecs of a folder take for one picture at one rate, all together."""

    name: str
    megapixels: float
    codecs: int
    seconds: float


def main() -> None:
    """Write the table."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(START)
    PAGE.write_text(f"{before}{START}\n{table()}\n\n{END}{rest.split(END, 1)[1]}", "utf-8")


def table() -> str:
    """The costs of every folder, and of the large set at its sizes."""
    from mode_core.evaluation.tables import markdown_table

    head = [*HEAD, *(f"{count} {'core' if count == 1 else 'cores'}" for count in WORKERS)]
    return markdown_table(head, [_line(cost_of(name)) for name in FOLDERS])


def cost_of(name: str) -> Cost:
    """By the timings beside the results of a folder."""
    from mode_core.evaluation.folders import read_folder
    from mode_core.evaluation.rows import TIMING_SUFFIX, read_timings

    folder = ROOT / "results" / name
    sizes = {row.image: row.width * row.height / 1e6 for row in read_folder(folder)}
    paths = sorted(folder.glob(f"*{TIMING_SUFFIX}"))
    seconds = 0.0
    for path in paths:
        coded, decoded = (
            dict[tuple[str, float], float](),
            defaultdict[tuple[str, float], float](float),
        )
        for one in read_timings(path):
            file = one.image, one.target_bpp
            coded[file] = one.encode_s  # once for all of its anchors
            decoded[file] += one.decode_s
        seconds += fmean(coded.values()) + fmean(decoded.values())
    return Cost(name, fmean(sizes.values()), len(paths), seconds)


def _line(cost: Cost) -> tuple[str, ...]:
    whole = cost.seconds * PICTURES * RATES / 3600
    hours = (f"{whole / count:.3g} h" for count in WORKERS)
    each = f"{cost.seconds:.1f}", f"{cost.seconds / cost.megapixels:.0f}"
    return (cost.name, f"{cost.megapixels:.2f} M", str(cost.codecs), *each, *hours)


if __name__ == "__main__":
    main()
