"""`sizes.csv`: how many bytes the files have that pictures were decoded from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from app.panes.names import plain_name
from mode_core.errors import ResultsError
from mode_core.stream.cells import as_written
from mode_core.stream.sheets import SIZES, bytes_in, rows_of

MOST_BYTES = 10**12
_MOST_ROWS = 4000
_WANTED = "codec, rate, image and bytes, or name and bytes"
Place = tuple[str, str, str]


class Sizes:
    """Sizes by codec, rate and image, and by the name of a file; each is used or left over."""

    def __init__(self, places: Mapping[Place, int], names: Mapping[str, int]) -> None:
        self.places, self.names = places, names
        self._used: set[object] = set()

    def of(self, path: str, codec: str, rate: str, image: str) -> int | None:
        """The size that is stated for a picture; pictures go by their name with its ending too."""
        file = PurePosixPath(path).name
        keys: list[Place | str] = [(codec, rate, image), (codec, rate, file), path]
        if not codec:  # side by side a name says all, unless several codecs have it
            same = [key for key in self.places if key[2] in (image, file)]
            keys += [file, image, *(same if len(same) == 1 else [])]
        for key in keys:
            found = self.names.get(key) if isinstance(key, str) else self.places.get(key)
            if found is not None:
                self._used.add(key)
                return found
        return None

    def left_over(self) -> list[str]:
        """A sentence for each name that no picture has."""
        places = ["/".join(filter(None, key)) for key in self.places if key not in self._used]
        names = [key for key in self.names if key not in self._used]
        unknown = "and there is no such picture"
        left = (plain_name(one) if one else "a picture without a name" for one in (*places, *names))
        return [f"{SIZES} names {one}, {unknown}" for one in left]


def read_sizes(data: bytes, said: list[str]) -> Sizes:
    """The sizes in a table; what is wrong with a line is said, and the others are read."""
    text = data.decode("utf-8-sig", "replace").replace("\0", "")
    try:
        rows = rows_of(text, _MOST_ROWS)
    except ResultsError:
        said.append(f"{SIZES} is no table; it needs the columns {_WANTED}")
        return Sizes({}, {})
    if len(rows) > _MOST_ROWS + 1:
        said.append(f"{SIZES} has more than {_MOST_ROWS} lines; the rest is not read")
        rows = rows[: _MOST_ROWS + 1]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "bytes" not in header or not ({"image", "name"} & set(header)):
        said.append(f"{SIZES} needs the columns {_WANTED}")
        return Sizes({}, {})
    return _read(header, rows[1:], said)


def _read(header: Sequence[str], rows: Sequence[Sequence[str]], said: list[str]) -> Sizes:
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
    return Sizes(places, names)
