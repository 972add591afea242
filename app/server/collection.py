"""What files that came together are: which image each picture is of, and how large its file is.

Runs in the process that reads what strangers send. Pictures lie side by side, all of one image, or
as CODEC/RATE/IMAGE.png; an original lies in a folder of that name, or bears the image's own name.
Whatever is wrong is told in one sentence each, and the rest is opened.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from app.panes.names import LONGEST_NAME, plain_name
from app.server.archive import File
from app.server.bundles import Piece, pieces_of
from app.server.layout import (
    DEEPEST,
    ending_of,
    is_original,
    is_picture,
    parts_of,
    path_like,
    place_of,
    shown,
    stem_of,
)  # fmt: skip
from app.server.store import ImageSet, Member
from mode_core.errors import ModeError
from mode_core.pictures.files import LOSSLESS
from mode_core.stream.sheets import SIZES


class Unsorted(ModeError):
    """Files that came together and hold no picture."""


Sorted = tuple[list[ImageSet], dict[str, bytes], list[str]]


def sorted_out(sent: Sequence[File], most_bytes: int) -> Sorted:
    """The images, the bytes of their pictures by path, and what is wrong with the rest."""
    said: list[str] = []
    pieces, tables = pieces_of(sent, most_bytes, said)
    streams, beside = _streams(pieces, said)
    pictures = [path for path in pieces if is_picture(path) and path not in beside]
    rest = set(pieces) - {*pictures, *beside}
    said += [f"{shown(path)} is no picture, and has the name of none" for path in sorted(rest)]
    deep = [path for path in pictures if len(parts_of(path)) > DEEPEST]
    said += [f"{shown(path)} lies too deep; CODEC/RATE/IMAGE.png is the most" for path in deep]
    pictures = [path for path in pictures if path not in deep]
    if not pictures:
        raise Unsorted("; ".join(["there is no picture among these files", *said[:1]]))
    known = {path: len(pieces[stream].data) for path, stream in streams.items()}
    twins = _twins(pictures)
    crowd = _crowded(pictures)
    members = {
        path: _member(path, pieces[path], path in twins, _like(path) in crowd, known, said)
        for path in pictures
    }
    said += [words for table in tables for words in table.left_over()]
    images = _images(members, said)
    return images, {path: pieces[path].data for path in pictures}, said


def _streams(pieces: Iterable[str], said: list[str]) -> tuple[dict[str, str], set[str]]:
    """The bitstream of each picture, and all files that could be one.

    It is the one other file of that name that is no picture. In the folder of a codec a JPEG, WebP,
    AVIF or JPEG XL beside a lossless picture is that too; elsewhere both are pictures to be shown.
    """
    named: dict[object, list[str]] = defaultdict(list)
    rest = [path for path in pieces if not is_picture(path)]
    crowd = _crowded(filter(is_picture, pieces)) | _crowded(rest)
    for path in pieces:
        named[stem_of(path) if _like(path) in crowd else _like(path)].append(path)
    found, beside = {}, set()
    for same in named.values():
        pictures = [path for path in same if is_picture(path)]
        whole = [path for path in pictures if ending_of(path) in LOSSLESS]
        decoded = whole if whole and _is_of_codec(whole[0]) else pictures
        others = [path for path in same if path not in decoded] if decoded else []
        beside.update(others)
        if len(decoded) == len(others) == 1:
            found[decoded[0]] = others[0]
        elif others:
            either = " or ".join(map(shown, decoded))
            count = f"{len(others)} files" if len(others) > 1 else shown(others[0])
            said.append(f"{count} could be the bitstream of {either}; give bytes in {SIZES}")
    return found, beside


def _is_of_codec(path: str) -> bool:
    """Whether it lies in the folder of a codec."""
    first, *more = parts_of(path)
    return bool(more) and not is_original(first)


def _like(path: str) -> tuple[str, ...]:
    return path_like(stem_of(path))


def _crowded(paths: Iterable[str]) -> set[tuple[str, ...]]:
    """What several paths are like, which are therefore told apart by their very letters."""
    return {like for like, n in Counter(map(path_like, set(map(stem_of, paths)))).items() if n > 1}


def _twins(pictures: Iterable[str]) -> set[str]:
    """The pictures that nothing but their ending tells from another."""
    count = Counter(map(stem_of, pictures))
    return {path for path in pictures if count[stem_of(path)] > 1}


def _member(
    path: str, piece: Piece, twin: bool, exact: bool, streams: Mapping[str, int], said: list[str]
) -> Member:
    """The picture with its name and, where somebody has said it, the size of its file."""
    found = [table.of(inside, twin, exact) for table, inside in piece.known]
    sizes = list(dict.fromkeys(size for size in found if size is not None))
    stated = sizes[0] if sizes else None
    if len(sizes) > 1:
        both = " and ".join(map(str, sizes))
        said.append(f"files {SIZES} give {shown(path)} {both} bytes; the first is believed")
    stream = streams.get(path)
    if stated is not None and stream is not None and stated != stream:
        said.append(
            f"{SIZES} gives {shown(path)} {stated} bytes, and its bitstream has {stream}; "
            "the bitstream is believed"
        )
    codec, rate, image = place_of(path)
    name = f"{codec} {rate}" if codec else image
    name += ending_of(path) if twin else ""
    return Member(path, plain_name(name), stated if stream is None else stream)


def _images(members: Mapping[str, Member], said: list[str]) -> list[ImageSet]:
    flat = {path: one for path, one in members.items() if len(parts_of(path)) == 1}
    if len(flat) == len(members):
        original = _original_of(flat, not said)
        made = tuple(one for path, one in flat.items() if path != original)
        return [ImageSet(plain_name(place_of(original)[2]) if original else "", original, made)]
    images: dict[str, list[Member]] = defaultdict(list)
    originals: dict[str, str] = {}
    named = _image_names(members)
    for path in sorted(members, key=lambda path: path in flat):  # a folder of originals comes first
        image = named[path]
        if _is_of_codec(path):
            images[image].append(members[path])
        elif originals.setdefault(image, path) != path:
            said.append(f"{shown(path)} is left out: {shown(originals[image])} is that original")
    names = sorted({*images, *originals})
    return [
        ImageSet(name, originals.get(image, ""), tuple(images.get(image, ())))
        for image, name in zip(names, _told_apart(names), strict=True)
    ]


def _image_names(pictures: Iterable[str]) -> dict[str, str]:
    """The image of each picture; k1 and K1 are one, as the original has it, unless side by side."""
    spelled: dict[tuple[str, str], set[str]] = defaultdict(set)
    images = {path: place_of(path)[2] for path in sorted(pictures, key=_is_of_codec)}
    for path, image in images.items():
        folder = path.rpartition("/")[0] if _is_of_codec(path) else ""
        spelled[folder, image.casefold()].add(image)
    apart = {like for (_, like), some in spelled.items() if len(some) > 1}
    first: dict[str, str] = {}
    return {
        path: image if (like := image.casefold()) in apart else first.setdefault(like, image)
        for path, image in images.items()
    }


def _told_apart(images: Iterable[str]) -> list[str]:
    """Short names of images, of which no two are alike."""
    names: dict[str, None] = {}
    more: Counter[str] = Counter()
    for image in images:
        name = short = plain_name(image)
        while name in names:
            more[short] += 1
            name = f"{short[: LONGEST_NAME - 7]} ({more[short] + 1})"
        names[name] = None
    return list(names)


def _original_of(flat: Mapping[str, Member], clear: bool) -> str:
    """Which of these pictures the others were made of, as names and, where clear, sizes tell it."""
    stems = {path: place_of(path)[2].lower() for path in flat}
    called = [path for path, stem in stems.items() if is_original(stem)]
    sizeless = [path for path, one in flat.items() if one.file_bytes is None]
    if len(called) == 1:
        return called[0]
    if clear and len(sizeless) == 1 and len(flat) > 1:
        return sizeless[0]
    shortest = min(stems, key=lambda path: len(stems[path]))
    start = stems[shortest]
    others = [stem for path, stem in stems.items() if path != shortest]
    longer = [
        stem != start and stem.startswith(start) and not stem[len(start) :][:1].isalnum()
        for stem in others
    ]
    return shortest if longer and all(longer) and shortest in sizeless else ""
