"""Curves to Plotly figures: pure functions, no state, no files. plotly is imported on first use.

Text from files never goes into a Plotly template: names are shown by the page through
textContent, so a figure carries them only as data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.explorer.curves import Curve, anchor_of
from app.panes.weights import parts_of
from mode_core.codecs.registry import CODECS
from mode_core.metrics.table import Metric, with_unit
from mode_core.types import INK, Look
from mode_core.weights.sets import PUBLIC

if TYPE_CHECKING:
    from plotly import graph_objects as go

    from app.explorer.plane import Plane

LOOKS: Mapping[str, Look] = {
    info.title if anchor is None else info.label(anchor): look
    for info in CODECS.values()
    for anchor, look in info.looks.items()
}
"""Looks of our curves by label; a published codec of the same name gets it dashed and open."""
# These published codecs borrow the colour of one of ours; the classical ones are grey.
_BORROWED = {
    "VTM-18.0": ("AVIF", "dashdot"),
    "BPG 4:4:4": ("JPEG XL", "dot"),
    "HiFiC": ("MoDE", "dashdot"),
    "DiffEIC": ("MoDE-F", "dot"),
    "StableCodec": ("MoDE-P", "dashdot"),
    "GLC": ("VQ", "dot"),
}
_COLOURS = tuple((look.light, look.dark) for look in LOOKS.values())[:8]
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
# Curves of public weights, measured here, have a mark that no published curve has. A second public
# profile has the same colour as its codec, so it needs a shape of its own.
_PUBLIC_MARK = "-open-dot"
OTHER_PUBLIC_SHAPE = "diamond-tall"
USER_SYMBOLS = ("star", "hexagon", "bowtie", "square", "diamond", "cross")
# As far from our codecs' colours as there is, for colour-blind eyes too; marks tell theirs apart.
THEIR_COLOURS = "#690fff", "#c31ea5"
YOUR_COLOURS = "#d25ad2", "#ffff1e"
"""As far from those as there is: what a visitor brings is what they look for."""
_WIDTHS = {"ours": 2.0, "live": 2.0, "yours": 3.5}
_SIZES = {"live": 8, "yours": 10}

LIGHT = {"ground": "#ffffff", "text": "#333333", "grid": "#e6e6e6", "line": "#8a8a8a"}
DARK = {"ground": "#1b1b1b", "text": "#d6d6d6", "grid": "#333333", "line": "#8a8a8a"}


def styles(
    curves: Iterable[Curve], names: Sequence[str], theirs: Sequence[str] = ()
) -> dict[str, Look]:
    """A look per curve key; given all published codecs and all of theirs, each keeps its look."""
    found, yours = {}, 0
    opened: dict[str, Look] = {}
    for curve in curves:
        if curve.kind == "published":
            found[curve.key] = _published(curve.label, names)
        elif curve.kind == "theirs":
            found[curve.key] = _theirs(theirs.index(curve.label) if curve.label in theirs else 0)
        elif curve.kind == "yours":
            rounds, mark = divmod(yours, len(USER_SYMBOLS))
            dash = _DASHES[rounds % len(_DASHES)]
            found[curve.key] = Look(*YOUR_COLOURS, USER_SYMBOLS[mark], dash)
            yours += 1
        elif curve.kind == "opened":
            symbol = USER_SYMBOLS[len(opened) % len(USER_SYMBOLS)]
            look = replace(INK, symbol=f"{symbol}-open")
            found[curve.key] = opened.setdefault(curve.group, look)
        elif curve.kind == "stored":
            found[curve.key] = _stored(curve)
        else:
            found[curve.key] = _ours(curve)
    return found


def rate_figure(
    curves: Sequence[Curve], metric: Metric, looks: Mapping[str, Look], *, log: bool, dark: bool
) -> dict[str, Any]:
    """One trace per curve, in order: ours solid, published dashed, the picture's as rings."""
    theme = DARK if dark else LIGHT
    traces = [_trace(curve, metric, looks[curve.key], theme, dark) for curve in curves]
    return {
        "data": [trace.to_plotly_json() for trace in traces],
        "layout": _layout(metric, theme, log).to_plotly_json(),
    }


def _ours(curve: Curve) -> Look:
    """The look of our curve: one colour for all weights of a codec, dotted marks if public."""
    codec, profile = parts_of(curve.codec)
    look = CODECS[codec].look(anchor_of(curve.anchor)) if codec in CODECS else INK
    if not profile:
        return look
    shape = look.symbol if profile == PUBLIC else OTHER_PUBLIC_SHAPE
    return replace(look, symbol=shape + _PUBLIC_MARK)


