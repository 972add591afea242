"""Zips that no honest program packs, and one that every program does."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping

from mode_core.pictures.files import png_bytes
from tests.conftest import make_photo

PICTURE = png_bytes(make_photo(16, 16))


def zip_of(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return file.getvalue()


def zip64_of(files: Mapping[str, bytes], told: int | None = None) -> bytes:
    """With 64-bit sizes and list, as programs write it that do not know beforehand how much comes.

    The end as all zips have it may tell another count of files.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            with packed.open(name, "w", force_zip64=True) as entry:
                entry.write(data)
    data = file.getvalue()
    place = data.rindex(b"PK\x05\x06")
    _, _, count, _, size, start = struct.unpack_from("<4H2I", data, place + 4)
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, place, 1)
    most = (0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF) if told is None else (told, told, 46, 0)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, *most, 0)
    return data[:place] + record + locator + end


def _named(name: str) -> bytes:
    return zip_of({"a.png": PICTURE, name: PICTURE})


def _link(kind: int = stat.S_IFLNK) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        entry = zipfile.ZipInfo("a.png")
        entry.external_attr = (kind | 0o777) << 16
        packed.writestr(entry, "/etc/passwd")
    return file.getvalue()


def _patched(data: bytes, in_list: int, value: bytes) -> bytes:
    """With other bytes at a place of the first entry of the list."""
    place = data.index(b"PK\x01\x02") + in_list
    return data[:place] + value + data[place + len(value) :]


def _liar() -> bytes:
    """The list says that ten bytes unpack to a hundred; their checksum is that of the hundred."""
    packed = zip_of({"a.png": bytes(1 << 20)})
    return _patched(packed, 24, struct.pack("<I", 10))


def _overlapping(count: int = 100) -> bytes:
    """One entry's bytes under many names."""
    packed = zip_of({"00.png": bytes(1 << 20)})
    start = packed.index(b"PK\x01\x02")
    end = packed.index(b"PK\x05\x06")
    entry = packed[start:end]
    entries = b"".join(entry.replace(b"00.png", b"%02d.png" % at) for at in range(count))
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(entries), start, 0)
    return packed[:start] + entries + tail


def _without_count(count: int = 3000) -> bytes:
    """Many entries, of which the end says that there are none."""
    packed = zip_of({f"{at}": b"" for at in range(count)})
    place = packed.index(b"PK\x05\x06") + 8
    return packed[:place] + bytes(4) + packed[place + 4 :]


ZIPS: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb": (lambda: zip_of({"a.png": bytes(8 << 20)}), "more than 1 MB"),
    "bombs": (lambda: zip_of({f"{at}.png": bytes(300_000) for at in range(9)}), "more than 1 MB"),
    "liar": (_liar, "damaged"),
    "overlapping": (_overlapping, "damaged|more than 1 MB"),
    "up": (lambda: _named("../a.png"), "'../a.png' leads out of it"),
    "up in the middle": (lambda: _named("x/../../b.png"), "leads out of it"),
    "backslashes": (lambda: _named("..\\..\\b.png"), "leads out of it"),
    "absolute": (lambda: _named("/etc/b.png"), "leads out of it"),
    "drive": (lambda: _named("C:\\b.png"), "leads out of it"),
    "here": (lambda: _named("./b.png"), "leads out of it"),
    "control": (
        lambda: _named("b\u202egnp.png"),
        "not opened: the name 'bgnp.png' has letters that cannot be seen, or none$",
    ),
    "long": (
        lambda: _named(f"{120 * 'a'}/0.1/{200 * 'b'}.png"),
        "not opened: the path of 'a+' has more than 300 letters$",
    ),
    "link": (_link, "is a link or a device"),
    "device": (lambda: _link(stat.S_IFCHR), "is a link or a device"),
    "encrypted": (lambda: _patched(zip_of({"a.png": PICTURE}), 8, b"\1\0"), "is encrypted"),
    "nested": (lambda: _named("b.zip"), "'b.zip' is a zip itself"),
    "nested by content": (
        lambda: zip_of({"b.png": zip_of({"c.png": PICTURE})}),
        "'b.png' is a zip itself",
    ),
    "lzma": (lambda: zip_of({"a.png": PICTURE}, zipfile.ZIP_LZMA), "another way than deflate"),
    "bzip2": (lambda: zip_of({"a.png": PICTURE}, zipfile.ZIP_BZIP2), "another way than deflate"),
    "twice": (lambda: zip_of({"x/a.png": PICTURE, "x\\a.png": PICTURE}), "is in it twice"),
    "crowd": (lambda: zip_of({f"{at}": b"" for at in range(10_000)}), "more than 2000 files"),
    "hidden crowd": (_without_count, "more than 2000 files|damaged"),
    "hidden crowd of zip64": (
        lambda: zip64_of({f"{at}": b"" for at in range(30_000)}, told=1),
        "more than 2000 files",
    ),
    "cut": (lambda: zip_of({"a.png": PICTURE})[:-30], "damaged or cut off"),
    "head": (lambda: b"PK\x03\x04" + bytes(50), "damaged or cut off"),
    "empty": (lambda: zip_of({}), "no picture"),
    "names": (
        lambda: _patched(zip_of({"aü.png": PICTURE}), 46, b"\xff\xfe\xfd"),
        "damaged or cut off",
    ),
}
"""How each is made, and what is said of it where one megabyte may be unpacked."""
