"""How a benchmark grows with pictures and workers: one process against Ray on this machine.

    OMP_NUM_THREADS=1 python tools/scaling_bench.py PHOTOS --pictures 6,12,24 --workers 1,2

One worker is `bench` by itself, more are `bench --ray local`. All runs of as many pictures must
give the same bytes. Adds to results/scaling_bench.csv; wants idle cores and
requirements-cluster.txt.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from growth import add_rows, numbers

ROOT = Path(__file__).parents[1]
CSV = ROOT / "results" / "scaling_bench.csv"
FIELDS = ("engine", "workers", "pictures", "codecs", "rates", "rows", "seconds", "load", "digest")
Row = dict[str, Any]


def measured(args: argparse.Namespace) -> Iterator[Row]:
    """A row for each number of pictures and of workers."""
    photos = sorted(args.photos.glob("*.png"))
    for pictures in args.pictures:
        if pictures > len(photos):
            raise SystemExit(f"{args.photos} holds {len(photos)} photos, not {pictures}")
        rows = [run(photos[:pictures], workers, args) for workers in args.workers]
        if len({row["digest"] for row in rows}) > 1:
            raise SystemExit(f"{pictures} pictures: not the same bytes: {rows}")
        yield from rows


def run(photos: list[Path], workers: int, args: argparse.Namespace) -> Row:
    """One benchmark from start to end."""
    engine = "process" if workers == 1 else "ray"
    with TemporaryDirectory() as made:
        folder, out = Path(made, "photos"), Path(made, "rows")
        folder.mkdir()
        for photo in photos:
            (folder / photo.name).symlink_to(photo.resolve())
        words = [sys.executable, "-m", "mode_core", "bench", str(folder), "--out", str(out)]
        words += ["--codecs", args.codecs, "--bpp", args.bpp, "--workers", str(workers)]
        words += ["--ray", "local"] if engine == "ray" else []
        load, began = os.getloadavg()[0], time.monotonic()
        subprocess.run(words, cwd=ROOT, check=True)
        seconds = time.monotonic() - began
        tables = [out / f"{codec}.csv" for codec in args.codecs.split(",")]
        found = [table.read_bytes() for table in tables]
    row = {
        "engine": engine, "workers": workers, "pictures": len(photos),
        "codecs": args.codecs.replace(",", " "), "rates": len(args.bpp.split(",")),
        "rows": sum(len(one.splitlines()) - 1 for one in found), "seconds": round(seconds, 1),
        "load": round(load, 1), "digest": sha256(b"".join(found)).hexdigest()[:12],
    }  # fmt: skip
    print(row, flush=True)
    return row


def main() -> None:
    """Measure, and add to the CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--pictures", type=numbers, default=[6, 12, 24])
    parser.add_argument("--workers", type=numbers, default=[1, 2])
    parser.add_argument("--codecs", default="jpeg,elic")
    parser.add_argument("--bpp", default="0.2,0.4")
    args = parser.parse_args()
    add_rows(CSV, FIELDS, measured(args))


if __name__ == "__main__":
    main()
