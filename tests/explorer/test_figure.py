"""Curves, their styles, and the figures made of them."""

from __future__ import annotations

import itertools
import re

import numpy as np
import numpy.typing as npt
import pytest
from skimage.color.colorconv import xyz2lab, xyz_from_rgb

from app.explorer import figure as plot
from app.explorer.curves import Curve, live_curves, our_curves, published_curves, their_curves
from app.explorer.figure import LOOKS, rate_figure, styles
from mode_core.checkpoints.dialects import DIALECTS
from mode_core.evaluation.curves import Point
from mode_core.metrics.table import METRICS
from tests.conftest import ROOT
from tests.made_up.results import made_up_rows, published_points, their_rows

# Machado, Oliveira and Fernandes 2009, severity 1.0, in linear RGB.
EYES = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],  # noqa: E501
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],  # noqa: E501
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],  # noqa: E501
    "usual": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
}  # fmt: skip
LEARNED = [name for name in LOOKS if name not in ("JPEG", "WebP", "AVIF", "JPEG XL")]


def test_a_point_of_ours_is_the_mean_over_the_pictures() -> None:
    rows = [row for row in made_up_rows() if row.codec == "elic"]
    at = [row for row in rows if row.target_bpp == 0.2]
    point = our_curves(rows)[0].points[2]
    assert point.bpp == pytest.approx(np.mean([row.bpp for row in at]))
    assert point.values["psnr"] == pytest.approx(np.mean([row.values["psnr"] for row in at]))
    assert point.images == 3


def test_a_rate_that_misses_a_picture_is_left_out_and_said() -> None:
    rows = [row for row in made_up_rows() if row.codec == "elic"]
    unfinished = [row for row in rows if (row.target_bpp, row.image) != (0.2, "kodim02.png")]
    whole, part = our_curves(rows)[0], our_curves(unfinished)[0]
    assert len(part.points) == len(whole.points) - 1
    assert "1 unfinished" in part.note


def test_targets_below_the_range_are_one_point() -> None:
    rows = [row for row in made_up_rows() if row.codec == "elic"]
    lowest = [row for row in rows if row.target_bpp == 0.05]
    again = [row._replace(target_bpp=0.01) for row in lowest]
    assert len(our_curves([*rows, *again])[0].points) == len(our_curves(rows)[0].points)


def test_profiles_of_a_codec_are_curves_of_their_own() -> None:
    rows = [row for row in made_up_rows() if row.codec == "elic"]
    others = [row._replace(profile=width) for width in ("public", "tiny") for row in rows]
    curves = our_curves([*rows, *others])
    assert [curve.label for curve in curves] == ["ELIC (compact)", "ELIC (tiny)", "ELIC public"]


def test_mode_stands_in_the_order_of_its_anchors() -> None:
    curves = our_curves(made_up_rows())
    assert [c.label for c in curves[:4]] == ["MoDE-F", "MoDE 0.5", "MoDE-P", "ELIC"]


def test_two_sources_of_a_codec_are_two_curves() -> None:
    curves = [c for c in published_curves(published_points()) if c.label == "ELIC"]
    assert {curve.source for curve in curves} == {"a/elic:points.csv", "b/again:table.xlsx"}


@pytest.mark.parametrize(
    "picture",
    [
        {},
        {"rows": None},
        {"rows": [None, 3, "x", {}, {"bpp": "a lot"}, {"bpp": -1}, {"bpp": True}]},
        {"rows": [{"bpp": float("nan"), "psnr": 30}]},
    ],
)
def test_junk_from_a_page_draws_nothing(picture: dict[str, object]) -> None:
    assert live_curves(picture) == []


def test_ours_are_solid_and_published_are_dashed_and_open() -> None:
    ours, theirs = our_curves(made_up_rows()), published_curves(published_points())
    look = styles([*ours, *theirs], ["ELIC", "Shallow"])
    assert {look[c.key].dash for c in ours} == {"solid"}
    assert "solid" not in {look[c.key].dash for c in theirs}
    assert all(look[c.key].symbol.endswith("-open") for c in theirs)


def test_a_published_codec_keeps_its_style_when_others_are_missing() -> None:
    names = ["Alpha", "Beta", "Gamma"]
    curves = [
        Curve(n, n, n, "published", "kodak", (Point(0.1, {"psnr": 30.0}),), source="a/b")
        for n in names
    ]
    assert styles(curves, names)["Gamma"] == styles(curves[2:], names)["Gamma"]


