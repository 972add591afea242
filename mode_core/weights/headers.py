"""Headers of safetensors files, read with suspicion and without torch: a damaged file has none."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

_LONGEST = 1 << 24
_BYTES_OF_A_NUMBER = 8
"""The most that one number takes up; the least is half a byte."""
ODD = (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What reading a file raises that is none of ours, or none any more."""


class Header(NamedTuple):
    """What a file says of itself."""

    facts: Mapping[str, str]
    numbers: int
    """How many its tensors hold."""


def header_of(shard: Path) -> Header | None:
    """The header of a whole file; None where it is damaged, cut off or something else."""
    try:
        state = shard.stat()
    except OSError:
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return _read(shard, state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=1024)
def _read(shard: Path, size: int, *_: int) -> Header | None:
    """The header of a file of this size; sets are asked for often, and files hardly change."""
    try:
        with shard.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(size - 8, _LONGEST):
                return None
            found = json.loads(file.read(length))
        facts = found.pop("__metadata__", None) or {}
        if not all(isinstance(text, str) for text in facts.values()):
            return None
        extents = [_extent(entry) for entry in found.values()]
    except ODD:
        return None
    end = max((stop for _, stop in extents), default=0)
    return Header(facts, sum(count for count, _ in extents)) if 8 + length + end == size else None


def _extent(entry: Any) -> tuple[int, int]:
    """How many numbers a tensor has and where its bytes end; ValueError if they cannot be."""
    start, stop = entry["data_offsets"]
    count = prod(entry["shape"])
    if not all(type(one) is int and one >= 0 for one in (start, stop, *entry["shape"])):
        raise ValueError("not a tensor's place")
    if not count <= 2 * (stop - start) <= 2 * _BYTES_OF_A_NUMBER * count:
        raise ValueError("a tensor of another size")
    return count, stop
