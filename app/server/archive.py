"""Zips of strangers, unpacked in memory: what could be a trap is refused whole, with a sentence.

Runs in the process that reads what strangers send. Nothing is written to a disk, and bytes are
counted while they are unpacked, whatever the zip says of itself.
"""

from __future__ import annotations

import re
import stat
import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from mode_core.errors import ModeError

MOST_ENTRIES = 2000
ZIP = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
_LISTED = b"PK\x01\x02"
"""Every entry in the list of a zip begins so."""
_MOST_LISTED = 3 * MOST_ENTRIES
"""Folders stand in the list too, and what systems leave behind: macOS adds a file to each."""
_LONGEST_PATH = 300
_CHUNK = 1 << 20
_LITTER = re.compile(r"(^|/)(__MACOSX(/|$)|\.[^/.]|Icon\r$|Thumbs\.db$|desktop\.ini$)", re.I)
_KINDS = (0, stat.S_IFREG, stat.S_IFDIR)
_DAMAGE = (
    BadZipFile, EOFError, IndexError, KeyError, NotImplementedError, OSError, OverflowError,
    RuntimeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
File = tuple[str, bytes]


class UnreadableZip(ModeError):
    """A zip that is damaged, too large, or built as an honest one is not."""


def is_zip(data: bytes) -> bool:
    """Whether these bytes are a zip, whatever their name says."""
    return data.startswith((ZIP, EMPTY_ZIP))


def unpacked(data: bytes, limit: int, used: int = 0) -> list[File]:
    """The files in a zip with their paths; UnreadableZip with one sentence otherwise.

    The limit is of all that came together, of which so many bytes are used.
    """
    _check_list(data)
    try:
        with ZipFile(BytesIO(data)) as zip:
            entries = [one for one in zip.infolist() if not is_litter(path_of(one.filename))]
            _check_entries(entries)
            files = [one for one in entries if not one.is_dir()]
            return list(_read(zip, files, limit, used))
    except _DAMAGE as error:
        raise UnreadableZip("the zip is damaged or cut off; pack it anew") from error


def is_litter(path: str) -> bool:
    """Whether a system has left this behind: nobody has sent it, and nobody misses it."""
    return bool(_LITTER.search(path))


def path_of(name: str) -> str:
    """A path as it stands in a zip, with the separators that all of them should have."""
    return name.replace("\\", "/")


def _check_list(data: bytes) -> None:
    """Before any of it is read: the list of a zip may name millions of files.

    Its entries themselves are counted. What the end says of them may be a lie, and zipfile
    believes the record of a ZIP64 wherever there is one.
    """
    if data.count(_LISTED) > _MOST_LISTED:
        raise UnreadableZip(f"the zip holds more than {MOST_ENTRIES} files; send fewer at a time")


def _check_entries(entries: Sequence[ZipInfo]) -> None:
    """Refuse what no honest program packs; every kind of it is named."""
    paths = Counter(path_of(one.filename) for one in entries)
    outside = [one.filename for one in entries if _leads_outside(path_of(one.filename))]
    long = [one.filename for one in entries if len(one.filename) > _LONGEST_PATH]
    unseen = [one.filename for one in entries if not (one.filename and one.filename.isprintable())]
    special = [one.filename for one in entries if _kind(one) not in _KINDS]
    locked = [one.filename for one in entries if one.flag_bits & 0x41]
    packed = [
        one.filename for one in entries if one.compress_type not in (ZIP_STORED, ZIP_DEFLATED)
    ]
    nested = [one.filename for one in entries if one.filename.lower().endswith(".zip")]
    found = (
        (f"it holds more than {MOST_ENTRIES} files", entries[MOST_ENTRIES:]),
        (f"{_shown(outside)} leads out of it", outside),
        (f"the path of {_shown(long)} has more than {_LONGEST_PATH} letters", long),
        (f"the name {_shown(unseen)} has letters that cannot be seen, or none", unseen),
        (f"{_shown(special)} is a link or a device", special),
        (f"{_shown(locked)} is encrypted", locked),
        (f"{_shown(packed)} is packed in another way than deflate", packed),
        (f"{_shown(nested)} is a zip itself", nested),
        (f"{_shown([name for name, n in paths.items() if n > 1])} is in it twice",
         [n for n in paths.values() if n > 1]),
    )  # fmt: skip
    if said := [words for words, some in found if some]:
        raise UnreadableZip(f"the zip is not opened: {'; '.join(said)}")


def _kind(entry: ZipInfo) -> int:
    """What the entry is on Unix, where it says so."""
    return stat.S_IFMT(entry.external_attr >> 16)


def _leads_outside(path: str) -> bool:
    parts = path.split("/")
    return path.startswith("/") or not {".", ".."}.isdisjoint(parts) or ":" in parts[0]


def _read(zip: ZipFile, entries: Sequence[ZipInfo], limit: int, used: int) -> Iterator[File]:
    for entry in entries:
        chunks = []
        with zip.open(entry) as file:
            while chunk := file.read(_CHUNK):
                chunks.append(chunk)
                used += len(chunk)
                if used > limit:
                    raise UnreadableZip(
                        f"the zip unpacks to more than {limit >> 20} MB, which is the limit "
                        "here; send fewer pictures at a time"
                    )
        data = b"".join(chunks)
        if data.startswith(ZIP):
            raise UnreadableZip(
                f"the zip is not opened: {_shown([entry.filename])} is a zip itself"
            )
        yield path_of(entry.filename), data


def _shown(names: Sequence[str]) -> str:
    """The first of these names, of letters that can be seen."""
    return repr("".join(one for one in names[0] if one.isprintable())[:60]) if names else ""
