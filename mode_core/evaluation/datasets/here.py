"""Data sets that lie on this machine, in the folder of their name."""

from __future__ import annotations

from pathlib import Path

from mode_core.checkpoints.download import file_sha256
from mode_core.errors import ModeError
from mode_core.evaluation.datasets.table import Dataset
from mode_core.pictures.files import ENDINGS
from mode_core.settings import data_folder


def found_here(one: Dataset) -> Path | None:
    """The folder with all its pictures, None if there is none; ModeError if some are missing."""
    home = data_folder()
    folders = sorted(home.iterdir()) if home.is_dir() else []
    named = [path for path in folders if path.name.lower() == one.id and path.is_dir()]
    if not named:
        return None
    count = sum(path.suffix.lower() in ENDINGS for path in named[0].iterdir())
    if count != one.pictures:
        raise ModeError(
            f"{named[0]} holds {count} pictures, and {one.id} has {one.pictures}; complete it, or "
            "remove the folder to have it fetched"
        )
    return named[0]


def doubts(one: Dataset, folder: Path) -> str:
    """What is not as published, where each picture's hash is known; "" if nothing is."""
    known = {file.name: file.copies[0].sha256 for file in one.files if not file.inside}
    wrong = [
        name
        for name, sha256 in known.items()
        if not (folder / name).is_file() or file_sha256(folder / name) != sha256
    ]
    if not wrong:
        return ""
    return (
        f"{folder}: {len(wrong)} of {len(known)} files are not those that are published "
        f"({', '.join(wrong[:3])}{', …' * (len(wrong) > 3)}), so numbers may differ from others'"
    )