def _stored(curve: Curve) -> Look:
    """The same codec's look from the results, beside what was measured now."""
    look = _ours(curve)
    symbol = look.symbol if "-open" in look.symbol else f"{look.symbol}-open"
    return replace(look, symbol=symbol, dash="dot")


def _theirs(place: int) -> Look:
    """Marks and dashes from the other end than a user's, whose files are ink."""
    rounds, mark = divmod(place, len(USER_SYMBOLS))
    return Look(*THEIR_COLOURS, USER_SYMBOLS[-1 - mark], _DASHES[-1 - rounds % len(_DASHES)])


def _published(label: str, names: Sequence[str]) -> Look:
    ours, dash = _BORROWED.get(label, (label, "dash"))
    if ours in LOOKS:
        return replace(LOOKS[ours], symbol=f"{LOOKS[ours].symbol}-open", dash=dash)
    index = names.index(label) if label in names else len(names)
    symbol = f"{PUBLISHED_SYMBOLS[index % len(PUBLISHED_SYMBOLS)]}-open"
    return Look(*_COLOURS[index % len(_COLOURS)], symbol, _DASHES[index % len(_DASHES)])


def _trace(
    curve: Curve, metric: Metric, look: Look, theme: Mapping[str, str], dark: bool
) -> go.Scatter:
    from plotly import graph_objects as go

    at = curve.at(metric.key)
    colour = look.dark if dark else look.light
    trace = go.Scatter(
        x=[rate for rate, _, _ in at],
        y=[value for _, value, _ in at],
        mode="markers" if curve.kind in ("now", "opened") else "lines+markers",
        hoverinfo="none",
        line={"color": colour, "dash": look.dash, "width": _WIDTHS.get(curve.kind, 1.4)},
        marker={
            "color": colour,
            "symbol": look.symbol,
            "size": _SIZES.get(curve.kind, 7),
            "maxdisplayed": 16,
        },
    )
    if curve.kind == "picture":
        trace.update(line_width=1, marker_size=4, opacity=0.7)
    elif curve.kind == "now":
        trace.marker.update(size=14, line={"color": theme["text"], "width": 2})
    elif curve.kind == "opened":
        trace.marker.update(size=13, line={"width": 2})
    if look.symbol.endswith(_PUBLIC_MARK):
        trace.marker.size += 2  # smaller, the dot would fill the shape
    return trace


def plane_figure(seen: Plane, looks: Mapping[str, Look], *, dark: bool) -> dict[str, Any]:
    """One mark per curve, in order, where it was measured at the rate; better is up and right."""
    theme = DARK if dark else LIGHT
    traces = []
    for curve in seen.curves:
        place = seen.places.get(curve.key)
        trace = _trace(curve, seen.y, looks[curve.key], theme, dark).to_plotly_json()
        at = {"x": [place.x], "y": [place.y]} if place else {"x": [], "y": []}
        bpp = [place.bpp] if place else []
        trace["marker"]["size"] = max(11, trace["marker"]["size"])
        traces.append(trace | at | {"mode": "markers", "opacity": 1, "customdata": bpp})
    layout = _layout(seen.y, theme, log=False).to_plotly_json()
    layout["xaxis"] |= {"title": {"text": _towards(seen.x), "standoff": 6}, "tickformat": "~g"}
    layout["yaxis"] |= {"title": {"text": _towards(seen.y), "standoff": 6}}
    return {"data": traces, "layout": layout}


def _towards(metric: Metric) -> str:
    """The title of an axis of the plane, which leads to what is better."""
    return f"{with_unit(metric.label, metric.unit)}, {metric.better} is better \u2192"


def _layout(metric: Metric, theme: Mapping[str, str], log: bool) -> go.Layout:
    from plotly import graph_objects as go

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
    return go.Layout(
        xaxis=axis | rate,
        yaxis=axis | {"title": {"text": metric.axis, "standoff": 6}, "tickformat": "~g"},
        font={"family": "system-ui, sans-serif", "size": 12, "color": theme["text"]},
        margin={"l": 56, "r": 12, "t": 12, "b": 44},
        paper_bgcolor=theme["ground"],
        plot_bgcolor=theme["ground"],
        showlegend=False,
        hovermode="closest",
        dragmode="zoom",
    )


_TICKS = [m * 10.0**e for e in range(-4, 2) for m in (1, 2, 5)]
_TICK_TEXT = [f"{tick:g}" for tick in _TICKS]
