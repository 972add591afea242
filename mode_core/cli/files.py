"""Files that a command is given: what it reads, and where its result goes, standard output too."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mode_core.errors import BitstreamError, ModeError
from mode_core.stream.atomic import expect_file, write_atomic

MAX_FILE_BYTES = 100_000_000
"""25 megapixels of raw pixels and a good margin."""


def read_file(path: Path) -> bytes:
    """The bytes of a .mode file; a file too large to be one is refused before it is all read."""
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise BitstreamError(f"{path} is larger than any .mode file; name one that encode made")
    return data


def keep_original(source: Path, result: Path) -> None:
    """ModeError if a result would take the place of what it is made from."""
    if source.exists() and result.exists() and source.samefile(result):
        raise ModeError(f"{result} is the original, which is never overwritten; name another")


def expect(path: Path) -> None:
    """OSError, before any work, if a result could not be written there."""
    if not is_stdout(path):
        expect_file(path)


def write(path: Path, data: bytes) -> None:
    """Write a result into its file, or behind what went to standard output before."""
    if is_stdout(path):
        sys.stdout.buffer.write(data)
    else:
        write_atomic(path, data)


def say(path: Path, what: str) -> None:
    """Say what was written; beside the result where that goes to standard output."""
    print(f"{path}: {what}", file=sys.stderr if is_stdout(path) else sys.stdout)


def is_stdout(path: Path) -> bool:
    """Whether a path is where this command prints to, by whatever name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):  # not there, closed, or caught by the caller
        return path == Path("/dev/stdout")
