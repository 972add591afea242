"""A figure as LaTeX: the picture at the width it was made for, and a caption that says it all."""

from __future__ import annotations

from collections.abc import Sequence

from mode_core.figures.grid import Grid
from mode_core.figures.numbers import Numbers
from mode_core.figures.plan import Figure, letters
from mode_core.figures.words import RATE_DIGITS, credits_of, footnotes, listed, name_of

_MARKS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "Δ": r"$\Delta$",
    "∞": r"$\infty$",
    "\u00d7": r"$\times$",
    "\u2013": "--",
    "\u2014": "---",
    "\u2018": "`",
    "\u2019": "'",
    "…": r"\dots{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}
_WRITABLE = range(0xA0, 0x180)
"""Beyond ASCII, what LaTeX writes without a package."""
_UNKNOWN = "?"


def escaped(text: str) -> str:
    """Any text as one line that LaTeX prints as it is, whoever has written it."""
    return "".join(map(_escaped, " ".join(text.split())))


def _escaped(letter: str) -> str:
    if letter in _MARKS:
        return _MARKS[letter]
    plain = " " <= letter <= "\x7e" or (ord(letter) in _WRITABLE and letter.isalpha())
    return letter if plain else _UNKNOWN


def to_tex(figure: Figure, grid: Grid, numbers: Numbers, picture: str) -> str:
    """A figure environment around the PDF of this name."""
    star = "*" if figure.options.width_in > 4 else ""
    lines = [
        rf"\begin{{figure{star}}}",
        r"  \centering",
        f"  % its text has {figure.options.text_pt:g} pt at this width, and at no other",
        rf"  \includegraphics[width={figure.options.width_in:g}in]{{{picture}}}",
        rf"  \caption{{{caption(figure, grid, numbers)}}}",
        r"  \label{fig:mode}",
        rf"\end{{figure{star}}}",
    ]
    return "\n".join(lines) + "\n"


def caption(figure: Figure, grid: Grid, numbers: Numbers) -> str:
    """What is shown, what the numbers are of, and whose work it is."""
    named = [one for one in letters(len(grid.cuts)) if one]
    what = f"Crops {listed(named)}" if named else "A crop"
    of = rf" of \emph{{{escaped(figure.title)}}}" if figure.title else ""
    rates = ", ".join(
        _pane(figure, at) for at in range(len(figure.panes))
    )  # as many as there are cells
    boxed = " Red boxes mark them in the original." if named else ""
    boxed = (boxed or " A red box marks it in the original.") if figure.options.whole else ""
    order = "row by row" if grid.rows > 1 else "from left to right"
    shown = f"{what}{of}; {order}: the original, {rates}.{boxed}"
    said: Sequence[str] = [*footnotes(figure, numbers), *credits_of(figure)]
    return " ".join([shown, *map(escaped, said)])


def _pane(figure: Figure, at: int) -> str:
    pane = figure.panes[at]
    rate, name = figure.rate(pane), escaped(name_of(figure, pane))
    return name if rate is None else f"{name} ({rate:.{RATE_DIGITS}f} bpp)"
