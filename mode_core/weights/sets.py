"""Where weights are found, and how a network is made from them.

A set of weights is a folder of safetensors shards (`00.safetensors`, `01.safetensors`, ...) whose
metadata names codec, width and configuration. Bundled sets lie in `assets/weights/<codec>-<width>`,
imported ones in the folder of MODE_WEIGHTS (by default the user's cache), each with a `card.json`.
A damaged set is none: it is left out, named by `damaged`, and no other set suffers.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mode_core.errors import ModeError, WeightsUnavailable
from mode_core.settings import BUNDLED, cache_folder, setting
from mode_core.weights.headers import ODD, header_of

FOLDER_VARIABLE = "MODE_WEIGHTS"
PUBLIC = "public"
CARD = "card.json"
_OF_THE_SHARDS = ("codec", "width", "config", "identity", "experts", "shards")
"""Facts that no card may change."""
MENDING = "fetch the folder again", "delete it and import the checkpoint again"
"""What helps against damage of a bundled set, and of an imported one."""


@dataclass(frozen=True, slots=True)
class WeightsSet:
    """One folder of weights: what it is, without its tensors."""

    codec: str
    width: str
    folder: Path
    facts: dict[str, str] = field(hash=False)

    @property
    def shards(self) -> list[Path]:
        """The files, in order."""
        return _shards_in(self.folder)

    @property
    def is_public(self) -> bool:
        """Whether these are an author's weights."""
        return self.width.startswith(PUBLIC)

    @property
    def bpp(self) -> float:
        """The rate of an imported set, measured on the built-in picture; 0 if it was not."""
        return float(self.facts.get("bpp") or 0)


def profile_name(profile: str) -> str:
    """What people call weights of this kind: public, No-GAN."""
    return "No-GAN" if profile == f"{PUBLIC}-nogan" else profile


def weights_folders() -> list[Path]:
    """Where sets are looked for, imported ones last."""
    chosen = setting(FOLDER_VARIABLE)
    bundled = setting("MODE_BUNDLED")
    return [
        Path(bundled) if bundled else BUNDLED,
        Path(chosen) if chosen else cache_folder() / "weights",
    ]


def import_folder() -> Path:
    """The folder that imported sets go to, which may not exist yet; ModeError if it is closed."""
    home = weights_folders()[-1]
    there = next(one for one in (home.absolute(), *home.absolute().parents) if one.exists())
    if not os.access(there, os.W_OK):
        raise ModeError(
            f"{home} may not be written to; let {FOLDER_VARIABLE} name a folder that may be"
        )
    return home


Stamp = tuple[tuple[str, int, int, int], ...]


def weights_stamp() -> tuple[Stamp, ...]:
    """What is another one once a set has come, gone or changed; no file is opened for it."""
    return tuple(stamp_of(folder) for home in weights_folders() for folder in _folders_in(home))


def stamp_of(folder: Path) -> Stamp:
    """The same for one set."""
    return tuple(_state_of(file) for file in (*_shards_in(folder), folder / CARD))


def _state_of(file: Path) -> tuple[str, int, int, int]:
    # The sizes as well: a file that is still being copied changes nothing else of its folder.
    try:
        state = file.stat()
    except OSError:
        return str(file), 0, 0, 0
    return str(file), state.st_mtime_ns, state.st_size, state.st_ino


def all_weights() -> Iterator[WeightsSet]:
    """Every set that is present."""
    for home in weights_folders():
        for folder in _folders_in(home):
            found = set_in(folder)
            if found is not None:
                yield found


def _folders_in(home: Path) -> list[Path]:
    try:
        here = sorted(home.iterdir()) if home.is_dir() else []
    except OSError:
        return []
    return [folder for folder in here if not folder.name.startswith(".")]


def damaged() -> dict[Path, str]:
    """Folders that should hold weights and do not, each with a sentence that says what helps."""
    found = {}
    for home, how in zip(weights_folders(), MENDING, strict=True):
        if _is_closed(home):
            found[home] = f"{home} may not be read; let {FOLDER_VARIABLE} name another folder"
        for folder in _folders_in(home):
            if _shards_in(folder) and set_in(folder) is None:
                found[folder] = f"{folder} is damaged; {how}"
    return found


def _is_closed(home: Path) -> bool:
    try:
        if home.is_dir():
            next(home.iterdir(), None)
    except OSError:
        return True
    return False


def set_in(folder: Path) -> WeightsSet | None:
    """The set that a folder holds; None if it holds none, or a damaged one."""
    headers = [header_of(shard) for shard in _shards_in(folder)]
    if not headers or None in headers:
        return None
    own = headers[0].facts if headers[0] else {}
    if own.get("shards", str(len(headers))) != str(len(headers)):
        return None  # it is still being copied, or a part of it is lost
    noted = {name: text for name, text in _card(folder).items() if name not in _OF_THE_SHARDS}
    if not _fit(own):
        return None
    return WeightsSet(own["codec"], own.get("width", ""), folder, {**own, **noted})


def _shards_in(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.safetensors"))
    except OSError:
        return []


def _fit(facts: Mapping[str, str]) -> bool:
    """Whether facts are of the kind that whoever asks for them relies on."""
    try:
        named = re.fullmatch(r"[\w.-]+/[\w.-]*", f"{facts['codec']}/{facts.get('width', '')}")
        bytes.fromhex(facts.get("identity", "") + facts.get("experts", "").replace("-", ""))
        return bool(named) and isinstance(json.loads(facts["config"]), dict)
    except ODD:
        return False


def find_weights(codec: str, profile: str = "") -> WeightsSet:
    """The set of a codec: the bundled one, or the one of a named width (such as public).

    Of several bundled ones the first by name, a variant such as `tiny-eight` after all others.
    """
    mine = [one for one in all_weights() if one.codec == codec]
    if profile:
        usable = [one for one in mine if one.width == profile]
    else:
        usable = sorted(
            (one for one in mine if not one.is_public), key=lambda one: "-" in one.width
        )
    if usable:
        return usable[0]
    public = profile.startswith(PUBLIC)
    known = dict.fromkeys(one.width for one in all_weights() if one.codec == codec)
    if profile and not public and known:
        raise WeightsUnavailable(
            f"{codec} has no profile {profile!r}; choose one of {', '.join(known)}"
        )
    kind = f"{profile} weights" if profile else "weights"
    how = (
        f"train them with `python -m mode_core train {codec}` and the stages after it, which "
        "`train --help` names, and pack the run"
    )
    if public:
        how = (
            "`python -m mode_core weights list` says which there are, docs/public-weights.md how "
            "to get them"
        )
    home = weights_folders()[1 if public else 0]
    for folder, mending in damaged().items():
        # an imported set may have any name
        if home in (folder, folder.parent) and (public or folder.name.startswith(f"{codec}-")):
            raise WeightsUnavailable(f"{codec} has no {kind} that can be used: {mending}")
    raise WeightsUnavailable(f"{codec} has no {kind} in {home}; {how}")


def _card(folder: Path) -> dict[str, str]:
    """What was noted when a set was imported; nothing where the note is damaged."""
    try:
        noted = json.loads((folder / CARD).read_text(encoding="utf-8"))
        card = {str(k): str(v) for k, v in noted.items()}
        return card if 0 <= float(card.get("bpp") or 0) < math.inf else {}
    except ODD:
        return {}
