"""Curves to Plotly figures, as plain dicts: pure functions, no state, no files.

Text from files never goes into a Plotly template: names are shown by the page through
textContent, so a figure carries them only as data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from app.axes import Metric
from app.curves import Curve
from app.makers import parts_of
from mode_core.weights import PUBLIC


class Style(NamedTuple):
    """How a codec is drawn; colour is never the only difference between two codecs."""

    light: str
    dark: str
    symbol: str
    dash: str = "solid"


INK = Style("#1c1c1c", "#f0f0f0", "circle")
# Chosen for 3:1 contrast on both grounds and to stay apart for colour-blind eyes; tests measure it.
OURS: Mapping[str, Style] = {
    "mode/fidelity": Style("#1f5190", "#3d9be0", "circle"),
    "mode/perception": Style("#b24a2c", "#c8682c", "diamond"),
    "mode": Style("#7a35c0", "#9457f0", "hexagon"),
    "elic": Style("#109a8c", "#35e3cd", "triangle-up"),
    "ms-illm": Style("#78004a", "#ee2f80", "square"),
    "dlf": Style("#473a10", "#f3d48c", "pentagon"),
    "vq": Style("#6b9400", "#a9dc20", "triangle-down"),
    "jpeg": Style("#5a5a5a", "#bdbdbd", "x"),
    "webp": Style("#737373", "#a0a0a0", "cross"),
    "avif": Style("#4a4a4a", "#d0d0d0", "star"),
    "jxl": Style("#666666", "#8f8f8f", "hourglass"),
}
# A published codec looks like ours of the same name, dashed and open; those most compared with
# get colours that stay apart, the classical ones are grey.
_COUNTERPARTS = {
    "ELIC": ("elic", "dash"),
    "MS-ILLM": ("ms-illm", "dash"),
    "DLF": ("dlf", "dash"),
    "MoDE-F": ("mode/fidelity", "dash"),
    "MoDE-P": ("mode/perception", "dash"),
    "JPEG": ("jpeg", "dash"),
    "WebP": ("webp", "dash"),
    "VTM-18.0": ("avif", "dashdot"),
    "BPG 4:4:4": ("jxl", "dot"),
    "HiFiC": ("mode", "dashdot"),
    "DiffEIC": ("mode/fidelity", "dot"),
    "StableCodec": ("mode/perception", "dashdot"),
    "GLC": ("vq", "dot"),
}
_COLOURS = tuple((style.light, style.dark) for style in OURS.values())[:8]
_DASHES = ("longdashdot", "dash", "dot", "dashdot", "longdash")
PUBLISHED_SYMBOLS = (
    "diamond",
    "square",
    "triangle-up",
    "circle",
    "star",
    "hexagon",
    "pentagon",
    "x",
    "bowtie",
)
# Weights of others, measured here, are marked as nobody's published numbers are; a codec's second
# set of them needs a shape of its own, as it has the codec's colour too.
_PUBLIC_MARK = "-open-dot"
OTHER_PUBLIC_SHAPE = "diamond-tall"
USER_SYMBOLS = ("star", "hexagon", "bowtie", "square", "diamond", "cross")

LIGHT = {"ground": "#ffffff", "text": "#333333", "grid": "#e6e6e6", "line": "#8a8a8a"}
DARK = {"ground": "#1b1b1b", "text": "#d6d6d6", "grid": "#333333", "line": "#8a8a8a"}


def styles(curves: Iterable[Curve], names: Sequence[str]) -> dict[str, Style]:
    """A style per curve key; `names` are all published codecs, so that a codec keeps its style."""
    found, yours = {}, 0
    for curve in curves:
        if curve.kind == "published":
            found[curve.key] = _published(curve.label, names)
        elif curve.kind == "yours":
            found[curve.key] = INK._replace(
                symbol=USER_SYMBOLS[yours % len(USER_SYMBOLS)],
                dash=_DASHES[yours // len(USER_SYMBOLS) % len(_DASHES)],
            )
            yours += 1
        else:
            found[curve.key] = _ours(curve)
    return found


def rate_figure(
    curves: Sequence[Curve], metric: Metric, look: Mapping[str, Style], *, log: bool, dark: bool
) -> dict[str, Any]:
    """One trace per curve, in order: ours solid, published dashed, the picture's as rings."""
    theme = DARK if dark else LIGHT
    return {
        "data": [_trace(curve, metric, look[curve.key], theme, dark) for curve in curves],
        "layout": _layout(metric, theme, log),
    }


