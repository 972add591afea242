"""`sizes.csv`: how many bytes the files have that pictures were decoded from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from app.panes.names import plain_name
from app.server.layout import Place, path_like, place_like, place_of
from mode_core.errors import ResultsError
from mode_core.stream.cells import as_written
from mode_core.stream.sheets import SIZES, Known, alike, bytes_in, rows_of

MOST_BYTES = 10**12
_MOST_ROWS = 4000
_WANTED = "codec, rate, image and bytes, or name and bytes"


class Sizes:
    """Sizes by codec, rate and image, and by the name of a file; each is used or left over."""

    def __init__(
        self, places: Mapping[Place, int], names: Mapping[str, int], path: str = SIZES
    ) -> None:
        self.places, self.names, self.path = places, names, path
        self._used: set[object] = set()
        self._known: Known[Place | str] = Known([*places, *names], _like)
        self._lines: dict[str, list[Place]] = defaultdict(list)
        for place in places:
            self._lines[place[2].casefold()].append(place)

    def at(self, path: str) -> Sizes:
        """The same table, which lies elsewhere."""
        return Sizes(self.places, self.names, path)

    @property
    def codecs(self) -> frozenset[str]:
        """The codecs that it names, in small letters."""
        return frozenset(codec.lower() for codec, _, _ in self.places if codec)

    def of(self, path: str, twin: bool = False, exact: bool = False) -> int | None:
        """The size that is stated for a picture, by its whole path or as the table's folder has it.

        One that has a twin goes by its ending too; an exact one, by small and large letters.
        """
        here = path.removeprefix(self.path[: -len(SIZES)])
        found = (self._of(one, twin, exact) for one in dict.fromkeys((path, here)))
        return next((size for size in found if size is not None), None)

    def _of(self, path: str, twin: bool, exact: bool) -> int | None:
        codec, rate, stem = place_of(path)
        file = PurePosixPath(path).name
        images = (file,) if twin else (stem, file)
        keys: list[Place | str] = [*((codec, rate, image) for image in images), path]
        keys += () if codec else images
        if not rate:  # what the path does not say any line may, if there is one such line
            same = self._anywhere(codec, images, exact)
            keys += same if len(same) == 1 else []
        for key in keys:
            known = key if exact else self._known.find(key)
            if known is None:
                continue
            found = self.names.get(known) if isinstance(known, str) else self.places.get(known)
            if found is not None:
                self._used.add(known)
                return found
        return None

    def _anywhere(self, codec: str, images: Sequence[str], exact: bool) -> list[Place]:
        """The lines of a codec, or of any, that name the image; its very name goes first."""
        lines = [key for image in images for key in self._lines.get(image.casefold(), ())]
        lines = [key for key in lines if not codec or alike(key[0]) == alike(codec)]
        same = [key for key in lines if key[2] in images and codec in ("", key[0])]
        return same if same or exact else lines

    def left_over(self) -> list[str]:
        """A sentence for each name that no picture has."""
        places = ["/".join(filter(None, key)) for key in self.places if key not in self._used]
        names = [key for key in self.names if key not in self._used]
        unknown = "and there is no such picture"
        left = (plain_name(one) if one else "a picture without a name" for one in (*places, *names))
        return [f"{SIZES} names {one}, {unknown}" for one in left]


def _like(key: Place | str) -> tuple[bool, tuple[str, ...]]:
    return isinstance(key, str), path_like(key) if isinstance(key, str) else place_like(key)


NO_SIZES = Sizes({}, {})


def read_sizes(data: bytes, said: list[str], path: str) -> Sizes:
    """The sizes in a table; what is wrong with a line is said, and the others are read."""
    text = data.decode("utf-8-sig", "replace").replace("\0", "")
    try:
        rows = rows_of(text, _MOST_ROWS)
    except ResultsError:
        said.append(f"{SIZES} is no table; it needs the columns {_WANTED}")
        return Sizes({}, {}, path)
    if len(rows) > _MOST_ROWS + 1:
        said.append(f"{SIZES} has more than {_MOST_ROWS} lines; the rest is not read")
        rows = rows[: _MOST_ROWS + 1]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "bytes" not in header or not ({"image", "name"} & set(header)):
        said.append(f"{SIZES} needs the columns {_WANTED}")
        return Sizes({}, {}, path)
    return Sizes(*_read(header, rows[1:], said), path)


def _read(
    header: Sequence[str], rows: Sequence[Sequence[str]], said: list[str]
) -> tuple[dict[Place, int], dict[str, int]]:
    """Sizes by places and by names."""
    places: dict[Place, int] = {}
    names: dict[str, int] = {}
    for number, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        line = dict(zip(header, (as_written(cell.strip()) for cell in row), strict=False))
        size = bytes_in(line.get("bytes", ""))
        if size is None:
            stated = plain_name(line.get("bytes", "") or "nothing")
            said.append(f"{SIZES}, line {number}: bytes is {stated}, and must be a whole number")
            continue
        place = line.get("codec", ""), line.get("rate", ""), line.get("image", "")
        if (place in places) if place[2] else (line.get("name", "") in names):
            said.append(f"{SIZES}, line {number}: the same picture stands there twice")
        elif place[2]:
            places[place] = size
        else:
            names[line.get("name", "")] = size
    return places, names
