"""A results folder with made-up numbers, for tests of what reads results; not results."""

from __future__ import annotations

import math
from pathlib import Path

from mode_core.evaluation.rows import THEIRS, PublishedPoint, Row, kept_picture, write_rows
from mode_core.metrics.table import metric_of

# codec, anchor -> PSNR at 1 bpp, dB per doubling, LPIPS at 0.1 bpp, lowest and highest rate
SHAPES = {
    ("elic", ""): (36.0, 3.0, 0.30, 0.05, 0.8),
    ("mode", "fidelity"): (35.6, 3.0, 0.20, 0.05, 0.8),
    ("mode", "0.5"): (35.0, 2.9, 0.15, 0.05, 0.8),
    ("mode", "perception"): (34.0, 2.8, 0.10, 0.05, 0.8),
    ("ms-illm", ""): (33.5, 2.7, 0.12, 0.05, 0.8),
    ("dlf", ""): (31.0, 2.5, 0.16, 0.01, 0.1),
    ("jpeg", ""): (32.0, 3.2, 0.45, 0.2, 1.6),
}
TARGETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)


def made_up_rows(dataset: str = "kodak", images: int = 3) -> list[Row]:
    """Rows for several codecs over a few pictures, smooth and monotone."""
    return [
        _row(dataset, number, curve, target)
        for curve, shape in SHAPES.items()
        for target in TARGETS
        if shape[3] <= target <= shape[4]
        for number in range(1, images + 1)
    ]


def _row(dataset: str, number: int, curve: tuple[str, str], target: float) -> Row:
    (codec, anchor), shape = curve, SHAPES[curve]
    image = f"kodim{number:02}.png"
    size = round(target * (1 + 0.01 * number) * 768 * 512 / 8)
    bpp = 8 * size / (768 * 512)
    psnr = shape[0] + shape[1] * math.log2(bpp) + number
    lpips = shape[2] * (0.1 / bpp) ** 0.5
    return Row(
        *(dataset, image, 768, 512, codec, "" if codec == "jpeg" else "compact", anchor, target),
        *(int(target * 100), "", size, size - 20, bpp),
        {"psnr": psnr, "ms_ssim": 1 - 0.02 / bpp**0.5, "lpips": lpips, "dists": lpips / 2},
    )


def their_rows(codec: str, dataset: str = "kodak") -> list[Row]:
    """Rows of pictures that somebody else decoded, at four rates."""
    names = {0.05: "q1", 0.1: "q2", 0.2: "q3", 0.4: "q4"}
    return [
        row._replace(
            codec=codec, profile=THEIRS, target_bpp=0, quality=0, rate_name=names[row.target_bpp]
        )
        for row in made_up_rows(dataset)
        if row.codec == "elic" and row.target_bpp in names
    ]


def write_theirs(folder: Path, codec: str, kept: tuple[str, ...] = ()) -> Path:
    """Results of theirs in a folder beside others, with the pictures of some rates."""
    path, rows = folder / "theirs" / f"{codec}-theirs.csv", their_rows(codec)
    path.parent.mkdir(exist_ok=True)
    for row in rows:
        place = kept_picture(path.parent, row)
        if place and row.rate_name in kept:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"a picture")
    write_rows(path, rows)
    return path


def published_points() -> list[PublishedPoint]:
    """One codec from two sources, and LPIPS of two networks."""
    return [
        PublishedPoint(
            *(codec, "kodak", "repo", source, str(step), bpp, net, note),
            {
                "psnr": 35 + 3 * math.log2(bpp),
                "ms_ssim": 0.9 + bpp / 20,
                metric_of("lpips", net).key: 0.02 / bpp,
            },
        )
        for codec, source, net, note in (
            ("ELIC", "a/elic:points.csv", "alex", "official"),
            ("ELIC", "b/again:table.xlsx", "alex", "re-run"),
            ("Shallow", "c/shallow:aggregate.json", "unknown", "LPIPS net not stated"),
        )
        for step, bpp in enumerate((0.06, 0.12, 0.25, 0.5, 1.0))
    ]


def write_results(folder: Path) -> Path:
    """results/ as the project lays it out, in `folder`."""
    rows = made_up_rows()
    for codec in {row.codec for row in rows}:
        path = folder / "kodak" / f"{codec}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_rows(path, [row for row in rows if row.codec == codec])
    (folder / "kodak" / "dataset.json").write_text('{"label": "Kodak (3)"}', encoding="utf-8")
    published = folder / "published" / "points.csv"
    published.parent.mkdir(parents=True, exist_ok=True)
    fixed = PublishedPoint._fields[:-1]
    lines = [",".join([*fixed, "psnr", "ms_ssim", "lpips"])]
    for *cells, values in published_points():
        lines.append(",".join(map(str, [*cells, *values.values()])))
    published.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
