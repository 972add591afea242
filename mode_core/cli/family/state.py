"""What a family has done so far, in its folder: read again when it goes on after a kill."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mode_core.cli.family.plan import DONE, FamilyError, Part
from mode_core.stream.atomic import write_atomic
from mode_core.training.data import ARCHIVES, SUFFIXES

FILE = "plan.json"
WEIGHTS = "weights.safetensors"


@dataclass
class State:
    """The run as it stands; `save` writes it whole."""

    out: Path
    minutes: float
    width: str
    spent_s: float = 0.0
    """Seconds of the time that are used, over all starts."""
    photos: str = ""
    """A hash of the names and sizes of the photos that it was begun with."""
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By stage: status, why, attempts, and the slot that it was given."""

    def save(self) -> None:
        """Write it."""
        facts = asdict(self)
        del facts["out"]
        text = json.dumps({**facts, "written": time.strftime("%Y-%m-%dT%H:%M:%S")}, indent=1)
        write_atomic(self.out / FILE, text.encode())

    def mark(self, name: str, **facts: Any) -> None:
        """Note facts of a stage."""
        self.stages.setdefault(name, {}).update(facts)
        self.save()

    def status(self, name: str) -> str:
        """What became of a stage; "" for nothing yet."""
        return str(self.stages.get(name, {}).get("status", ""))

    def folder(self, name: str) -> Path:
        """Where a stage's run is."""
        return self.out / name

    def results(self, parts: Sequence[Part]) -> list[str]:
        """The stages that have weights, of those that are over or were."""
        return [p.name for p in parts if (self.folder(p.name) / WEIGHTS).is_file()]

    def left(self, parts: Sequence[Part]) -> list[Part]:
        """Those that are not done."""
        return [part for part in parts if self.status(part.name) != DONE]


def fingerprint(sources: Sequence[Path], apart: Sequence[Path] = ()) -> str:
    """A hash of the names and sizes of photos and archives, without those in some folders."""
    lines = []
    for source in (source.resolve() for source in sources):
        home = source if source.is_dir() else source.parent
        for path in source.rglob("*") if source.is_dir() else [source]:
            # what a family writes may lie in a folder of photos
            written = any(path.is_relative_to(folder.resolve()) for folder in apart)
            read = path == source or path.name.lower().endswith((*SUFFIXES, *ARCHIVES))
            if read and not written and path.is_file():
                lines.append(f"{path.stat().st_size} {path.relative_to(home).as_posix()}")
    text = "\n".join(sorted(lines))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def opened(out: Path, minutes: float, width: str) -> State:
    """A new state, or that of an earlier start in the same folder."""
    path = out / FILE
    if not path.exists():
        return State(out, minutes, width)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        stages = {str(k): dict(v) for k, v in facts["stages"].items()}
        width_then, spent, photos = facts["width"], float(facts["spent_s"]), facts.get("photos", "")
        state = State(out, minutes, str(width_then), spent, str(photos), stages)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FamilyError(f"{path} is damaged; delete it, or name another --out") from error
    if state.width != width:
        raise FamilyError(
            f"{out} holds a family of width {state.width}; give --width {state.width} or another "
            "--out"
        )
    return state
