"""The table of codecs: the rows that open the folders beside this file.

A codec is a folder; nothing else has to know of it. Nothing is loaded here but these rows.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType, ModuleType

from mode_core import codecs
from mode_core.errors import BitstreamError, UnknownCodec
from mode_core.types import Codec, CodecInfo

_LEARNED = "mode_core.codecs.learned"


def _rows() -> Iterator[CodecInfo]:
    for found in pkgutil.iter_modules(codecs.__path__):
        if found.ispkg:
            home = import_module(f"{codecs.__name__}.{found.name}")
            yield from (replace(row, folder=home.__name__) for row in home.CODECS)


def _table(rows: list[CodecInfo]) -> Mapping[str, CodecInfo]:
    """The rows by id, in the order of their numbers; ValueError if two share an id or number."""
    table = {row.id: row for row in sorted(rows, key=lambda row: row.wire_id)}
    if len(table) < len(rows) or len({row.wire_id for row in rows}) < len(rows):
        named = ", ".join(f"{row.id} ({row.wire_id})" for row in rows)
        raise ValueError(f"two codecs share an id or a wire_id: {named}")
    return MappingProxyType(table)


CODECS: Mapping[str, CodecInfo] = _table(list(_rows()))


def find_codec(id: str) -> CodecInfo:
    """The codec of this name."""
    if id not in CODECS:
        raise UnknownCodec(f"there is no codec {id!r}; choose one of {', '.join(CODECS)}")
    return CODECS[id]


def codec_of(wire_id: int) -> CodecInfo:
    """The codec that wrote a file with this number."""
    for info in CODECS.values():
        if info.wire_id == wire_id:
            return info
    raise BitstreamError(f"the file was made by codec number {wire_id}, which is not known here")


def part_of(info: CodecInfo, name: str) -> ModuleType | None:
    """A module of the codec's folder: system, dialects, training; None if it has none."""
    module = f"{info.folder}.{name}"
    return import_module(module) if find_spec(module) else None


@lru_cache(maxsize=16)
def load_codec(id: str, profile: str = "") -> Codec:
    """The codec, ready to use; `profile` "" takes the bundled weights, "public" the authors'.

    A folder's own `build` makes it, or else the adapter that all networks share.
    """
    info = find_codec(id)
    home = import_module(info.folder)
    build = getattr(home, "build", None) or import_module(_LEARNED).build
    return build(info, profile)
