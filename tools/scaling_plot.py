"""How cost grows with pictures, visitors, pixels and codecs, in one picture: docs/scaling.svg.

    python tools/scaling_plot.py

Draws what results/scaling_bench.csv, results/scaling.csv and the timings beside results/kodak hold.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
RESULTS, PLOT = ROOT / "results", ROOT / "docs" / "scaling.svg"
WIDE, HIGH, LEFT, TOP = 280, 170, 52, 34
COLOURS = ("#4477aa", "#cc6677", "#228833", "#777777")
Points = Sequence[tuple[float, float]]


class Panel(NamedTuple):
    """One plot: what grows along x, in which unit y is, and lines by name; or bars, by name."""

    title: str
    y: str
    lines: dict[str, Points] = {}  # noqa: RUF012 (nobody changes it)
    bars: Sequence[tuple[str, float]] = ()


def rows_of(name: str) -> list[dict[str, str]]:
    """A table of measurements."""
    with (RESULTS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def line(found: Iterable[tuple[float, float]]) -> Points:
    """Points in order; where one was measured several times, their mean."""
    at = defaultdict[float, list[float]](list)
    for x, y in found:
        at[x].append(y)
    return [(x, fmean(at[x])) for x in sorted(at)]


def pictures() -> Panel:
    """A benchmark's wall time."""
    lines = defaultdict[str, list[tuple[float, float]]](list)
    for row in rows_of("scaling_bench.csv"):
        name = "one process" if row["engine"] == "process" else f"Ray, {row['workers']} workers"
        lines[name].append((float(row["pictures"]), float(row["seconds"])))
    return Panel("pictures of a benchmark", "s", {name: line(one) for name, one in lines.items()})


def visitors() -> Panel:
    """The median wait of those who ask at once, all of them with two cores."""
    lines = defaultdict[str, list[tuple[float, float]]](list)
    for row in rows_of("scaling.csv"):
        if (row["codecs"], row["cores"]) == ("webp elic", "2"):
            name = f"{row['workers']} worker{'s' if row['workers'] != '1' else ''}, 2 cores"
            lines[name].append((float(row["users"]), float(row["median_s"])))
    in_order = {name: line(lines[name]) for name in sorted(lines)}
    return Panel("visitors at once", "median s", in_order)


def pixels() -> Panel:
    """Seconds of a processor for one visitor's picture."""
    found = []
    for row in rows_of("scaling.csv"):
        if (row["users"], row["workers"]) == ("1", "1"):
            seconds = float(row["processor_s"]) / int(row["answered"])
            found.append((int(row["width"]) * int(row["height"]) / 1e6, seconds))
    title = "megapixels, the panes that open first"
    return Panel(title, "processor s", {"one visitor": line(found)})


def codecs() -> Panel:
    """Seconds for coding and decoding a picture of Kodak at one rate."""
    from mode_core.evaluation.rows import TIMING_SUFFIX, read_timings

    bars = []
    for path in sorted((RESULTS / "kodak").glob(f"*{TIMING_SUFFIX}")):
        rows = list(read_timings(path))
        seconds = fmean(row.encode_s for row in rows) + fmean(row.decode_s for row in rows)
        bars.append((path.name.removesuffix(TIMING_SUFFIX), seconds))
    return Panel("codecs, 768x512 at one rate", "s", bars=sorted(bars, key=lambda bar: bar[1]))


def nice(most: float) -> float:
    """A round number that is no less."""
    size = 10.0 ** (len(str(int(most))) - 1) if most >= 1 else 0.1
    return next(step * size for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * size >= most)


def text(x: float, y: float, words: str, anchor: str = "middle", fill: str = "#333") -> str:
    """Words at a place."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(words)}</text>'
    )


def frame(panel: Panel, top: float) -> list[str]:
    """Title, unit, and the lines of quarters of the highest value."""
    made = [text(0, -16, f"{panel.title} ({panel.y})", "start")]
    for quarter in range(5):
        y = HIGH * (1 - quarter / 4)
        made.append(f'<path d="M0 {y}H{WIDE}" stroke="#ddd"/>')
        made.append(text(-6, y + 4, f"{top * quarter / 4:g}", "end"))
    return made


def curves(panel: Panel) -> list[str]:
    """Lines with their points; names at the top left."""
    points = [point for one in panel.lines.values() for point in one]
    right, top = max(x for x, _ in points), nice(max(y for _, y in points))
    made = frame(panel, top)
    for x in sorted({x for x, _ in points}):
        made.append(text(WIDE * x / right, HIGH + 16, f"{x:.2g}"))
    for colour, one in zip(COLOURS, panel.lines.values(), strict=False):
        places = [(WIDE * x / right, HIGH * (1 - y / top)) for x, y in one]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        made.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        made += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    for at, (colour, name) in enumerate(zip(COLOURS, panel.lines, strict=False)):
        made.append(text(8, 14 + 15 * at, name, "start", colour))
    return made


def columns(panel: Panel) -> list[str]:
    """A bar for each name, its value above it."""
    top, wide = nice(max(value for _, value in panel.bars)), WIDE / len(panel.bars)
    made = frame(panel, top)
    for at, (name, value) in enumerate(panel.bars):
        x, high = at * wide, HIGH * value / top
        made.append(
            f'<rect x="{x + 3:.1f}" y="{HIGH - high:.1f}" width="{wide - 6:.1f}" '
            f'height="{high:.1f}" fill="{COLOURS[0]}"/>'
        )
        made.append(text(x + wide / 2, HIGH - high - 4, f"{value:.2g}"))
        made.append(text(x + wide / 2, HIGH + 16, name.replace("ms-illm", "illm")))
    return made


def drawing(panels: Sequence[Panel]) -> str:
    """Two panels in a row."""
    across, down = WIDE + LEFT + 24, HIGH + TOP + 30
    made = []
    for at, panel in enumerate(panels):
        x, y = LEFT + at % 2 * across, TOP + at // 2 * down
        inner = "\n".join(columns(panel) if panel.bars else curves(panel))
        made.append(f'<g transform="translate({x} {y})">\n{inner}\n</g>')
    width, height = 2 * across, (len(panels) + 1) // 2 * down
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11">\n<rect width="{width}" height="{height}" '
        f'fill="#fff"/>\n{chr(10).join(made)}\n</svg>\n'
    )


def main() -> None:
    """Draw them."""
    PLOT.write_text(drawing([pictures(), visitors(), pixels(), codecs()]), encoding="utf-8")


if __name__ == "__main__":
    main()
