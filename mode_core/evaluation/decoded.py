"""A folder of `CODEC/RATE/IMAGE.png` that somebody else decoded, and all that is wrong with it.

The bytes behind a picture stand in `sizes.csv` of that folder (codec, rate, image, bytes); where it
says nothing, they are those of the one other file beside the picture with the same stem.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from mode_core.errors import ModeError, ResultsError, refuse_all
from mode_core.evaluation.bench import name_in_rows
from mode_core.evaluation.workers import outcomes
from mode_core.pictures.files import ENDINGS, LOSSLESS, read_image
from mode_core.stream.sheets import SIZES, Known, alike, bytes_in, need_columns, read_sheet

COLUMNS = ("codec", "rate", "image", "bytes")
_MAX_SIZES = 1_000_000
_LAYOUT = "lay the pictures out as CODEC/RATE/IMAGE.png"
Key = tuple[str, str, str]
"""Codec, rate and the picture's stem."""


class Decoded(NamedTuple):
    """One decoded picture, and how many bytes it was decoded from."""

    codec: str
    rate: str
    photo: Path
    path: Path
    size: int
    size_from: str
    """`sizes.csv`, or `bitstreams`."""

    @property
    def where(self) -> str:
        """Where it lies, as its folder's owner would say it."""
        return f"{self.codec}/{self.rate}/{self.path.name}"


def find_pictures(
    folder: Path, photos: Sequence[Path], workers: int, say: Callable[[str], None]
) -> list[Decoded]:
    """The pictures of the folder; ResultsError if anything is wrong, after all of it was said."""
    if not folder.is_dir():
        raise ResultsError(f"{folder} is not a folder; {_LAYOUT} in one")
    problems: list[str] = []
    places = [place for codec in _folders(folder) for place in _rates(codec, problems)]
    if not places and not problems:
        raise ResultsError(f"{folder} holds no pictures; {_LAYOUT}")
    originals = _by_stem(photos, problems)
    wanted = {(name_in_rows(place.parent), name_in_rows(place)) for place in places}
    stated = _stated_sizes(folder / SIZES, wanted, originals, problems)
    found = [
        one for place in places for one in _of_rate(place, originals, stated, problems)
    ]  # fmt: skip
    problems += _misfits(found, workers)
    refuse_all(problems, say, f"nothing is measured or written until {folder} is in order")
    return found


def sizes_from(found: Sequence[Decoded], codec: str = "") -> dict[str, int]:
    """How many file sizes are from where, of one codec or of all."""
    return dict(Counter(one.size_from for one in found if codec in ("", one.codec)))


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _rates(codec: Path, problems: list[str]) -> list[Path]:
    rates = _folders(codec)
    if not rates:
        problems.append(f"{name_in_rows(codec)} holds no folder of a rate; {_LAYOUT}")
    return rates


def _by_stem(photos: Sequence[Path], problems: list[str]) -> dict[str, Path]:
    """The pictures of the data set by the name that others' pictures share with them."""
    originals: dict[str, Path] = {}
    for photo in photos:
        first = originals.setdefault(photo.stem, photo)
        if first is not photo:
            problems.append(
                f"the data set has {first.name} and {photo.name}: rename one, since decoded "
                "pictures are told apart by what stands before the ending"
            )
    return originals


def _stated_sizes(
    path: Path,
    wanted: set[tuple[str, str]],
    originals: Mapping[str, Path],
    problems: list[str],
) -> dict[Key, int]:
    """What `sizes.csv` says, if there is one; 0 where it says something that is no size."""
    stated: dict[Key, int] = {}
    if not path.exists():
        return stated
    places = Known(wanted, lambda place: (alike(place[0]), alike(place[1])))
    images = Known(originals, str.casefold)
    try:
        lines = list(_size_lines(path))
    except (ResultsError, OSError, UnicodeDecodeError) as error:
        why = "it is not text in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise ResultsError(f"{path}: {why}") from error
    for number, (codec, rate, image, size) in lines:
        place, stem = places.find((codec, rate)), images.find(image)
        stem = stem or images.find(PurePath(image).stem)
        where = f"{SIZES}, line {number}"
        if not (place and stem):
            problems.append(f"{where}: there is no picture {codec}/{rate}/{image}")
        elif (key := (*place, stem)) in stated:
            problems.append(f"{where}: {codec}/{rate}/{image} has a line already")
        elif (stated_bytes := bytes_in(size)) is None:
            stated[key] = 0
            problems.append(
                f"{where}: bytes of {codec}/{rate}/{image} are {size[:40]!r}; give a whole number"
            )
        else:
            stated[key] = stated_bytes
    return stated


