"""Where weights are found, and how a network is made from them.

A set of weights is a folder of safetensors shards (`00.safetensors`, `01.safetensors`, ...) whose
metadata names codec, width and configuration. Bundled sets lie in `assets/weights/<codec>-<width>`,
imported ones in the folder of MODE_WEIGHTS (by default the user's cache), each with a `card.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mode_core.errors import WeightsUnavailable
from mode_core.settings import BUNDLED, cache_folder, setting

FOLDER_VARIABLE = "MODE_WEIGHTS"
PUBLIC = "public"
CARD = "card.json"


@dataclass(frozen=True, slots=True)
class WeightsSet:
    """One folder of weights: what it is, without its tensors."""

    codec: str
    width: str
    folder: Path
    facts: dict[str, str]

    @property
    def shards(self) -> list[Path]:
        """The files, in order."""
        return sorted(self.folder.glob("*.safetensors"))

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
    return [BUNDLED, Path(chosen) if chosen else cache_folder() / "weights"]


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
    except PermissionError as error:
        raise WeightsUnavailable(
            f"{home}, where imported weights lie, may not be read; let {FOLDER_VARIABLE} name "
            "another folder"
        ) from error
    return [folder for folder in here if not folder.name.startswith(".")]


def broken_folders() -> list[Path]:
    """Folders of imported weights whose shards do not hold readable metadata any more."""
    return [
        folder
        for folder in _folders_in(weights_folders()[-1])
        if any(folder.glob("*.safetensors")) and set_in(folder) is None
    ]


def set_in(folder: Path) -> WeightsSet | None:
    """The set that a folder holds; None if it holds none."""
    shards = sorted(folder.glob("*.safetensors"))
    facts = _facts(shards[0]) | _card(folder) if shards else {}
    if not {"codec", "config"} <= facts.keys():
        return None
    return WeightsSet(facts["codec"], facts.get("width", ""), folder, facts)


def find_weights(codec: str, profile: str = "") -> WeightsSet:
    """The set of a codec: the bundled one, or the one of a named width (such as public)."""
    for found in all_weights():
        wanted = found.width == profile if profile else not found.is_public
        if found.codec == codec and wanted:
            return found
    public = profile.startswith(PUBLIC)
    known = dict.fromkeys(one.width for one in all_weights() if one.codec == codec)
    if profile and not public and known:
        raise WeightsUnavailable(
            f"{codec} has no profile {profile!r}; choose one of {', '.join(known)}"
        )
    kind = f"{profile} weights" if profile else "weights"
    how = f"train them with `python -m mode_core train {codec}` and pack the run"
    if public:
        how = "`python -m mode_core weights list` and docs/public-weights.md say how to get them"
    home = weights_folders()[1 if public else 0]
    raise WeightsUnavailable(f"{codec} has no {kind} in {home}; {how}")


def _facts(shard: Path) -> dict[str, str]:
    """A safetensors header's metadata, read without torch."""
    with shard.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length < 1 << 20:
            return {}
        try:
            header = json.loads(file.read(length))
        except ValueError:
            return {}
    return dict(header.get("__metadata__") or {})


def _card(folder: Path) -> dict[str, str]:
    """What was noted when a set was imported."""
    try:
        noted = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in noted.items()} if isinstance(noted, dict) else {}
