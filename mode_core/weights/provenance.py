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

UNFINISHED = ".partial.json"
_NOTHING: Mapping[str, list[str]] = {"earlier_commands": [], "earlier_commits": []}


def write_provenance(
    path: Path, command: str, kept_rows: bool = False, more: Mapping[str, object] = {}
) -> None:
    """The JSON file beside the rows; it may differ between runs, the rows may not.

    Where a resumed run kept rows, the commands and commits that made them stay on record, and what
    was added to them.
    """
    earlier = _before(path, command) if kept_rows else _NOTHING
    added = {"added": _facts(path)["added"]} if kept_rows and "added" in _facts(path) else {}
    _write(path, {**_here(command, earlier), **more, **added})
    path.with_suffix(UNFINISHED).unlink(missing_ok=True)


def note_start(path: Path, command: str, kept_rows: bool) -> None:
    """Say beside rows that are not all there yet what makes them: another run may go on with them.

    `path` is where `write_provenance` will say it, which then removes this file.
    """
    earlier = _before(path, command) if kept_rows else _NOTHING
    facts = {"command": command, "commit": commit(), **earlier}
    _write(path.with_suffix(UNFINISHED), facts)


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


def _before(path: Path, command: str) -> Mapping[str, list[str]]:
    """The commands and commits of finished and unfinished rows, each once, without this run's."""
    told = list(filter(None, map(_facts, (path, path.with_suffix(UNFINISHED))))) or [{}]
    now = {"command": command, "commit": commit()}
    found = {what: [one for facts in told for one in _chain(facts, what)] for what in now}
    return {
        f"earlier_{what}s": [one for one in dict.fromkeys(chain) if one != now[what]]
        for what, chain in found.items()
    }


def _chain(facts: Mapping[str, Any], what: str) -> list[str]:
    """What a file names, from the first on; "unknown" stands for what it does not tell."""
    told = facts.get(f"earlier_{what}s", ["unknown"] if _resumed(facts) else [])
    found = [*told, facts.get(what, "unknown")] if isinstance(told, list) else ["unknown"]
    return [str(one) for one in found]


def _resumed(facts: Mapping[str, Any]) -> bool:
    """Whether rows of other commands may have been kept; files did not always tell whose."""
    return bool(facts.get("earlier_commits", True)) or "--resume" in str(facts.get("command"))


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
