"""What the ablations of several codecs share: runs that are whole or made anew, tables on disk."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_BEGUN, _ASKED = "running", "asked"
"""In the folder of a run that has not come to its end, and of one that has: its command."""


def train_once(
    stage: str,
    width: str,
    out: Path,
    photos: Sequence[Path],
    minutes: float,
    after: Path | None = None,
    more: Sequence[str] = (),
) -> None:
    """Run one stage to its end, unless it has ended; one that broke off begins anew."""
    begun, asked = out / _BEGUN, out / _ASKED
    words = [sys.executable, "-m", "mode_core", "train", stage, "--width", width]
    words += ["--out", str(out.absolute()), "--photos", *(str(one.absolute()) for one in photos)]
    words += ["--minutes", f"{minutes:.2f}", *more]
    words += ["--resume", str(after.absolute())] if after else []
    command = " ".join(words[3:])
    if (out / "weights.safetensors").exists() and not begun.exists():
        if asked.exists() and asked.read_text("utf-8") != command:
            sys.exit(f"{out} holds another run ({asked.read_text('utf-8')}); name another folder")
        return
    out.mkdir(parents=True, exist_ok=True)
    begun.write_text(command, "utf-8")
    if subprocess.run(words, cwd=ROOT).returncode:
        sys.exit(f"{stage} has not come to its end; what it said stands above")
    begun.replace(asked)


def rig_of(codec: str, run: Path) -> tuple[Any, dict[str, str]]:
    """The networks of a run, ready to be measured, and its facts."""
    from mode_core.codecs.stages import STAGES
    from mode_core.training.checkpoint import load_into, read_weights
    from mode_core.training.stage import Setup

    facts = read_weights(run)[1]
    rig = STAGES[codec].assemble(Setup(facts["width"]))
    load_into(rig.net, run, codec)
    rig.net.eval()
    return rig, facts


def others(path: Path, column: str, names: Container[str]) -> list[dict[str, Any]]:
    """The lines of a table that is there already, but those with these names in a column."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row[column] not in names]


def write_table(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write the rows once all are there: until then, the table of an earlier run stays."""
    rows = list(rows)
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        columns = dict.fromkeys(column for row in rows for column in row)
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    fresh.replace(path)