def _ours(curve: Curve) -> Style:
    """A codec keeps its colour with whatever weights; with public ones its marks are dotted."""
    codec, profile = parts_of(curve.codec)
    style = OURS.get(f"{codec}/{curve.anchor}", OURS.get(codec, INK))
    if not profile:
        return style
    shape = style.symbol if profile == PUBLIC else OTHER_PUBLIC_SHAPE
    return style._replace(symbol=shape + _PUBLIC_MARK)


def _published(label: str, names: Sequence[str]) -> Style:
    if label in _COUNTERPARTS:
        name, dash = _COUNTERPARTS[label]
        return OURS[name]._replace(symbol=f"{OURS[name].symbol}-open", dash=dash)
    index = names.index(label) if label in names else len(names)
    dash, symbol = (
        _DASHES[index % len(_DASHES)],
        f"{PUBLISHED_SYMBOLS[index % len(PUBLISHED_SYMBOLS)]}-open",
    )
    return Style(*_COLOURS[index % len(_COLOURS)], symbol, dash)


def _trace(
    curve: Curve, metric: Metric, style: Style, theme: Mapping[str, str], dark: bool
) -> dict[str, Any]:
    at = curve.at(metric.key)
    colour = style.dark if dark else style.light
    trace: dict[str, Any] = {
        "type": "scatter",
        "x": [rate for rate, _, _ in at],
        "y": [value for _, value, _ in at],
        "mode": "markers" if curve.kind == "now" else "lines+markers",
        "hoverinfo": "none",
        "line": {"color": colour, "dash": style.dash, "width": 2 if curve.kind == "ours" else 1.4},
        "marker": {"color": colour, "symbol": style.symbol, "size": 7, "maxdisplayed": 16},
    }
    if curve.kind == "picture":
        trace["line"]["width"], trace["marker"]["size"], trace["opacity"] = 1, 4, 0.7
    elif curve.kind == "now":
        ring = {"color": theme["text"], "width": 2}
        trace["marker"] |= {"size": 14, "line": ring}
    if style.symbol.endswith(_PUBLIC_MARK):
        trace["marker"]["size"] += 2  # smaller, the dot would fill the shape
    return trace


def _layout(metric: Metric, theme: Mapping[str, str], log: bool) -> dict[str, Any]:
    axis = {
        "color": theme["text"],
        "gridcolor": theme["grid"],
        "linecolor": theme["line"],
        "showline": True,
        "ticks": "outside",
        "tickcolor": theme["line"],
        "zeroline": False,
        "automargin": True,
    }
    rate: dict[str, Any] = {
        "title": {"text": "Rate [bits per pixel]", "standoff": 6},
        "type": "linear",
    }
    if log:
        rate |= {"type": "log", "tickmode": "array", "tickvals": _TICKS, "ticktext": _TICK_TEXT}
    return {
        "xaxis": axis | rate,
        "yaxis": axis | {"title": {"text": metric.axis, "standoff": 6}, "tickformat": "~g"},
        "font": {"family": "system-ui, sans-serif", "size": 12, "color": theme["text"]},
        "margin": {"l": 56, "r": 12, "t": 12, "b": 44},
        "paper_bgcolor": theme["ground"],
        "plot_bgcolor": theme["ground"],
        "showlegend": False,
        "hovermode": "closest",
        "dragmode": "zoom",
    }


_TICKS = [m * 10.0**e for e in range(-4, 2) for m in (1, 2, 5)]
_TICK_TEXT = [f"{tick:g}" for tick in _TICKS]