def test_public_weights_measured_here_look_like_nothing_else() -> None:
    """By colour and marker together; and the marker alone tells them from published ones."""
    profiles = sorted({one.width for one in DIALECTS})
    rows = [row for row in made_up_rows() if row.codec in ("elic", "ms-illm", "mode")]
    public = [row._replace(profile=width) for row in rows for width in profiles]
    theirs = [
        Curve(name, name, name, "published", "kodak", (Point(0.1, {"psnr": 30.0}),), source="a/b")
        for name in ("ELIC", "MS-ILLM", "DLF", "HiFiC", "VTM-18.0", *"ABCDEFGHI")
    ]
    ours = our_curves([*rows, *public])
    look = styles([*ours, *theirs], [one.label for one in theirs])
    assert len({look[one.key] for one in ours}) == len(ours)
    measured = {look[one.key].symbol for one in ours if one.licence}
    assert measured.isdisjoint(look[one.key].symbol for one in [*theirs, *ours] if not one.licence)
    same_colour = [look[one.key] for one in ours if one.codec.startswith("ms-illm")]
    assert len({one.light for one in same_colour}) == 1
    shapes = {one.symbol.partition("-open")[0] for one in same_colour if "-open" in one.symbol}
    assert len(shapes) == len(profiles)


def test_no_two_codecs_of_ours_look_alike_without_colour() -> None:
    symbols = [style.symbol for style in LOOKS.values()]
    assert len(set(symbols)) == len(symbols)


def test_colours_have_contrast_on_their_ground() -> None:
    for name, style in LOOKS.items():
        assert contrast(style.light, plot.LIGHT["ground"]) >= 3, name
        assert contrast(style.dark, plot.DARK["ground"]) >= 3, name


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_learned_codecs_stay_apart_for_colour_blind_eyes(eyes: str, theme: str) -> None:
    seen = {name: lab(getattr(LOOKS[name], theme), EYES[eyes]) for name in LEARNED}
    for one, other in itertools.combinations(LEARNED, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 15, (one, other)


def test_a_figure_is_what_plotly_accepts() -> None:
    objects = pytest.importorskip("plotly.graph_objects")
    curves = [*our_curves(made_up_rows()), *published_curves(published_points())]
    look = styles(curves, ["ELIC", "Shallow"])
    figure = rate_figure(curves, METRICS["psnr"], look, log=True, dark=False)
    assert len(objects.Figure(figure).data) == len(curves)


def test_theirs_look_like_nothing_else_and_keep_their_looks() -> None:
    names = ["Alpha", "Beta", "Gamma"]
    theirs = their_curves([row for name in names for row in their_rows(name)])
    yours = [one._replace(key=f"yours/{one.key}", kind="yours") for one in theirs]
    ours = our_curves(made_up_rows())
    look = styles([*ours, *theirs, *yours], [], names)
    marks = {key: (one.symbol, one.dash) for key, one in look.items()}
    assert len(set(marks.values())) == len(marks)
    assert styles(theirs[2:], [], names)[theirs[2].key] == look[theirs[2].key]
    assert {look[one.key].light for one in theirs} == {plot.THEIR_COLOURS[0]}


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colour_of_theirs_is_far_from_all_of_ours(eyes: str, theme: str) -> None:
    mine = dict(zip(("light", "dark"), plot.THEIR_COLOURS, strict=True))[theme]
    assert contrast(mine, getattr(plot, theme.upper())["ground"]) >= 3
    for name in LOOKS:
        other = lab(getattr(LOOKS[name], theme), EYES[eyes])
        assert np.linalg.norm(lab(mine, EYES[eyes]) - other) > 15, name


def test_names_and_notes_never_enter_a_figure() -> None:
    """Plotly reads markup and templates in text; so no text of a file may be in a figure."""
    evil = "<b>%{x}</b>"
    curve = Curve(evil, evil, evil, "yours", evil, (Point(0.1, {"psnr": 30.0}),), evil, source=evil)
    look = styles([curve], [])
    assert "<b>" not in str(rate_figure([curve], METRICS["psnr"], look, log=True, dark=True))


def test_the_axis_says_which_way_is_better() -> None:
    curves = our_curves(made_up_rows())
    for metric, word in (("psnr", "higher is better"), ("lpips", "lower is better")):
        figure = rate_figure(curves, METRICS[metric], styles(curves, []), log=False, dark=False)
        assert word in figure["layout"]["yaxis"]["title"]["text"]


def test_a_perfect_picture_has_no_point_instead_of_infinity() -> None:
    first = made_up_rows()[0]
    row = first._replace(values={**first.values, "psnr": float("inf")})
    assert our_curves([row])[0].at("psnr") == []


def test_the_legend_can_draw_every_symbol() -> None:
    file = ROOT / "app" / "explorer" / "static" / "legend.js"
    shapes = file.read_text(encoding="utf-8").partition("SHAPES = {")[2].partition("};")[0]
    drawn = set(re.findall(r'^  "?([a-z-]+)"?:', shapes, re.MULTILINE))
    used = [style.symbol for style in LOOKS.values()] + [
        *plot.PUBLISHED_SYMBOLS,
        *plot.USER_SYMBOLS,
    ]
    assert {symbol.removesuffix("-open") for symbol in [*used, plot.OTHER_PUBLIC_SHAPE]} <= drawn


def linear(colour: str) -> npt.NDArray[np.float64]:
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    dark, light = sorted(float(xyz_from_rgb[1] @ linear(c)) for c in (one, other))
    return (light + 0.05) / (dark + 0.05)


def lab(colour: str, eyes: list[list[float]]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = xyz2lab(xyz_from_rgb @ np.clip(eyes @ linear(colour), 0, 1))
    return found
