"""A public set of weights is made to be here: found, or fetched, checked and converted.

What is noted beside the downloads: the SHA-256 of a file that could be converted, so that another
file under its name is noticed later. Before that nobody knows whether it is a checkpoint at all.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from mode_core.checkpoints.connection import Address, DownloadError
from mode_core.checkpoints.download import Progress, download, file_sha256, remove_parts
from mode_core.checkpoints.hub import hub_address, is_on_hub
from mode_core.checkpoints.places import (
    Say,
    checked_address,
    from_anywhere,
    host_of,
    shown,
    waiting,
    written_in,
)
from mode_core.codecs.catalogue import all_made_from
from mode_core.errors import CheckpointError, ModeError
from mode_core.settings import setting
from mode_core.stream.atomic import make_folder, write_atomic
from mode_core.stream.lock import held
from mode_core.types import Published
from mode_core.weights.sets import WeightsSet, import_folder

MIRROR = "MODE_WEIGHTS_MIRROR"
_DOWNLOADS = "downloads"
_FOLDER = "MODE_WEIGHTS"


class Unobtainable(ModeError):
    """No address has given the file; `brief` says why without addresses, for visitors of a page."""

    def __init__(self, sentence: str, brief: str) -> None:
        super().__init__(sentence)
        self.brief = brief


class Hash(NamedTuple):
    """What a file's SHA-256 must be, and who says so."""

    sha256: str
    says: str


def obtain(
    one: Published,
    say: Say,
    progress: Progress,
    url: str = "",
    sha256: str = "",
    keep: bool = False,
) -> WeightsSet:
    """The set that is made of a public checkpoint; whoever else is at it is waited for."""
    urls = _addresses(one, url)
    home = import_folder()
    downloads = home / _DOWNLOADS
    with written_in(home, _FOLDER):
        make_folder(downloads)
        with held(downloads / f".{one.name}.lock", waiting(one.name, say)):
            found = here_already(one, sha256)
            return found or _made(one, home, urls, sha256, keep, say, progress)


def here_already(one: Published, sha256: str = "") -> WeightsSet | None:
    """The set that was made before; ModeError if that was from another file than the hash says."""
    found = all_made_from(one)
    wanted = sha256.lower()
    right = [made for made in found if made.facts.get("sha256") == wanted or not wanted]
    if found and not right:
        raise ModeError(
            f"{found[0].folder} was made from a file with the SHA-256 "
            f"{found[0].facts.get('sha256', 'that nobody has noted')}, not {wanted}; delete that "
            "folder and run it again, or leave out --sha256 to use what is here"
        )
    return right[0] if right else None


def _made(
    one: Published,
    home: Path,
    urls: list[str],
    sha256: str,
    keep: bool,
    say: Say,
    progress: Progress,
) -> WeightsSet:
    if (home / one.name).exists():
        raise ModeError(
            f"{home / one.name} is in the way: it is damaged or was made from another file; "
            "delete or rename it"
        )
    path = home / _DOWNLOADS / one.file
    made = _from_anywhere(one, path, urls, _expected(one, path, sha256), say, progress)
    write_atomic(_note_of(path), f"{made.facts['sha256']}  {path.name}\n".encode())
    remove_parts(path)
    if not keep:
        path.unlink()
    return made


def mirror() -> str:
    """The address below which the operator keeps copies, "" if there are none."""
    return checked_address(MIRROR, setting(MIRROR))


def _addresses(one: Published, url: str) -> list[str]:
    """Where a file may be: the one place that was named, or the operator's copies, then others."""
    base = checked_address("--url", url) or mirror()
    copies = [f"{base.rstrip('/')}/{quote(one.file)}"] if base else []
    return [url] if url else [*copies, *one.urls]


def _from_anywhere(
    one: Published, path: Path, urls: list[str], expected: Hash, say: Say, progress: Progress
) -> WeightsSet:
    """Each address is asked until one gives the file; one that lies here already comes first."""

    def attempt(url: str) -> WeightsSet:
        right = expected
        if url:
            say(f"fetching {one.file} from {host_of(url)}")
            right = _fetch(one, url, path, expected, progress)
        return _convert(one, path, url, right, say)

    here = [""] if path.exists() else []
    return from_anywhere([*here, *urls], attempt, lambda failed: _unobtainable(one, failed))


def _fetch(one: Published, url: str, path: Path, expected: Hash, progress: Progress) -> Hash:
    """Download a file; what it must be by now."""
    address = hub_address(url) if is_on_hub(url) else Address(url)
    if expected.sha256 and address.sha256 not in ("", expected.sha256):
        raise DownloadError(f"it has the SHA-256 {address.sha256}, {expected.says}")
    download(address, path, progress, one.bytes_)
    return expected if expected.sha256 else Hash(address.sha256, f"the hub says {address.sha256}")


def _convert(one: Published, path: Path, url: str, expected: Hash, say: Say) -> WeightsSet:
    """The set; a file that is of no use is deleted with its note, so that it is fetched anew."""
    found = file_sha256(path)
    if expected.sha256 and found != expected.sha256:
        path.unlink()
        raise DownloadError(f"its file, now deleted, has the SHA-256 {found}, {expected.says}")
    say(f"converting {one.file}")
    # not before: torch takes seconds
    from mode_core.checkpoints.convert import Origin, import_checkpoint

    origin = Origin(path, licence=one.licence, address=_address_of(one, url))
    try:
        return import_checkpoint(one.codec, origin, one.dialect, one.name)
    except CheckpointError as error:
        path.unlink()
        _note_of(path).unlink(missing_ok=True)
        raise DownloadError(f"{error}; it was deleted") from error


def _expected(one: Published, path: Path, sha256: str) -> Hash:
    note = _note_of(path)
    if sha256:
        return Hash(sha256.lower(), f"expected {sha256.lower()}")
    noted = ""
    if note.exists():
        noted = note.read_bytes()[:64].decode("ascii", "replace").lower()
    if re.fullmatch("[0-9a-f]{64}", noted):
        hint = f"noted in {note}; delete that if the authors have a new file"
        return Hash(noted, f"expected {noted} ({hint})")
    hint = "others have noted that; --sha256 says that another is right"
    return Hash(one.sha256, f"expected {one.sha256} ({hint})")


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _address_of(one: Published, url: str) -> str:
    """An address as it may be told."""
    return url if url in one.urls else shown(url)


def _unobtainable(one: Published, failed: dict[str, DownloadError]) -> Unobtainable:
    reasons: list[str] = []
    brief: dict[str, None] = {}
    for url, error in failed.items():
        refused = error.refused and url in one.urls and one.trouble
        reason = f"{error}; {one.trouble}" if refused else f"{error}"
        reasons.append(f"{_address_of(one, url) or host_of(url)}: {reason}")
        brief[f"{host_of(url)}: {reason}"] = None
    return Unobtainable(
        f"{one.file} could not be fetched ({'; '.join(reasons)}); what else works: --url ADDRESS "
        f"of another copy, {MIRROR}=ADDRESS of a folder that has it under its name, or download it "
        f"in a browser and run `python -m mode_core weights import {one.codec} {one.file} "
        f"--dialect {one.dialect} --name {one.name}`",
        "; ".join(brief),
    )
