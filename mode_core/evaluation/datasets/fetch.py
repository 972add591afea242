"""A public data set is made to be here: fetched, checked by hash and count, unpacked into a folder.

What is whole stays in the folder of downloads until all of the set is there, so a cut costs nothing
twice. Of archives only pictures come out, by their last name alone: no path of one is followed.
"""

from __future__ import annotations

import re
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from struct import error as struct_error
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from mode_core.checkpoints.connection import Address, DownloadError
from mode_core.checkpoints.download import (
    Progress,
    Space,
    download,
    file_sha256,
    remove_parts,
)
from mode_core.checkpoints.places import Say, from_anywhere, host_of, waiting, written_in
from mode_core.errors import ModeError
from mode_core.evaluation.datasets.here import found_here
from mode_core.evaluation.datasets.table import Copy, Dataset, RemoteFile
from mode_core.settings import data_folder
from mode_core.stream.atomic import make_folder, size_in_words
from mode_core.stream.lock import held

VARIABLE = "MODE_DATA"
_DOWNLOADS = "downloads"
_SPACE = Space("what is unpacked from it", VARIABLE)
_MOST = 3
"""Times the size of an archive that its pictures may have: PNG hardly gets smaller."""
_PIECE = 1 << 20
_PLAIN = re.compile(r"[\w][\w .()+-]{0,150}")
_DAMAGED = (
    BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, struct_error,
)  # fmt: skip
"""What zipfile raises of bytes that are no zip, cut off, or packed in some other way."""


def obtain_dataset(one: Dataset, say: Say, progress: Progress) -> Path:
    """The folder of the set; whoever else fetches it is waited for."""
    home = data_folder()
    downloads = home / _DOWNLOADS
    with written_in(home, VARIABLE):
        make_folder(downloads)
        with held(downloads / f".{one.id}.lock", waiting(one.id, say)):
            return found_here(one) or _made(one, home, downloads, say, progress)


def _made(one: Dataset, home: Path, downloads: Path, say: Say, progress: Progress) -> Path:
    hosts = _Hosts(one, say)
    before = 0

    def all_of_it(done: int, total: int) -> None:
        progress(before + done, one.bytes_)

    for file in one.files:
        _fetch(one, file, downloads / file.name, hosts, all_of_it)
        before += file.bytes_
    part = home / f".{one.id}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for file in one.files:
        _lay(file, downloads / file.name, part)
    folder = part.rename(home / one.id)
    for file in one.files:
        (downloads / file.name).unlink(missing_ok=True)
        remove_parts(downloads / file.name)
    return folder


class _Hosts:
    """Whose copies are tried first: those that gave the last file; and what was said of it."""

    def __init__(self, one: Dataset, say: Say) -> None:
        self._one, self._say, self._said, self._first = one, say, "", 0

    def copies(self, file: RemoteFile) -> list[Copy]:
        """All of them, from the one on that is known to answer."""
        first = min(self._first, len(file.copies) - 1)
        return [*file.copies[first:], *file.copies[:first]]

    def tell(self, copy: Copy) -> None:
        """Once for each host, however many files it gives."""
        host = host_of(copy.url)
        if host != self._said:
            self._said = host
            what = f"{self._one.pictures} pictures, {size_in_words(self._one.bytes_)}"
            self._say(f"fetching {self._one.id} ({what}) from {host}")

    def gave(self, file: RemoteFile, copy: Copy) -> None:
        """Who did."""
        self._first = file.copies.index(copy)


def _fetch(one: Dataset, file: RemoteFile, path: Path, hosts: _Hosts, progress: Progress) -> None:
    """The file, whole and right; one that lies here already comes first."""
    copies = {copy.url: copy for copy in hosts.copies(file)}

    def attempt(url: str) -> None:
        known = {copy.sha256 for copy in file.copies}
        if url:
            hosts.tell(copies[url])
            download(Address(url), path, progress, file.bytes_, _SPACE)
            known = {copies[url].sha256}
        _check(file, path, known)
        if url:
            hosts.gave(file, copies[url])

    here = [""] if path.exists() else []
    from_anywhere([*here, *copies], attempt, lambda failed: _none(one, file, failed))


def _check(file: RemoteFile, path: Path, known: set[str]) -> None:
    """DownloadError, and the file is gone, if its hash or what is in it is not as it must be."""
    try:
        if "" not in known and (found := file_sha256(path)) not in known:
            published = " or ".join(sorted(known))
            raise DownloadError(
                f"its file, now deleted, has the SHA-256 {found}, published is {published}"
            )
        if file.inside:
            _read(path, lambda packed: _look_through(file, packed, path, "" in known))
    except DownloadError:
        path.unlink()
        raise


def _look_through(file: RemoteFile, packed: ZipFile, path: Path, all_bytes: bool) -> None:
    """The pictures are there; where no hash says so, every byte is held against their checksums."""
    for info in _pictures(file, packed, path.stat().st_size):
        with packed.open(info) as source:
            while all_bytes and source.read(_PIECE):
                pass


def _read(path: Path, use: Callable[[ZipFile], object]) -> None:
    try:
        with ZipFile(path) as packed:
            use(packed)
    except _DAMAGED as error:
        raise DownloadError("its zip, now deleted, is damaged or none") from error


def _pictures(file: RemoteFile, packed: ZipFile, size: int) -> list[ZipInfo]:
    """The pictures in an archive, all that belong to it and no two of one name."""
    inside = re.compile(file.inside)
    found = [
        info
        for info in packed.infolist()
        if inside.fullmatch(info.filename)
        and _PLAIN.fullmatch(PurePosixPath(info.filename).name)
        and not info.filename.startswith("__MACOSX/")
    ]
    names = {PurePosixPath(info.filename).name.lower() for info in found}
    if len(found) != file.pictures or len(names) != file.pictures:
        raise DownloadError(
            f"its zip, now deleted, has {len(names)} pictures where {file.pictures} belong"
        )
    if any(info.compress_type not in (ZIP_STORED, ZIP_DEFLATED) for info in found):
        raise DownloadError("its zip, now deleted, is packed in a way that no known copy is")
    if sum(info.file_size for info in found) > _MOST * size:
        raise DownloadError("its zip, now deleted, unpacks to far more than pictures do")
    return found


def _lay(file: RemoteFile, path: Path, folder: Path) -> None:
    """The pictures of one file into the folder of the set; a damaged archive is deleted."""
    if not file.inside:
        shutil.copyfile(path, folder / file.name)
        return

    def unpack(packed: ZipFile) -> None:
        for info in _pictures(file, packed, path.stat().st_size):
            name = PurePosixPath(info.filename).name
            with packed.open(info) as source, (folder / name).open("xb") as target:
                shutil.copyfileobj(source, target)

    try:
        _read(path, unpack)
    except DownloadError as error:
        path.unlink()
        raise ModeError(f"{file.name}: {error}; run it again to fetch it anew") from error


def _none(one: Dataset, file: RemoteFile, failed: dict[str, DownloadError]) -> ModeError:
    reasons = "; ".join(f"{url or host_of(url)}: {error}" for url, error in failed.items())
    return ModeError(
        f"{file.name} could not be fetched ({reasons}); what else works: fetch it in a browser "
        f"({one.source}) and put it into {data_folder() / _DOWNLOADS}, or put the {one.pictures} "
        f"pictures into {data_folder() / one.id}, or let {VARIABLE} name the folder in which "
        f"{one.id} lies"
    )
