"""The distortion-perception plane, and the picture on screen as a data set of its own."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.explorer import plane
from app.explorer.curves import Curve, our_curves, published_curves
from app.explorer.library import load_library
from app.explorer.picture import THIS
from app.explorer.sample import SAMPLE, sample_text
from app.explorer.usercsv import LIMITS, read_user_csv
from app.explorer.view import Wish, answer
from mode_core.evaluation.curves import Point
from mode_core.metrics.table import METRICS
from tests.made_up.results import made_up_rows, published_points, write_results

RATES = (0.02, 0.05, 0.1, 0.2, 0.5)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("results"))


def view(results: Path, **state: Any) -> dict[str, Any]:
    return answer(load_library(results), Wish.parse(state))


def in_plane(results: Path, **state: Any) -> dict[str, dict[str, Any]]:
    """Curves of a plane by key, with their places."""
    seen = view(results, view="plane", **state)
    pairs = zip(seen["curves"], seen["figure"]["data"], strict=True)
    return {one["key"]: one | {"x": trace["x"], "y": trace["y"]} for one, trace in pairs}


def seen_at(
    rates: tuple[float, ...] = RATES, image: str = "mine", codec: str = "elic", anchor: str = ""
) -> dict[str, Any]:
    """A picture on screen that was seen at these rates."""
    rows = [
        {"codec": codec, "anchor": anchor, "label": "x", "bpp": bpp, "lpips": 0.3 / (1 + bpp)}
        | {"psnr": 30 + 3 * math.log2(bpp)}
        for bpp in rates
    ]
    return {"image": image, "rows": rows[-1:], "visited": rows}


def test_every_codec_stands_where_it_was_measured_at_that_rate(results: Path) -> None:
    at = in_plane(results, at=0.1)
    (curve,) = [one for one in our_curves(made_up_rows()) if one.codec == "elic"]
    (point,) = [one for one in curve.points if one.quality == "aimed at 0.1 bpp"]
    place = at[curve.key]
    # The mean rate is 2 % above what was aimed at: between two points of a smooth curve.
    assert place["x"][0] == pytest.approx(point.values["psnr"] + 3 * math.log2(0.1 / point.bpp), abs=0.02)  # noqa: E501  # fmt: skip
    assert place["y"][0] == pytest.approx(point.values["lpips"], rel=0.02)


def test_a_codec_that_was_not_measured_at_a_rate_is_not_there_but_named(results: Path) -> None:
    seen = view(results, view="plane", at=0.4)
    (dlf,) = [one for one in seen["curves"] if one["codec"] == "dlf"]
    trace = seen["figure"]["data"][seen["curves"].index(dlf)]
    assert (trace["x"], trace["y"], dlf["images"]) == ([], [], [])
    assert seen["plane"]["absent"][dlf["key"]].startswith("DLF (ours) is known at 0.0102 to 0.102")
    assert "not at 0.4" in seen["plane"]["absent"][dlf["key"]]


@given(st.floats(0.004, 4))
def test_nothing_is_extrapolated(rate: float) -> None:
    """Each value lies between two that were measured; an end stands for what is the same rate."""
    curves = [*our_curves(made_up_rows()), *published_curves(published_points())]
    seen = plane.plane_of(curves, "psnr", "lpips", rate)
    assert seen.places.keys() | seen.absent.keys() == {curve.key for curve in seen.curves}
    for curve in seen.curves:
        rates = [point.bpp for point in curve.points]
        held = min(rates) / 1.01 <= rate <= max(rates) * 1.01
        assert (curve.key in seen.places) == held
        if place := seen.places.get(curve.key):
            values = [point.values["psnr"] for point in curve.points]
            assert min(rates) <= place.bpp <= max(rates)
            assert min(values) - 1e-9 <= place.x <= max(values) + 1e-9


def test_one_point_alone_stands_for_its_own_rate_and_no_other() -> None:
    alone = Curve("a", "a", "A", "ours", "", [Point(0.1008, {"psnr": 30.0, "lpips": 0.2})])
    assert plane.plane_of([alone], "psnr", "lpips", 0.1).places["a"][:3] == (0.1008, 30, 0.2)
    assert plane.plane_of([alone], "psnr", "lpips", 0.11).places == {}


@pytest.mark.parametrize("values", [{"psnr": math.inf, "lpips": 0.0}, {"psnr": 30.0}, {}])
def test_a_point_without_both_numbers_is_in_no_plane(values: dict[str, float]) -> None:
    curve = Curve("a", "a", "A", "ours", "", [Point(0.1, values), Point(0.2, values)])
    seen = plane.plane_of([curve], "psnr", "lpips", 0.1)
    assert (seen.places, seen.absent) == ({}, {})


def test_two_points_at_one_rate_are_no_curve() -> None:
    points = [Point(0.1, {"psnr": value, "lpips": 0.2}) for value in (30.0, 31.0)]
    seen = plane.plane_of([Curve("a", "a", "A", "yours", "", points)], "psnr", "lpips", 0.1)
    assert "two points at 0.1 bpp" in seen.absent["a"]


@pytest.mark.parametrize("change", [{"weights": "00ff00ff"}, {"quality": 7}, {"bytes_payload": 9}])
def test_a_way_is_said_to_be_of_the_same_files_only_where_rows_name_them(
    change: dict[str, Any],
) -> None:
    rows = [row for row in made_up_rows() if row.codec == "mode"]
    (way,) = plane.plane_of(our_curves(rows), "psnr", "lpips", 0.1).paths
    assert way.same
    odd = next(row for row in rows if row.anchor == "0.5")
    others = [row._replace(**change) if row is odd else row for row in rows]
    (way,) = plane.plane_of(our_curves(others), "psnr", "lpips", 0.1).paths
    assert way.same == ("bytes_payload" in change)


def test_a_picture_s_own_points_are_of_the_same_files_where_sizes_are_the_same() -> None:
    def points(*rates: float) -> list[Point]:
        return [Point(bpp, {"psnr": 30 + bpp, "lpips": 0.3 - bpp}) for bpp in rates]

    one = Curve("a", "a", "A", "live", "", points(0.05, 0.1, 0.2), "mode", "fidelity")
    more = Curve("b", "b", "B", "live", "", points(0.05, 0.1, 0.15, 0.2), "mode", "0.5")
    for rate, same in ((0.07, True), (0.1, True), (0.17, False)):
        (way,) = plane.plane_of([one, more], "psnr", "lpips", rate).paths
        assert way.same == same
    other = one._replace(key="c", points=points(0.05, 0.100001, 0.2), anchor="perception")
    (way,) = plane.plane_of([one, other], "psnr", "lpips", 0.07).paths
    assert not way.same


def test_the_way_of_mode_leads_through_its_anchors_in_their_order(results: Path) -> None:
    (path,) = view(results, view="plane")["plane"]["paths"]
    assert (path["label"], list(path["anchors"])) == ("MoDE", ["0", "0.5", "1"])
    at = in_plane(results)
    labels = [at[key]["label"] for key in path["keys"]]
    assert labels == ["MoDE-F", "MoDE 0.5", "MoDE-P"]
    x, y = ([at[key][axis][0] for key in path["keys"]] for axis in "xy")
    assert x == sorted(x, reverse=True)
    assert y == sorted(y, reverse=True)


def test_only_the_plane_shows_every_anchor_unasked() -> None:
    """Five lines of one codec side by side would say no more than three."""
    rows = [row for row in made_up_rows() if row.codec == "mode" and row.anchor == "0.5"]
    rows = [row._replace(anchor=anchor) for anchor in ("fidelity", "0.25", "0.5") for row in rows]
    library = load_library(Path("none"))._replace(curves=tuple(our_curves(rows)))
    on = {
        kind: [one["anchor"] for one in seen["curves"] if one["on"]]
        for kind in ("rate", "plane")
        if (seen := answer(library, Wish(view=kind)))
    }
    assert on == {"rate": ["fidelity", "0.5"], "plane": ["fidelity", "0.25", "0.5"]}


def test_axes_are_any_two_metrics_that_are_no_two_nets_of_one_measure(results: Path) -> None:
    seen = view(results, view="plane", x="lpips", y="lpips_unknown")
    assert (seen["across"]["key"], seen["axis"]["key"]) == ("lpips", "psnr")
    assert {one["id"] for one in seen["choices"]["up"]} == {"psnr", "ms_ssim", "dists"}
    seen = view(results, view="plane", x="junk", y="dists")
    assert (seen["across"]["key"], seen["axis"]["key"]) == ("psnr", "dists")
    titles = [seen["figure"]["layout"][axis]["title"]["text"] for axis in ("xaxis", "yaxis")]
    assert titles == ["PSNR [dB], higher is better →", "DISTS, lower is better →"]


def test_rates_to_choose_from_are_those_at_which_something_was_measured(results: Path) -> None:
    seen = view(results, view="plane", at=0.123)["plane"]
    rates = [float(one["id"]) for one in seen["rates"]]
    assert seen["at"] == 0.123
    assert rates == sorted(rates)
    assert {0.1, 0.123, 1.0} <= set(rates)
    assert 0.005 not in rates
    assert view(results, view="plane", at=-1)["plane"]["at"] == 0.1


def test_this_picture_is_a_data_set_once_it_has_numbers(results: Path) -> None:
    without = {"image": "mine", "rows": [{"codec": "elic", "bpp": 0.1}]}
    for picture, there in (({}, False), (without, False), (seen_at((0.1,)), True)):
        menu = view(results, picture=picture)["choices"]["datasets"]
        assert ({"id": THIS, "label": "This picture"} in menu) is there
        assert menu[-1]["id"] == "kodak"
    # A link may ask for it before its numbers are there.
    seen = view(results, dataset=THIS)
    assert (seen["dataset"], seen["curves"], seen["few"]) == (THIS, [], True)
    seen = view(results, dataset=THIS, view="plane")
    assert seen["notes"] == ["No curve here has both PSNR and LPIPS (AlexNet)."]
    assert [one["id"] for one in seen["choices"]["up"]] == ["lpips"]


def test_this_picture_shows_nothing_but_what_is_of_it(results: Path) -> None:
    opened = {"label": "vvc", "opened": True, "bpp": 0.1, "psnr": 31}
    picture = seen_at()
    seen = view(results, dataset=THIS, picture=picture | {"rows": [*picture["rows"], opened]})
    kinds = {one["label"]: one["kind"] for one in seen["curves"]}
    assert kinds == {"ELIC": "live", "vvc": "opened"}
    trace = seen["figure"]["data"][0]
    assert (trace["x"], trace["mode"]) == (list(RATES), "lines+markers")
    assert not seen["few"]


def test_bd_rates_of_this_picture_are_those_of_its_own_points(results: Path) -> None:
    one, other = seen_at(), seen_at(tuple(1.1 * rate for rate in RATES), codec="jpeg")
    for row, twin in zip(other["visited"], one["visited"], strict=True):
        row["psnr"] = twin["psnr"]
    picture = one | {"visited": [*one["visited"], *other["visited"]]}
    (row,) = view(results, dataset=THIS, picture=picture)["bd"]["rows"]
    assert (row["label"], row["rate"], row["origin"]) == ("JPEG", "+10.0 %", "measured now")
    few = view(results, dataset=THIS, picture=seen_at((0.1, 0.2)))
    assert few["few"]
    assert few["bd"]["rows"] == []
    assert "No curve here has the 3 points" in few["bd"]["note"]


def test_rows_of_the_results_and_what_is_measured_now_are_two_curves(results: Path) -> None:
    seen = view(results, dataset=THIS, picture=seen_at(image="kodim02"))
    live, stored = ([c for c in seen["curves"] if c["kind"] == kind] for kind in ("live", "stored"))
    assert [one["label"] for one in live] == ["ELIC"]
    assert len(stored) == 7
    (twin,) = [one for one in stored if one["label"] == "ELIC"]
    assert twin["group"] != live[0]["group"]
    assert twin["style"] != live[0]["style"]
    assert twin["source"] == "results/kodak"
    rates = [seen["figure"]["data"][seen["curves"].index(one)]["x"] for one in (live[0], twin)]
    assert set(rates[0]).isdisjoint(rates[1])
    assert "rows of the results" in seen["caption"]


def test_the_plane_of_this_picture_has_the_way_that_was_measured_of_it(results: Path) -> None:
    visited = []
    for step, anchor in enumerate(("fidelity", "0.25", "0.75", "perception")):
        rows = seen_at(codec="mode", anchor=anchor)["visited"]
        visited += [row | {"psnr": row["psnr"] - step} for row in rows]
    picture = {"image": "mine", "rows": visited[:1], "visited": visited}
    seen = view(results, view="plane", dataset=THIS, picture=picture, at=0.1)
    (path,) = seen["plane"]["paths"]
    assert (path["label"], list(path["anchors"])) == ("MoDE now", ["0", "0.25", "0.75", "1"])
    assert len(json.dumps(seen, allow_nan=False)) > 1000


def test_points_of_one_picture_stand_over_means_only_where_asked_for(results: Path) -> None:
    picture = seen_at(image="kodim02")
    without = view(results, picture=picture)
    assert {one["kind"] for one in without["curves"]} == {"ours", "published"}
    assert without["caption"] == ""
    marked = view(results, picture=picture, marks=True)
    assert {"now", "picture"} <= {one["kind"] for one in marked["curves"]}
    assert "one picture, the one on screen; the others are means of 3" in marked["caption"]


def test_what_a_user_brought_is_in_front_and_stands_out(results: Path) -> None:
    lines = "".join(f"A,{rate},{30 + rate},0.2,alex\n" for rate in RATES)
    file = {"name": "a.csv", "text": f"codec,bpp,psnr,lpips,lpips_net\n{lines}"}
    for kind in ("rate", "plane"):
        seen = view(results, view=kind, files=[file], picture=seen_at(), marks=True)
        assert seen["curves"][-1]["kind"] == "yours"
        mine, *others = reversed(seen["figure"]["data"])
        assert mine["line"]["width"] > max(one["line"]["width"] for one in others)
        assert mine["marker"]["color"] not in {one["marker"]["color"] for one in others}
    rows = view(results, files=[file])["bd"]["rows"]
    assert [row["label"] for row in rows if row["kind"] == "yours"] == ["A"]


def test_a_file_without_both_metrics_of_the_plane_says_so(results: Path) -> None:
    file = {"name": "a.csv", "text": "codec,bpp,psnr\nA,0.1,30\n"}
    (report,) = view(results, view="plane", files=[file])["files"]
    assert report["summary"].endswith("1 points; without both metrics of this plane")
    (report,) = view(results, files=[file])["files"]
    assert "plane" not in report["summary"]


junk = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.lists(st.none())
numbers = st.sampled_from([1e-320, 1e-6, 0.01, 0.1, 0.100001, 5, 99, 1e5, 1e308, -1]) | junk
row = st.fixed_dictionaries(
    {"codec": st.sampled_from(["mode", "elic", "?"]) | junk, "bpp": numbers, "psnr": numbers},
    optional={"anchor": st.sampled_from(["0.25", "0.5", "x"]), "lpips": numbers, "opened": junk},
)
shown = st.fixed_dictionaries({"visited": st.lists(row, max_size=8) | junk, "rows": st.lists(row)})
states = st.fixed_dictionaries(
    {"picture": shown | junk, "dataset": st.just(THIS) | junk},
    optional={"view": st.just("plane") | junk, "at": numbers, "x": junk, "y": junk, "marks": junk},
)


@given(states)
def test_whatever_a_page_says_of_its_picture_gets_an_answer(results: Path, state: Any) -> None:
    seen = answer(load_library(results), Wish.parse(state))
    assert len(json.dumps(seen, allow_nan=False)) > 500


def test_the_sample_is_what_the_results_say_and_what_the_page_reads() -> None:
    text = SAMPLE.read_text("utf-8")
    assert text == sample_text(), "python -m app.explorer.sample writes it anew"
    (curve,), said = read_user_csv(text, SAMPLE.name)
    assert (curve.label, curve.dataset, said) == ("My codec", "kodak", "1 curve, 8 points")
    assert set(text.split("\n")[0].split(",")) >= {"codec", "bpp", "lpips_net"}
    assert len(text) < 1000
    assert {"psnr", "ms_ssim", "lpips"} <= METRICS.keys() & LIMITS.keys()
    assert all({"psnr", "ms_ssim", "lpips"} == set(point.values) for point in curve.points)
