"""Fetching a checkpoint: continues where it stopped, and is checked before anyone reads it.

The SHA-256 of a file that could be converted is noted beside it, so that another file under its
name is noticed later. Before that nobody knows whether the file is a checkpoint at all.
"""

from __future__ import annotations

import shutil
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from mode_core.errors import ModeError
from mode_core.stream.atomic import make_folder, size_in_words
from mode_core.types import Published

_PIECE = 1 << 20
_WAIT_S = 30


class DownloadError(ModeError):
    """A file that could not be fetched, or was not what it should be."""


def fetch(wanted: Published, folder: Path, sha256: str = "") -> Path:
    """The file of a published checkpoint, checked against a SHA-256 that is given or noted."""
    make_folder(folder)
    path = folder / wanted.file
    if not path.exists():
        part = path.with_name(path.name + ".part")
        _refuse_full_disk(folder, wanted, part)
        _download(wanted, part)
        _check(part, _note_of(path), sha256)
        part.rename(path)
    else:
        _check(path, _note_of(path), sha256)
    return path


def remember(path: Path, sha256: str) -> None:
    """Note the hash of a file that turned out to be a checkpoint."""
    _note_of(path).write_text(f"{sha256}  {path.name}\n", encoding="utf-8")


def forget(path: Path) -> None:
    """Delete a file that is of no use, and its note, so that it is fetched anew."""
    path.unlink(missing_ok=True)
    _note_of(path).unlink(missing_ok=True)


def _note_of(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _download(wanted: Published, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "mode-explorer"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with urlopen(Request(wanted.url, headers=headers), timeout=_WAIT_S) as answer:
            begins = str(answer.headers.get("Content-Range", ""))
            if answer.status != 206 or not begins.startswith(f"bytes {have}-"):
                have = 0
            total = have + int(answer.headers.get("Content-Length") or 0)
            _save(answer, part, have, total)
    except HTTPError as error:
        if error.code != 416:  # 416: all of it is here already
            raise _failed(wanted, f"the server answers {error.code} {error.reason}") from error
        return
    except (URLError, HTTPException, OSError) as error:
        raise _failed(wanted, str(getattr(error, "reason", error))) from error
    got = part.stat().st_size
    if total > have and got != total:
        reason = f"the connection broke after {got} of {total} bytes; run it again to continue"
        raise _failed(wanted, reason)


def _save(answer: HTTPResponse, part: Path, have: int, total: int) -> None:
    bar = tqdm(
        total=total or None, initial=have, unit="B", unit_scale=True, disable=None, desc=part.stem
    )  # fmt: skip
    with part.open("ab" if have else "wb") as file, bar:
        while piece := answer.read(_PIECE):
            file.write(piece)
            bar.update(len(piece))


def _check(path: Path, note: Path, sha256: str) -> None:
    from mode_core.checkpoints.convert import file_sha256

    noted = "" if sha256 or not note.exists() else note.read_text(encoding="utf-8")[:64]
    expected = sha256.lower() or noted
    found = file_sha256(path)
    if expected and found != expected:
        path.unlink()
        origin = f" (noted in {note}; delete that if the authors have a new file)" if noted else ""
        raise DownloadError(
            f"{note.stem} has the SHA-256 {found}, expected {expected}{origin}; it was deleted, "
            "run the command again"
        )


def _refuse_full_disk(folder: Path, wanted: Published, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    # room for the file and for what it is converted to
    needed, free = 2 * wanted.bytes_ - have, shutil.disk_usage(folder).free
    if free < needed:
        raise DownloadError(
            f"{folder} has {size_in_words(free)} free, {wanted.name} needs "
            f"{size_in_words(needed)} with its conversion; free some space or set MODE_WEIGHTS to "
            "another folder"
        )


def _failed(wanted: Published, reason: str) -> DownloadError:
    return DownloadError(
        f"{wanted.url} could not be fetched ({reason}). By hand: download it in a browser, then "
        f"run `python -m mode_core weights import {wanted.codec} {wanted.file} "
        f"--dialect {wanted.dialect} --name {wanted.name}`"
    )
