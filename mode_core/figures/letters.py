"""Text as it will be drawn: which letters there are, how long lines get, and where they break."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import PIL.ImageFont

FAMILY = "DejaVu Sans"
ASCENT, LEADING = 0.93, 1.2
"""Of a line above its base, and from line to line, by the size of the text."""
_EXACT = 1000
_UNKNOWN = "?"


@lru_cache(maxsize=8)
def font_of(size: float, bold: bool = False) -> PIL.ImageFont.FreeTypeFont:
    """The font at a size in dots; the one that matplotlib brings, which the PDF holds."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return PIL.ImageFont.truetype(path, size, layout_engine=PIL.ImageFont.Layout.BASIC)


def drawable(text: str) -> str:
    """The text on one line, with a question mark for each letter that the font does not have."""
    known = _letters()
    return "".join(one if ord(one) in known else _UNKNOWN for one in " ".join(text.split()))


def length(text: str, size: float, bold: bool = False) -> float:
    """How long a line is, in the unit of the size."""
    return font_of(_EXACT, bold).getlength(text) * size / _EXACT


def wrapped(text: str, size: float, width: float, bold: bool = False) -> list[str]:
    """The text as lines no longer than a width; a word that is too long goes on in the next."""
    lines = [""]
    for word in drawable(text).split():
        longer = f"{lines[-1]} {word}".strip()
        if length(longer, size, bold) <= width:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if length(lines[-1] + letter, size, bold) > width:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line]


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    """What the regular font and the bold one both can draw, one glyph a letter."""
    import matplotlib
    from matplotlib.ft2font import FT2Font

    home = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    maps = [
        FT2Font(str(home / name)).get_charmap()
        for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
    ]
    both = set(maps[0]) & set(maps[1])
    # joining scripts and marks would need shaping, which neither drawing does alike
    return frozenset(one for one in both if chr(one).isprintable() and not 0x300 <= one < 0x370)
