"""Files that are written whole or not at all, and the folders they go to."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; it becomes `path` if all goes well, or nothing is left."""
    part = path.with_name(f".{token_hex(4)}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file that gets its name only once all of it is written; links are followed."""
    expect_file(path)
    try:
        if path.exists() and not path.is_file():
            # A pipe or /dev/null is written to; renaming would put a file in its place.
            path.write_bytes(data)
        else:
            with replacing(path.resolve()) as part:
                part.write_bytes(data)
    except OSError as error:
        # The error names the file that was asked for, not the temporary one.
        raise type(error)(error.errno, error.strerror, str(path)) from error


def expect_file(path: Path) -> None:
    """OSError if no file could get this name: what can be known before it is made."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder; name a file", str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(path.parent))
    if not (path.exists() or os.access(path.parent, os.W_OK | os.X_OK)):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def expect_folder(path: Path) -> None:
    """OSError if no folder could have this name."""
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "is a file; name a folder", str(path))


def make_folder(path: Path) -> None:
    """The folder, with those above it; one that is there already is used as it is."""
    expect_folder(path)
    path.mkdir(parents=True, exist_ok=True)


def size_in_words(size: float) -> str:
    """A number of bytes for a sentence; two sizes that differ should not read alike."""
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.2f} GB"
