"""How a results file was made: command, versions, commit and device."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mode_core.settings import ROOT
from mode_core.stream.atomic import write_atomic

PACKAGES = (
    "torch", "torchvision", "compressai", "lpips", "numpy", "pillow", "imagecodecs",
)  # fmt: skip


def write_provenance(
    path: Path, command: str, kept_rows: bool = False, more: Mapping[str, object] = {}
) -> None:
    """The JSON file beside the rows; it may differ between runs, the rows may not.

    Where a resumed run kept rows, the commits that made them stay on record.
    """
    earlier = {"earlier_commits": _commits(path) if kept_rows else []}
    _write(path, {**_here(command, earlier), **more})


def note_addition(
    path: Path, command: str, metrics: Sequence[str], more: Mapping[str, object] = {}
) -> None:
    """Say in the JSON file beside the rows how these metrics got into them later."""
    facts, new = _facts(path), {"metrics": list(metrics), **_here(command), **more}
    added = [one for one in facts.get("added", []) if one != new]
    _write(path, {**facts, "added": [*added, new]})


def _here(command: str, earlier: Mapping[str, object] = {}) -> dict[str, object]:
    """What numbers were made by: a command, and all that it stands on."""
    from mode_core.layers.device import fast_type

    return {
        "command": command,
        "commit": commit(),
        **earlier,
        "device": device(),
        "bundled_weights_draw_in": str(fast_type()).removeprefix("torch."),
        "versions": {"python": platform.python_version(), **versions(PACKAGES)},
    }


def _write(path: Path, facts: Mapping[str, object]) -> None:
    write_atomic(path, (json.dumps(facts, indent=2) + "\n").encode())


def _facts(path: Path) -> dict[str, Any]:
    """What the file says; nothing where there is none that can be read."""
    try:
        facts = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def commit() -> str:
    """The commit of this working copy, with "-dirty" after changes; "unknown" outside of one."""
    if not (ROOT / ".git").exists():
        return "unknown"
    try:
        head = _git("rev-parse", "HEAD")
        # Fresh results are no change of the program that makes them.
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":!results")
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return f"{head}-dirty" if changed else head


def device() -> str:
    """The processor, or the GPU where learned codecs use one."""
    import torch

    from mode_core.layers.device import chosen_device

    if chosen_device().type == "cuda":
        return str(torch.cuda.get_device_name(chosen_device()))
    return f"cpu ({platform.machine()}, {torch.backends.cpu.get_cpu_capability()})"


def _commits(path: Path) -> list[str]:
    """Every commit that an earlier provenance file names, but for the present one."""
    try:
        facts = json.loads(path.read_bytes())
        found = {facts["commit"], *facts["earlier_commits"]}
    except (OSError, ValueError, LookupError, TypeError):
        return ["unknown"]
    return sorted(found - {commit()})


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Which of these packages are here, for whoever wonders why bytes differ."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found
