"""What the server remembers: pictures and files in memory, bounded by their bytes.

Nothing is written to disk, so nothing is left behind. Keys cannot be guessed: they are keyed
hashes whose secret lives as long as the process.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from mode_core.types import Image

_SECRET = secrets.token_bytes(32)


def secret_key(*parts: bytes | str) -> str:
    """A name for this content that only this server can make."""
    mac = hmac.new(_SECRET, digestmod="sha256")
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        mac.update(len(data).to_bytes(8, "little") + data)
    return mac.hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Photo:
    """A canonical picture: what is shown and measured as the original."""

    key: str
    pixels: Image = field(repr=False)
    png: bytes = field(repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """One decoded picture, the file that it came from, and how it measures against its photo."""

    key: str
    label: str
    codec: str
    anchor: str
    photo: str
    """Key of the original, "" for a file that came without one."""
    pixels: Image = field(repr=False)
    png: bytes = field(repr=False)
    file: bytes = field(repr=False)
    target_bpp: float | None
    encode_s: float | None
    decode_s: float
    note: str = ""
    sha256: str = field(init=False)
    """Of the file: two pictures come from one file only if these are equal."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", hashlib.sha256(self.file).hexdigest())

    @property
    def bpp(self) -> float:
        """Bits per pixel of the whole file."""
        return 8 * len(self.file) / (self.pixels.size // 3)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded `.mode` file, checked but not yet decoded."""

    key: str
    data: bytes = field(repr=False)


Entry = Photo | Decoded | StoredFile


def size_of(entry: Entry) -> int:
    """The bytes that an entry holds on to."""
    match entry:
        case Photo():
            return entry.pixels.nbytes + len(entry.png)
        case Decoded():
            return entry.pixels.nbytes + len(entry.png) + len(entry.file)
        case StoredFile():
            return len(entry.data)


class Store:
    """Entries by key, the least recently used dropped when the bytes run out; thread-safe."""

    def __init__(self, limit: int) -> None:
        self.limit, self.bytes_ = limit, 0
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._pinned: dict[str, Entry] = {}
        self._lock = Lock()

    def put(self, entry: Entry) -> None:
        """Keep the entry, at the price of older ones; one larger than the limit stays alone."""
        with self._lock:
            if (old := self._entries.pop(entry.key, None)) is not None:
                self.bytes_ -= size_of(old)
            self._entries[entry.key] = entry
            self.bytes_ += size_of(entry)
            while self.bytes_ > self.limit and len(self._entries) > 1:
                _, dropped = self._entries.popitem(last=False)
                self.bytes_ -= size_of(dropped)

    def pin(self, entry: Entry) -> None:
        """Keep the entry for good, beside the limit: for the few that every visitor gets."""
        self._pinned[entry.key] = entry

    def get(self, key: str) -> Entry | None:
        """The entry, now the most recently used."""
        with self._lock:
            if (pinned := self._pinned.get(key)) is not None:
                return pinned
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def __len__(self) -> int:
        return len(self._entries)
