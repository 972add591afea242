"""What is measured: every codec before and after, on held-out pictures, by the code of `bench`."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw
from torch import Tensor

from mode_core.cli.family.plan import FAMILY
from mode_core.cli.family.runner import child_environment, kill
from mode_core.cli.family.state import State
from mode_core.errors import ModeError
from mode_core.evaluation.rows import PARTIAL_SUFFIX, Row, read_rows
from mode_core.evaluation.tables import markdown_table
from mode_core.metrics.table import METRICS
from mode_core.settings import ROOT
from mode_core.stream.atomic import replacing, write_atomic

TARGETS, QUICK_TARGETS = (0.1, 0.4), (0.2,)
SHOWN = ("psnr", "ms_ssim", "lpips")
SHORT_MINUTES, LONG_MINUTES = 5.0, 30.0
HEAD = ("codec", "anchor", "target", "measure", "before", "after")


def write_held_out(folder: Path, photos: Sequence[Tensor], minutes: float) -> None:
    """The middles of pictures that nothing is trained on, small where the time is short."""
    folder.mkdir(parents=True, exist_ok=True)
    most = 512 if minutes >= LONG_MINUTES else 256
    for number, photo in enumerate(photos):
        high, wide = (min(most, side // 64 * 64 or side) for side in photo.shape[1:])
        y, x = (photo.shape[1] - high) // 2, (photo.shape[2] - wide) // 2
        pixels = photo[:, y : y + high, x : x + wide].permute(1, 2, 0).numpy()
        with replacing(folder / f"{number}.png") as part:
            PillowImage.fromarray(np.ascontiguousarray(pixels)).save(part, "PNG")


def pictures_for(minutes: float) -> int:
    """How many pictures a table has."""
    return 2 if minutes < SHORT_MINUTES else 4


def forget_after(state: State) -> None:
    """Leave out what was measured of earlier packs."""
    shutil.rmtree(state.out / "table" / "after", ignore_errors=True)


def bench(state: State, when: str, codecs: Sequence[str]) -> subprocess.Popen[bytes]:
    """A process that measures codecs: `before` those that are bundled, `after` the packs."""
    home = state.out / "table"
    home.mkdir(exist_ok=True)
    packs = {"MODE_BUNDLED": str((state.out / "packs").absolute())} if when == "after" else {}
    words = [sys.executable, "-m", "mode_core", "bench", str(state.out / "held-out")]
    words += ["--out", str(home / when), "--codecs", ",".join(codecs), "--replace"]
    targets = QUICK_TARGETS if state.minutes < SHORT_MINUTES else TARGETS
    words += ["--bpp", ",".join(map(str, targets)), "--anchors", "fidelity,perception"]
    with (home / f"{when}-{'-'.join(codecs)}.txt").open("wb") as output:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=child_environment(MODE_DEVICE="cpu", OMP_NUM_THREADS="1", **packs),
            cwd=ROOT,
            start_new_session=True,
        )


def cards(state: State, codecs: Sequence[str]) -> subprocess.Popen[bytes]:
    """A process that writes the cards of packs."""
    words = [sys.executable, "-m", "mode_core", "weights", "card", *codecs]
    packs = str((state.out / "packs").absolute())
    with (state.out / "table" / "cards.txt").open("wb") as output:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=child_environment(MODE_BUNDLED=packs, MODE_DEVICE="cpu", OMP_NUM_THREADS="1"),
            cwd=ROOT,
            start_new_session=True,
        )


def finish(
    processes: Sequence[subprocess.Popen[bytes]], deadline: float, wait: Callable[[], None]
) -> int:
    """Wait for them until a time on the monotonic clock; how many were still at it."""
    while any(p.poll() is None for p in processes) and time.monotonic() < deadline:
        wait()
    late = [p for p in processes if p.poll() is None]
    for process in late:
        kill(process)
    return len(late)


def write_table(state: State) -> int:
    """table.md and table.csv from all rows that are there; how many lines."""
    held_out = sorted(path.name for path in (state.out / "held-out").glob("*.png"))
    home = state.out / "table"
    before, after = (_means(home / when, held_out) for when in ("before", "after"))
    lines = [(*key, before.get(key, ""), after.get(key, "")) for key in sorted({*before, *after})]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEAD, *lines])
    write_atomic(state.out / "table.csv", text.getvalue().encode())
    words = f"Means over the middles of {len(held_out)} held-out pictures; real files.\n\n"
    write_atomic(state.out / "table.md", (words + markdown_table(HEAD, lines) + "\n").encode())
    return len(lines)


def _means(folder: Path, held_out: Sequence[str]) -> dict[tuple[str, str, str, str], str]:
    """What is known of all held-out pictures: means over some compare with nothing."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in _rows(folder):
        groups.setdefault((row.codec, row.anchor or "-", f"{row.target_bpp:g}"), []).append(row)
    found: dict[tuple[str, str, str, str], str] = {}
    for key, rows in groups.items():
        if sorted(row.image for row in rows) != held_out:
            continue
        found[(*key, "bpp")] = f"{fmean(row.bpp for row in rows):.4f}"
        for name in SHOWN:
            values = [row.values[name] for row in rows if name in row.values]
            if name in METRICS and len(values) == len(rows):
                found[(*key, name)] = f"{fmean(values):.{METRICS[name].digits}f}"
    return found


def _rows(folder: Path) -> Iterator[Row]:
    """Rows of finished measurements, and of unfinished ones where there are no others."""
    for path in sorted(folder.glob("*.csv")):
        final = path.with_name(path.name.removesuffix(PARTIAL_SUFFIX) + ".csv")
        if ".timing" in path.name or (path.name.endswith(PARTIAL_SUFFIX) and final.exists()):
            continue
        try:
            yield from read_rows(path)
        except (ModeError, OSError):
            continue


def write_sheet(state: State) -> bool:
    """The validation pictures of all stages below each other; whether there are any."""
    strips = []
    for part in FAMILY:
        path = state.folder(part.name) / "validation.png"
        try:
            with PillowImage.open(path) as picture:
                strips.append((part.name, picture.convert("RGB")))
        except OSError:
            continue
    if not strips:
        return False
    margin = 18
    size = max(s.width for _, s in strips), sum(s.height + margin for _, s in strips)
    sheet = PillowImage.new("RGB", size, (40, 40, 40))
    pen, y = ImageDraw.Draw(sheet), 0
    for name, strip in strips:
        pen.text((4, y + 3), f"{name}: photos above, decoded below", fill=(230, 230, 230))
        sheet.paste(strip, (0, y + margin))
        y += strip.height + margin
    with replacing(state.out / "sheet.png") as part_of:
        sheet.save(part_of, "PNG")
    return True
