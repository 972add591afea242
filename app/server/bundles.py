"""Zips and loose files as they came: tables of sizes, and the CODEC/RATE/IMAGE.png of each file.

A folder around everything says nothing. A zip without folders of codecs, among others, is one codec
by the name of the zip; and where two zips have the same paths, their names tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from app.panes.names import OPENED
from app.server.archive import File, UnreadableZip, is_litter, is_zip, path_of, unpacked
from app.server.layout import DEEPEST, ending_of, is_original, is_picture, parts_of, shown, stem_of
from app.server.sizes import NO_SIZES, Sizes, read_sizes
from mode_core.stream.sheets import SIZES

Files = Mapping[str, bytes]


class Bundle(NamedTuple):
    """What came as one: a zip, or all that came without one."""

    name: str
    """The zip's, without its ending; empty for loose files."""
    files: Files
    sizes: Sizes = NO_SIZES

    @property
    def pictures(self) -> list[str]:
        """The paths of its pictures."""
        return [path for path in self.files if is_picture(path)]


class Piece(NamedTuple):
    """A file, with the tables of sizes that may name it, and the path that each knows it by."""

    data: bytes
    known: tuple[tuple[Sizes, str], ...]


def pieces_of(
    sent: Sequence[File], most_bytes: int, said: list[str]
) -> tuple[dict[str, Piece], list[Sizes]]:
    """Every file by its place among all that came, and the tables; what is wrong is said."""
    loose, *zips = _with_sizes(_bundles(sent, most_bytes, said), said)
    zips = [_unwrapped(one, [loose, *zips]) for one in zips]
    found: dict[str, Piece] = {}
    for one in (loose, *zips):
        joined, clash = _is_joined(one, [loose, *zips]), _clashes(one, zips)
        tables = (one.sizes, loose.sizes) if one.name else (loose.sizes,)
        for inside, data in one.files.items():
            path = _placed(one, inside, joined, clash)
            known = tuple((table, inside) for table in tables)
            if path not in found:
                found[path] = Piece(data, known)
            elif found[path].data == data:  # it came twice, and either's table may name it
                found[path] = Piece(data, found[path].known + known)
            else:
                said.append(_left_out(path, one.name))
    return found, [one.sizes for one in (loose, *zips)]


def _bundles(sent: Sequence[File], most_bytes: int, said: list[str]) -> list[Bundle]:
    """The loose files, then zip after zip."""
    loose: dict[str, bytes] = {}
    zips: list[Bundle] = []
    used = 0
    for name, data in dict.fromkeys(sent):  # what came twice came once
        alone = PurePosixPath(path_of(name)).name
        if is_zip(data):
            try:
                files = dict(unpacked(data, most_bytes, used))
            except UnreadableZip as error:
                if len(sent) == 1:
                    raise
                raise UnreadableZip(f"{shown(alone)}: {error}") from error
            used += sum(map(len, files.values()))
            zips.append(Bundle(PurePosixPath(alone).stem.strip(".") or OPENED, files))
        elif not is_litter(alone):
            used += len(data)
            called = alone.strip(".") or OPENED
            if loose.setdefault(called, data) != data:
                said.append(_left_out(called, ""))
    return [Bundle("", loose), *zips]


def _left_out(path: str, zip_name: str) -> str:
    whose = f"that of {shown(zip_name)}.zip" if zip_name else "the second"
    return f"two files are called {shown(path)}, and {whose} was left out; give it another name"


def _with_sizes(bundles: Sequence[Bundle], said: list[str]) -> list[Bundle]:
    """The bundles with their tables read, and taken out of the files."""
    read = []
    for one in bundles:
        tables = [path for path in one.files if PurePosixPath(path).name.lower() == SIZES]
        tables.sort(key=lambda path: len(parts_of(path)))
        if len(tables) > 1:
            first = shown(tables[0])
            said.append(f"there are {len(tables)} files {SIZES}; {first} is read; make one of them")
        sizes = read_sizes(one.files[tables[0]], said, tables[0]) if tables else NO_SIZES
        files = {path: data for path, data in one.files.items() if path not in tables}
        read.append(Bundle(one.name, files, sizes))
    return read


def _unwrapped(one: Bundle, bundles: Sequence[Bundle]) -> Bundle:
    """The zip without the folders that were packed as a whole."""
    codecs = one.sizes.codecs | bundles[0].sizes.codecs
    joined = _is_joined(one, bundles)
    files, table = one.files, one.sizes.path
    while top := _wrapper(files, table, codecs, joined):
        inner = {path.removeprefix(f"{top}/"): data for path, data in files.items()}
        if len(inner) < len(files):  # one that lay beside the folder has the name of one in it
            break
        files, table = inner, table.removeprefix(f"{top}/")
    return one._replace(files=files, sizes=one.sizes.at(table))


def _wrapper(files: Files, table: str, codecs: frozenset[str], joined: bool) -> str:
    """The folder that all pictures lie in, unless it is a codec or an image's originals."""
    pictures = [parts_of(path) for path in files if is_picture(path)]
    tops = {parts[0] for parts in pictures}
    depths = {len(parts) for parts in pictures}
    if len(tops) != 1 or min(depths) < 2 or is_original(top := tops.pop()):
        return ""
    within = {parts[1].lower() for parts in pictures if len(parts) > 2}
    if max(depths) > DEEPEST or any(map(is_original, within)):
        return top
    if top.lower() in codecs or (joined and depths == {2}):
        return ""
    # a folder of folders may be a codec with its rates; a table lies beside the folders of codecs
    of_codecs = within & codecs or table.startswith(f"{top}/")
    return top if of_codecs or depths != {DEEPEST} else ""


def _is_joined(one: Bundle, bundles: Sequence[Bundle]) -> bool:
    """Whether other zips came beside this one, or loose pictures of the same names."""
    loose, *zips = bundles
    names = {parts_of(stem_of(path))[-1].casefold() for path in one.pictures}
    others = any(other.pictures for other in zips if other is not one)
    return bool(one.name) and (
        others or any(stem_of(path).casefold() in names for path in loose.pictures)
    )


def _clashes(one: Bundle, zips: Sequence[Bundle]) -> bool:
    """Whether another zip has a picture at the same place that is not the same."""
    others = [other.files for other in zips if other is not one] if one.name else []
    made = [path for path in one.pictures if not is_original(parts_of(path)[0])]
    return any(
        files.get(path, one.files[path]) != one.files[path] for path in made for files in others
    )


def _placed(one: Bundle, path: str, joined: bool, clash: bool) -> str:
    """The path of a file among all that came."""
    *folders, name = parts_of(path)
    depth = max((len(parts_of(picture)) for picture in one.pictures), default=0)
    if depth == 1 and joined:
        if any(is_original(stem_of(picture)) for picture in one.pictures):
            return (
                f"{stem_of(name)}/{one.name}{ending_of(name)}"  # all of one image, as its name says
            )
        return f"{one.name}/{name}"
    if not clash or not folders or is_original(folders[0]):
        return path
    if depth < DEEPEST:
        return f"{one.name}/{path}"
    codec = (
        folders[0] if folders[0].casefold() == one.name.casefold() else f"{one.name} {folders[0]}"
    )
    return "/".join([codec, *folders[1:], name])