def _size_lines(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    text = path.read_bytes().decode()
    header, cells, lines = read_sheet(text, lambda cell: cell.strip().lower(), _MAX_SIZES)
    need_columns(COLUMNS, header, cells, ", ".join(COLUMNS))
    for number, line in lines:
        yield number, tuple(line[column] for column in COLUMNS)


def _of_rate(
    place: Path, originals: Mapping[str, Path], stated: Mapping[Key, int], problems: list[str]
) -> Iterator[Decoded]:
    """The pictures of one rate, each with its size."""
    codec, rate = name_in_rows(place.parent), name_in_rows(place)
    groups: dict[str, list[Path]] = defaultdict(list)
    known = Known(originals, str.casefold)
    for path in sorted(place.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            groups[known.find(path.stem) or path.stem].append(path)
    pictures = {stem: _pictures(paths) for stem, paths in groups.items()}
    if not any(pictures.values()):
        problems.append(f"{codec}/{rate} holds no pictures ({', '.join(ENDINGS)})")
        return
    for stem in pictures.keys() - originals.keys():
        problems += [
            f"{codec}/{rate}/{name_in_rows(path)} has the name of no picture of the data set"
            for path in pictures[stem]
        ]
    for stem, photo in originals.items():
        named = f"{codec}/{rate}/{stem}"
        match pictures.get(stem, []):
            case []:
                problems.append(f"{named} is missing")
            case [path]:
                beside = [one for one in groups[stem] if one != path]
                size, source = stated.get((codec, rate, stem)), SIZES
                if size is None:
                    size, source = _size_beside(named, beside, problems), "bitstreams"
                yield Decoded(codec, rate, photo, path, size, source)
            case several:
                names = " and ".join(path.name for path in several)
                problems.append(f"{named} could be {names}; leave one of them there")


def _pictures(paths: Sequence[Path]) -> list[Path]:
    """The pictures among files of one stem: a lossless one, where its JPEG lies beside it."""
    pictures = [path for path in paths if path.suffix.lower() in ENDINGS]
    lossless = [path for path in pictures if path.suffix.lower() in LOSSLESS]
    return lossless or pictures


def _size_beside(named: str, beside: Sequence[Path], problems: list[str]) -> int:
    """The size of the only file beside a picture; 0 and a problem if there is no such file."""
    if len(beside) == 1 and (size := beside[0].stat().st_size):
        return size
    if not beside:
        problems.append(f"{named} has no bytes in {SIZES}, and no bitstream lies beside it")
    elif len(beside) == 1:
        problems.append(f"{named} has an empty bitstream, {beside[0].name}")
    else:
        names = ", ".join(path.name for path in beside)
        problems.append(f"{named} has several files beside it ({names}); give its bytes in {SIZES}")
    return 0


def _misfits(found: Sequence[Decoded], workers: int) -> list[str]:
    """A sentence on each picture that cannot be read or has another size than its original."""
    jobs: dict[Path, list[Decoded]] = defaultdict(list)
    for one in found:
        jobs[one.photo].append(one)
    said = {job[0].photo: lines for job, lines in outcomes([*jobs.values()], _unlike, workers)}
    return [sentence for photo in jobs for sentence in said[photo]]


def _unlike(pictures: Sequence[Decoded]) -> list[str]:
    try:
        height, width, _ = read_image(pictures[0].photo).shape
    except ModeError as error:
        return [f"the data set: {error}"]
    said = []
    for one in pictures:
        try:
            high, wide, _ = read_image(one.path).shape
        except ModeError as error:
            said.append(f"{one.codec}/{one.rate}: {error}")
        else:
            if (high, wide) != (height, width):
                said.append(f"{one.where} has {wide}x{high} pixels, its original {width}x{height}")
    return said
