"""Pictures that tell whose they are, also when they were coded: each has a pattern of its own.

The pattern is light and dark cells, so large that codecs keep them at low rates. Those of two
numbers agree by chance only: a correlation of a half is six standard deviations away.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from mode_core.types import Image

LEAST_SIDE = 64
_CELLS = 12
_SAME = 0.5
_Pattern = npt.NDArray[np.float64]


def picture_of(number: int, width: int, height: int) -> Image:
    """The picture of this number: its cells over waves, with the noise of a camera."""
    rows, columns = np.mgrid[0:height, 0:width]
    light = 40 * _pattern(number)[rows * _CELLS // height, columns * _CELLS // width]
    waves = [np.sin(rows / (3 + c) + columns / (5 - c) + number) for c in range(3)]
    noise = np.random.default_rng([number, 1]).normal(0, 4, (height, width, 3))
    picture = 128 + light[..., None] + 25 * np.stack(waves, -1) + noise
    clipped: Image = np.clip(np.round(picture), 0, 255).astype(np.uint8)
    return clipped


def is_of(number: int, picture: Image) -> bool:
    """Whether a picture, coded or not, was made of the one of this number."""
    return _agreement(_pattern(number), _cells_of(picture)) > _SAME


def whose(picture: Image, numbers: Iterable[int]) -> int | None:
    """The number that a picture is of, None if it is of none of these."""
    return next((number for number in numbers if is_of(number, picture)), None)


def _pattern(number: int) -> _Pattern:
    return np.random.default_rng([number, 0]).choice([-1.0, 1.0], (_CELLS, _CELLS))


def _cells_of(picture: Image) -> _Pattern:
    """The mean light of each cell; a picture with fewer pixels than cells has none."""
    grey = picture.mean(-1)
    if min(grey.shape) < _CELLS:
        return np.zeros((_CELLS, _CELLS))
    # the first row or column that `picture_of` gives to each cell
    edges = [-(-np.arange(_CELLS) * side // _CELLS) for side in grey.shape]
    sums = np.add.reduceat(np.add.reduceat(grey, edges[0], 0), edges[1], 1)
    counts = [np.diff(np.append(edge, side)) for edge, side in zip(edges, grey.shape, strict=True)]
    means: _Pattern = sums / np.outer(*counts)
    return means


def _agreement(a: _Pattern, b: _Pattern) -> float:
    """The correlation of two patterns; 0 where one of them is flat."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 0 else 0.0
