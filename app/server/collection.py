"""What files that came together are: which image each picture is of, and how large its file is.

Runs in the process that reads what strangers send. Pictures lie side by side, all of one image, or
as CODEC/RATE/IMAGE.png; an original lies in a folder of that name, or bears the image's own name.
Whatever is wrong is told in one sentence each, and the rest is opened.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from app.panes.names import OPENED, plain_name
from app.server.archive import File, is_zip, path_of, unpacked
from app.server.sizes import Sizes, read_sizes
from app.server.store import ImageSet, Member
from mode_core.errors import ModeError
from mode_core.stream.sheets import SIZES

LOSSLESS = (".png", ".ppm", ".bmp", ".tif", ".tiff")
PICTURES = (*LOSSLESS, ".jpg", ".jpeg", ".webp", ".avif", ".jxl", ".gif")
ORIGINALS = ("original", "originals", "orig", "source", "reference", "ref", "gt", "uncompressed")
_DEEPEST = 3


class Unsorted(ModeError):
    """Files that came together and hold no picture."""


Sorted = tuple[list[ImageSet], dict[str, bytes], list[str]]


def sorted_out(sent: Sequence[File], most_bytes: int) -> Sorted:
    """The images, the bytes of their pictures by path, and what is wrong with the rest."""
    files, said = _all_files(sent, most_bytes)
    tables = [path for path in files if PurePosixPath(path).name.lower() == SIZES]
    said += [f"there are {len(tables)} files {SIZES}; one is read"] if len(tables) > 1 else []
    pictures = [path for path in files if _ending(path) in PICTURES]
    streams = _streams(files, pictures, said)
    pictures = [path for path in pictures if path not in streams.values()]
    rest = set(files) - {*pictures, *tables, *streams.values()}
    said += [f"{_shown(path)} is no picture, and has the name of none" for path in sorted(rest)]
    sizes = read_sizes(files[tables[0]], said) if tables else Sizes({}, {})
    deep = [path for path in pictures if len(_parts(path)) > _DEEPEST]
    said += [f"{_shown(path)} lies too deep; CODEC/RATE/IMAGE.png is the most" for path in deep]
    pictures = [path for path in pictures if path not in deep]
    if not pictures:
        raise Unsorted("; ".join(["there is no picture among these files", *said[:1]]))
    known = {path: len(files[stream]) for path, stream in streams.items()}
    members = {path: _member(path, sizes, known, said) for path in pictures}
    said += sizes.left_over()
    return _images(members, not said), {path: files[path] for path in pictures}, said


def _all_files(sent: Sequence[File], most_bytes: int) -> tuple[dict[str, bytes], list[str]]:
    """What was sent by its names, with what zips hold by its paths."""
    files: dict[str, bytes] = {}
    said: list[str] = []
    used = 0
    for name, data in sent:
        alone = PurePosixPath(path_of(name)).name.strip(".") or OPENED
        more = unpacked(data, most_bytes, used) if is_zip(data) else [(alone, data)]
        said += [f"{_shown(path)} came twice; one is read" for path, _ in more if path in files]
        used += sum(len(one) for _, one in more)
        files |= _without_wrapper(dict(more))
    return files, said


def _without_wrapper(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The folder that was packed as a whole says nothing of what lies in it."""
    tops = {path.split("/")[0] for path in files}
    depths = [len(_parts(path)) for path in files]
    # a folder of folders may be a codec with its rates, and then the name is needed
    one = len(tops) == 1 and min(depths, default=0) > 1
    if not one or (set(depths) == {_DEEPEST}):
        return dict(files)
    return {path.partition("/")[2]: data for path, data in files.items()}


def _streams(
    files: Mapping[str, bytes], pictures: Iterable[str], said: list[str]
) -> dict[str, str]:
    """The bitstream of each picture: the one other file of its name, beside a lossless picture."""
    named: dict[str, list[str]] = defaultdict(list)
    for path in files:
        named[str(PurePosixPath(path).with_suffix(""))].append(path)
    found = {}
    for same in named.values():
        whole = [path for path in same if _ending(path) in LOSSLESS]
        lossy = [path for path in same if _ending(path) in PICTURES and path not in whole]
        decoded = whole or lossy
        others = [path for path in same if path not in decoded]
        if len(decoded) == 1 and len(others) == 1:
            found[decoded[0]] = others[0]
        elif len(decoded) == 1 and others:
            said.append(f"{len(others)} files could be the bitstream of {_shown(decoded[0])}")
    return found


def _member(path: str, sizes: Sizes, streams: Mapping[str, int], said: list[str]) -> Member:
    """The picture with its name and, where somebody has said it, the size of its file."""
    codec, rate, image = place_of(path)
    stated = sizes.of(path, codec, rate, image)
    stream = streams.get(path)
    if stated is not None and stream is not None and stated != stream:
        said.append(
            f"{SIZES} gives {_shown(path)} {stated} bytes, and its bitstream has {stream}; "
            "the bitstream is believed"
        )
    name = plain_name(f"{codec} {rate}") if codec else plain_name(image)
    return Member(path, name, stated if stream is None else stream)


def place_of(path: str) -> tuple[str, str, str]:
    """Codec, rate and image of a picture, by the folders it lies in; empty where it has none."""
    *folders, name = _parts(path)
    codec, rate = [*folders, "", ""][:2]
    return codec, rate, PurePosixPath(name).stem


def _images(members: Mapping[str, Member], clear: bool) -> list[ImageSet]:
    flat = {path: one for path, one in members.items() if len(_parts(path)) == 1}
    nested = {path: one for path, one in members.items() if path not in flat}
    if not nested:
        original = _original_of(flat, clear)
        made = tuple(one for path, one in flat.items() if path != original)
        return [ImageSet(plain_name(place_of(original)[2]) if original else "", original, made)]
    images: dict[str, list[Member]] = defaultdict(list)
    originals = {place_of(path)[2]: path for path in flat}
    for path, member in nested.items():
        codec, _, image = place_of(path)
        if codec.lower() in ORIGINALS:
            originals[image] = path
        else:
            images[image].append(member)
    names = sorted({*images, *originals})
    return [
        ImageSet(plain_name(name), originals.get(name, ""), tuple(images.get(name, ())))
        for name in names
    ]


def _original_of(flat: Mapping[str, Member], clear: bool) -> str:
    """Which of these pictures the others were made of, as names and, where clear, sizes tell it."""
    stems = {path: place_of(path)[2].lower() for path in flat}
    called = [path for path, stem in stems.items() if stem in ORIGINALS]
    sizeless = [path for path, one in flat.items() if one.file_bytes is None]
    if len(called) == 1:
        return called[0]
    if clear and len(sizeless) == 1 and len(flat) > 1:
        return sizeless[0]
    shortest = min(stems, key=lambda path: len(stems[path]))
    start = stems[shortest]
    others = [stem for path, stem in stems.items() if path != shortest]
    longer = [stem.startswith(start) and not stem[len(start) :][:1].isalnum() for stem in others]
    return shortest if longer and all(longer) and shortest in sizeless else ""


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _ending(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


def _shown(path: str) -> str:
    """A stranger's path in a sentence."""
    return plain_name(path)
