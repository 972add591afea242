"""Where weights are found, and how a network is made from them.

A set of weights is a folder of safetensors shards (`00.safetensors`, `01.safetensors`, ...) whose
metadata names codec, width and configuration. Bundled sets lie in `assets/weights/<codec>-<width>`,
imported ones in the folder of MODE_WEIGHTS (by default the user's cache), each with a `card.json`.
Its tag, written into every file, is the start of the SHA-256 over all shards; of an imported set,
of the checkpoint that it was made from and how. Several imported sets of a codec and width are one
family of fixed rates.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mode_core.errors import WeightsMismatch, WeightsUnavailable
from mode_core.settings import BUNDLED, cache_folder, setting

FOLDER_VARIABLE = "MODE_WEIGHTS"
TAG_BYTES = 4
PUBLIC = "public"
CARD = "card.json"
EXPERTS = ("elic", "vq")


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

    def digest(self) -> bytes:
        """SHA-256 over the digests of the experts, if any, and all shards; an import's identity."""
        if "identity" in self.facts:
            return bytes.fromhex(self.facts["identity"])
        total = hashlib.sha256()
        if "experts" in self.facts:
            for expert in EXPERTS:
                total.update(find_weights(expert).digest())
        for shard in self.shards:
            total.update(shard.read_bytes())
        return total.digest()


def profile_name(profile: str) -> str:
    """What people call weights of this kind: public, No-GAN."""
    return "No-GAN" if profile == f"{PUBLIC}-nogan" else profile


def tags_of(sets: Iterable[WeightsSet]) -> str:
    """For messages: the tag of each set, as files hold it, and its folder."""
    return ", ".join(f"{one.digest()[:TAG_BYTES].hex()} ({one.folder.name})" for one in sets)


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


def family(codec: str, profile: str = PUBLIC) -> list[WeightsSet]:
    """All imported sets of a codec and width, by rising rate; the same weights count once."""
    found = [one for one in all_weights() if (one.codec, one.width) == (codec, profile)]
    different = {one.digest(): one for one in found}.values()
    return sorted(different, key=lambda one: one.bpp) or [find_weights(codec, profile)]


def weights_of_tag(codec: str, tag: bytes) -> WeightsSet | None:
    """The imported set that a file was made with, if it is here."""
    imported = (found for found in all_weights() if found.codec == codec and found.is_public)
    return next((found for found in imported if found.digest()[:TAG_BYTES] == tag), None)


def public_experts(tags: str) -> list[WeightsSet]:
    """The imported sets that a public MoDE was trained on, by their tags."""
    found = []
    for codec, tag in zip(EXPERTS, tags.split("-"), strict=False):
        expert = weights_of_tag(codec, bytes.fromhex(tag))
        if expert is None:
            raise WeightsMismatch(
                f"this mode needs the imported {codec} weights with the tag {tag}; import the "
                "checkpoint that it was trained on"
            )
        found.append(expert)
    return found


def experts_tag() -> str:
    """Which elic and vq are bundled: MoDE belongs to exactly these."""
    return "-".join(find_weights(expert).digest()[:TAG_BYTES].hex() for expert in EXPERTS)


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
