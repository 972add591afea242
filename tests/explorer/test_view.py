"""The rate-distortion page without a browser: results, user's CSV, BD-rates, About."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.about import about_text
from app.explorer.bdtable import bd_table
from app.explorer.curves import our_curves
from app.explorer.endpoint import rd_points
from app.explorer.library import Library, load_library
from app.explorer.usercsv import MAX_BYTES, UserFile, read_user_csv
from app.explorer.view import Wish, answer, show, show_unread
from app.viewer.tables import ResultRow, as_csv, as_latex, as_markdown, cells
from mode_core.codecs.registry import CODECS
from mode_core.errors import ResultsError
from mode_core.evaluation.curves import comparisons
from mode_core.evaluation.rows import read_rows, write_rows
from mode_core.metrics import METRICS
from tests.made_up.results import made_up_rows, write_results, write_theirs


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def library(results: Path) -> Library:
    return load_library(results)


def view(results: Path, **state: Any) -> dict[str, Any]:
    """With the picture on screen over the means, as links of before have it."""
    return answer(load_library(results), Wish.parse({"marks": True} | state))


def test_the_view_is_json_without_nan(library: Library) -> None:
    rows = [{"codec": "elic", "bpp": 0.1, **dict.fromkeys(METRICS, math.nan)}]
    for metric in METRICS:
        seen = answer(library, Wish.parse({"metric": metric, "picture": {"rows": rows}}))
        assert "NaN" not in json.dumps(seen)
        assert seen["metric"] == metric or metric in ("fid", "lpips_vgg", "ssimulacra2")


def test_traces_and_legend_belong_together(results: Path) -> None:
    seen = view(results, metric="lpips")
    assert len(seen["figure"]["data"]) == len(seen["curves"])
    assert all(len(t["x"]) == len(c["images"]) for t, c in zip(seen["figure"]["data"], seen["curves"], strict=True))  # noqa: E501  # fmt: skip


def test_lpips_of_an_unstated_network_is_in_no_plot_with_alex(results: Path) -> None:
    assert "Shallow" not in {c["label"] for c in view(results, metric="lpips")["curves"]}
    assert {c["label"] for c in view(results, metric="lpips-unknown")["curves"]} == {"Shallow"}


def test_without_results_of_ours_the_page_says_so(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "points.csv").write_bytes((results / "published" / "points.csv").read_bytes())
    seen = view(tmp_path)
    assert {curve["kind"] for curve in seen["curves"]} == {"published"}
    assert any("not measured on kodak" in note for note in seen["notes"])


def test_with_no_results_at_all_the_page_still_answers(tmp_path: Path) -> None:
    seen = view(tmp_path)
    assert seen["curves"] == []
    assert "no results here yet" in seen["notes"][0]


def test_a_broken_file_costs_only_itself_and_names_no_path(tmp_path: Path) -> None:
    write_results(tmp_path)
    (tmp_path / "kodak" / "elic.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    seen = view(tmp_path)
    ours = {curve["codec"] for curve in seen["curves"] if curve["kind"] == "ours"}
    assert "mode" in ours
    assert "elic" not in ours
    (note,) = [note for note in seen["notes"] if "elic.csv" in note]
    assert str(tmp_path) not in note


def test_pictures_of_others_stand_apart_from_ours_of_the_same_name(tmp_path: Path) -> None:
    write_results(tmp_path)
    write_theirs(tmp_path, "elic", kept=("q2",))
    seen = view(tmp_path)
    ours, theirs = (
        [curve for curve in seen["curves"] if (curve["kind"], curve["codec"]) == (kind, "elic")]
        for kind in ("ours", "theirs")
    )
    assert len(ours) == len(theirs) == 1
    assert len(ours[0]["images"]) == 5
    assert theirs[0]["at"] == ["q1", "q2", "q3", "q4"]
    assert theirs[0]["kept"] == ("q2",)
    assert theirs[0]["on"]
    assert ours[0]["group"] != theirs[0]["group"]
    assert ours[0]["style"] != theirs[0]["style"]
    origins = {row["label"]: row["origin"] for row in seen["bd"]["rows"]}
    assert origins["elic"] == "theirs: measured here from their pictures"
    assert any("elic (theirs: measured" in one["label"] for one in seen["bd"]["references"])


def test_the_curves_of_one_picture_are_ours_only(tmp_path: Path) -> None:
    def curves() -> list[dict[str, Any]]:
        seen = view(tmp_path, picture={"image": "kodim02", "rows": []})
        return [curve for curve in seen["curves"] if curve["kind"] == "picture"]

    write_results(tmp_path)
    before = curves()
    write_theirs(tmp_path, "elic")
    assert len(before) == 7
    assert curves() == before


def test_a_curve_of_theirs_alone_is_not_said_to_be_published(tmp_path: Path) -> None:
    write_theirs(tmp_path, "new", kept=("q1", "q3"))
    seen = view(tmp_path)
    assert "Our codecs are not measured on kodak yet; the curves are others'." in seen["notes"]
    library = load_library(tmp_path)
    place = ("kodak", "new", "q1", "kodim01.png")
    assert library.kept[place] == tmp_path / "theirs/pictures/new/q1/kodim01.png"
    assert len(library.kept) == 6
    (point, *_) = rd_points(library, "kodak", "psnr")
    assert (point["kind"], point["codec"]) == ("theirs", "new")


def test_their_results_file_can_be_dropped_on_the_page(tmp_path: Path) -> None:
    """Each rate is told apart by its name, since nothing was aimed at."""
    curves, _ = read_user_csv(write_theirs(tmp_path, "new").read_text("utf-8"), "new.csv")
    assert [len(curve.points) for curve in curves] == [4]


def test_new_results_are_seen_without_a_restart(tmp_path: Path) -> None:
    write_results(tmp_path)
    before = view(tmp_path)
    (tmp_path / "kodak" / "jpeg.csv").unlink()
    assert len(view(tmp_path)["curves"]) == len(before["curves"]) - 1


def test_the_picture_on_screen_is_drawn_with_its_own_curves(results: Path) -> None:
    rows = [{"codec": "mode", "anchor": "perception", "label": "MoDE-P", "bpp": 0.1, "psnr": 29}]
    seen = view(results, picture={"image": "KODIM02", "rows": rows})
    assert {c["image"] for c in seen["curves"] if c["kind"] == "picture"} == {"kodim02.png"}
    kinds = [curve["kind"] for curve in seen["curves"]]
    assert kinds.count("now") == 1
    assert kinds.count("picture") == 7


def test_opened_pictures_are_points_of_their_own_and_of_no_curve(results: Path) -> None:
    opened = {"codec": "", "anchor": "", "opened": True, "psnr": 31}
    rows = [
        {**opened, "label": "theirs 22", "bpp": 0.1},
        {**opened, "label": "theirs 27", "bpp": 0.2},
        {**opened, "label": "unknown", "bpp": None},
        {"codec": "elic", "label": "ELIC", "bpp": 0.1, "psnr": 30},
    ]
    seen = view(results, picture={"image": "mine", "rows": rows})
    points = [curve for curve in seen["curves"] if curve["kind"] == "opened"]
    assert [one["label"] for one in points] == ["theirs 22", "theirs 27"]
    assert len({one["group"] for one in points}) == len({one["style"]["symbol"] for one in points})
    assert all(one["source"].startswith("opened") and one["on"] for one in points)
    traces = [seen["figure"]["data"][seen["curves"].index(one)] for one in points]
    assert [(one["mode"], one["x"], one["y"]) for one in traces] == [
        ("markers", [0.1], [31]),
        ("markers", [0.2], [31]),
    ]
    assert not any("theirs" in row["label"] for row in seen["bd"]["rows"])
    assert not any("theirs" in one["label"] for one in seen["bd"]["references"])


def test_rates_at_which_a_picture_was_seen_are_its_own_curve(results: Path) -> None:
    elic = [{"codec": "elic", "bpp": bpp, "psnr": 30 + bpp} for bpp in (0.4, 0.1, 0.1, 0.2)]
    rows = [*elic, {"codec": "jpeg", "bpp": 0.3, "psnr": 28}, {"codec": "vq", "bpp": "junk"}]
    seen = view(results, picture={"image": "mine", "rows": elic[:1], "visited": rows})
    (curve,) = [curve for curve in seen["curves"] if curve["kind"] == "picture"]
    assert (curve["label"], curve["image"]) == ("ELIC", "mine")
    trace = seen["figure"]["data"][seen["curves"].index(curve)]
    assert trace["x"] == [0.1, 0.2, 0.4]
    # A picture that the results hold has better ones.
    known = view(results, picture={"image": "kodim02.png", "rows": elic[:1], "visited": rows})
    assert [curve["kind"] for curve in known["curves"]].count("picture") == 7


def test_a_live_point_without_the_metric_is_explained(results: Path) -> None:
    rows = [{"codec": "elic", "label": "ELIC", "bpp": 0.1, "psnr": 30}]
    notes = view(results, metric="lpips", picture={"image": "x", "rows": rows})["notes"]
    assert any("no LPIPS (AlexNet), so its points" in note for note in notes)


state_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["dataset", "metric", "reference", "log", "dark", "picture", "files"])
            | st.sampled_from(["image", "rows", "name", "text", "bpp", "psnr", "codec", "anchor"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
picture_json = st.fixed_dictionaries({"rows": st.lists(state_json) | state_json})


@given(state_json | st.fixed_dictionaries({"picture": picture_json | state_json}))
def test_any_state_gets_an_answer(library: Library, state: object) -> None:
    seen = answer(library, Wish.parse(state))
    assert seen["bd"]["rows"]
    assert len(json.dumps(seen, allow_nan=False)) > 1000


def test_points_of_the_endpoint_are_those_of_the_plot(results: Path) -> None:
    library = load_library(results)
    points = rd_points(library, "kodak", "psnr")
    drawn = answer(library, Wish())["figure"]["data"]
    assert sorted(p["bpp"] for p in points) == sorted(x for trace in drawn for x in trace["x"])


@pytest.mark.parametrize(
    ("dataset", "metric", "words"),
    [("kodak", "ssim", "there is no metric 'ssim'.*psnr"), ("../etc", "psnr", "are no results")],
)
def test_the_endpoint_refuses_what_is_not_there(
    results: Path, dataset: str, metric: str, words: str
) -> None:
    with pytest.raises(ResultsError, match=words):
        rd_points(load_library(results), dataset, metric)


def test_bd_rates_are_those_of_the_command_line() -> None:
    rows = made_up_rows()
    table = bd_table(our_curves(rows), METRICS["lpips"], "ours/kodak/elic//compact")
    shown = {row["key"].split("/", 2)[2]: row["percent"] for row in table["rows"]}
    expected = {c.name: c.rate for c in comparisons(rows, METRICS["lpips"], "elic")}
    for name, rate in expected.items():
        codec, _, anchor = name.partition("@")
        profile = "" if codec == "jpeg" else "compact"
        if name != "elic" and rate is not None:
            assert shown[f"{codec}/{anchor}/{profile}"] == pytest.approx(rate.percent)


def test_a_codec_that_needs_ten_percent_more_bits_has_plus_ten() -> None:
    rows = [row for row in made_up_rows() if row.codec == "elic"]
    more = [row._replace(codec="vq", bpp=row.bpp * 1.1) for row in rows]
    table = bd_table(our_curves([*rows, *more]), METRICS["psnr"])
    (row,) = table["rows"]
    assert (row["rate"], row["overlap"]) == ("+10.0 %", "100%")


def test_curves_that_do_not_meet_are_refused_in_words() -> None:
    rows = [row for row in made_up_rows() if row.codec == "elic"]
    far = [row._replace(codec="vq", values={"psnr": row.values["psnr"] + 40}) for row in rows]
    (row,) = bd_table(our_curves([*rows, *far]), METRICS["psnr"])["rows"]
    assert row["percent"] is None
    assert "share 0%" in row["refused"]


def test_a_users_csv_is_compared_at_once(results: Path) -> None:
    text = "codec,bpp,psnr\n" + "".join(f"Mine,{r},{36 + 3 * math.log2(r)}\n" for r in (0.1, 0.2, 0.4, 0.8))  # noqa: E501  # fmt: skip
    seen = view(results, files=[{"name": "mine.csv", "text": text}])
    assert [curve["label"] for curve in seen["curves"] if curve["kind"] == "yours"] == ["Mine"]
    assert any(row["label"] == "Mine" and row["rate"] for row in seen["bd"]["rows"])


def test_two_files_of_one_name_stay_two(results: Path) -> None:
    files = [
        {"name": "results.csv", "text": f"codec,bpp,psnr,lpips\nX,0.1,{psnr},0.2\n"}
        for psnr in (31, 21)
    ]
    mine = [one for one in view(results, files=files)["curves"] if one["kind"] == "yours"]
    assert len({one["key"] for one in mine}) == 2


def test_what_was_saved_of_another_picture_is_not_this_pictures() -> None:
    (curve,), _ = read_user_csv("dataset,codec,bpp,psnr\n'@picture,X,0.1,30\n", "mine.csv")
    assert curve.dataset == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no 'codec' and no 'bpp'"),
        ("method,kbps,psnr\nx,1,2", "no 'bpp'"),
        ("name,rate,quality\nx,1,2", "no 'codec'.* has 'name', 'rate', 'quality'$"),
        ("codec,bpp,psnr\nx,1,", "no row has a number for any metric"),
        ("codec,bpp,vmaf\nx,1,2", "no metric"),
        ("codec,bpp,psnr,PSNR\nx,1,2,2", "'psnr' twice"),
        ("codec,bpp,psnr\n", "no rows"),
        ("codec,bpp,psnr\nx,1", "line 2 has 2 cells"),
        ("codec,bpp,psnr\nx,1,30\nx,,31", "line 3: bpp"),
        ('codec,bpp,psnr\nx,"0,1",30', "decimals take a point"),
        ("codec,bpp,psnr\nx,nan,30", "not a number"),
        ("codec,bpp,psnr\nx,1_0,30", "bpp is '1_0', not a number"),
        ("codec,bpp,psnr\nx,-1,30", "above 0"),
        ("codec,bpp,ms_ssim\nx,0.1,15.2", "not dB"),
        ("codec,image,bpp,psnr\nx,a,0.1,30\nx,a,0.2,33", "several rows for picture 'a'"),
        ("codec,bpp,psnr\n" + "".join(f"c{i},1,30\n" for i in range(61)), "61 curves"),
        ("codec,bpp,psnr\0", "not text"),
        ("x" * (MAX_BYTES + 1), "larger than 2 MB"),
        ("codec,bpp,psnr\n" + "A,1,30\n" * 20_001, "more than 20000 rows"),
    ],
)
def test_a_wrong_csv_is_refused_with_a_reason(text: str, said: str) -> None:
    with pytest.raises(ResultsError, match=said):
        read_user_csv(text, "mine.csv")


def test_a_header_of_countless_columns_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.explorer.usercsv._column", lambda _: pytest.fail("a name was read"))
    header = ",".join(["codec", "bpp", "psnr", *map(str, range(255_000))])
    with pytest.raises(ResultsError, match="255003 columns; at most 200 are read"):
        read_user_csv(header, "mine.csv")


def test_files_that_were_not_read_say_why_and_the_view_stays_whole() -> None:
    wish = Wish(files=(UserFile("mine.csv", "codec,bpp,psnr\nA,1,30\n", 22),))
    told = show_unread(wish, "too slow")
    assert [(file["name"], file["error"]) for file in told["files"]] == [("mine.csv", "too slow")]
    assert told.keys() == show(wish).keys()
    assert not any(curve["kind"] == "yours" for curve in told["curves"])


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300) | st.text("codec,bpsnr\n\";01.-e\t", max_size=300))  # noqa: E501  # fmt: skip
def test_any_text_is_curves_or_a_reason(text: str) -> None:
    try:
        curves, _ = read_user_csv(text, "x.csv")
    except ResultsError:
        return
    assert all(math.isfinite(v) for c in curves for p in c.points for v in p.values.values())


def test_semicolons_a_mark_and_human_names_are_understood() -> None:
    (curve,), summary = read_user_csv("\ufeffCodec;BPP;PSNR;MS-SSIM\nA;0.1;30;0.9\n", "x.csv")
    assert curve.points[0].values == {"psnr": 30, "ms_ssim": 0.9}
    assert summary == "1 curve, 1 points"


def test_rows_per_picture_are_averaged_over_whole_sets() -> None:
    text = "codec,image,quality,bpp,psnr\nA,1,q1,0.1,30\nA,2,q1,0.3,34\nA,1,q2,0.5,40\n"
    (curve,), _ = read_user_csv(text, "x.csv")
    assert [(point.bpp, point.values["psnr"]) for point in curve.points] == [(0.2, 32)]


def test_lpips_without_a_network_is_kept_apart_and_said() -> None:
    (curve,), summary = read_user_csv("codec,bpp,lpips\nA,0.1,0.2\n", "x.csv")
    assert list(curve.points[0].values) == ["lpips_unknown"]
    assert "lpips_net" in summary


def test_our_own_results_files_can_be_dropped(results: Path) -> None:
    text = (results / "kodak" / "mode.csv").read_text(encoding="utf-8")
    curves, _ = read_user_csv(text, "mode.csv")
    assert {len(curve.at("lpips")) for curve in curves} == {5}


KEYS = ("bytes_file", "bpp", "psnr", "ms_ssim", "lpips", "encode_ms", "decode_ms")
ROWS = [
    ResultRow(label, dict(zip(KEYS, values, strict=True)))
    for label, *values in (
        ("MoDE-P", 4971, 0.1011, 27.5, 0.95, 0.1, 120, 80),
        ("a|b & <i>50%_x", 4900, 0.0997, 28.9, 0.96, 0.3, None, 90),
    )
]


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        ([row.values for row in ROWS], ["....*.*", "..**..."]),
        # equal as they are shown; alone in its column
        ([{"psnr": 30.001}, {"psnr": 30.002}, {"bpp": 1}], [".*", ".*", ".."]),
        # far from its target, near, and too large: what missed it is best at nothing
        (
            [
                {"bpp": 0.043, "deviation": -0.57, "psnr": 31.0, "encode_ms": 10},
                {"bpp": 0.0997, "deviation": -0.003, "psnr": 28.9, "encode_ms": 90},
                {"bpp": 0.108, "deviation": 0.08, "psnr": 25.0, "encode_ms": 40},
            ],
            ["....", "..*.", "...*"],
        ),
    ],
)
def test_the_best_of_each_column_is_marked(rows: list[dict[str, Any]], best: list[str]) -> None:
    lines = cells([ResultRow("a", values) for values in rows])
    assert ["".join(".*"[cell.best] for cell in line) for line in lines] == best


def test_copies_say_how_far_each_file_is_from_the_target() -> None:
    rows = [
        ResultRow("DLF", {"bpp": 0.043, "deviation": -0.57}),
        ResultRow("ELIC", {"bpp": 0.1}),
    ]
    assert "| Codec | bpp | Δ target [%] |" in as_markdown(rows)
    assert "| DLF | 0.0430 | -57.0 |" in as_markdown(rows)
    assert r"$\Delta$ target [\%]" in as_latex(rows)
    assert as_csv(rows).splitlines()[:2] == ["codec,bpp,deviation", "DLF,0.043,-0.57"]


def test_labels_cannot_break_out_of_a_table() -> None:
    assert r"a\|b & \<i\>50%\_x" in as_markdown(ROWS)
    assert r"a\textbar{}b \& \textless{}i\textgreater{}50\%\_x &" in as_latex(ROWS)
    assert as_csv([ResultRow("=HYPERLINK(1)", {})]).splitlines()[1].startswith("'=")


def test_about_says_what_is_missing_and_computes_what_is_there(
    results: Path, tmp_path: Path
) -> None:
    (tmp_path / "elic-compact.md").write_text("# ELIC\n- Licence: Apache-2.0\n", encoding="utf-8")
    text = about_text(load_library(results), {"elic": "compact"}, tmp_path)
    assert "weights here: compact" in text
    assert "no weights are bundled yet" in text
    assert "`elic-compact`: licence: Apache-2.0" in text
    assert "- ELIC, PSNR: " in text
    nothing = about_text(load_library(tmp_path / "none"), {}, tmp_path / "none")
    assert "not measured yet, so there is nothing to compare" in nothing


def test_about_says_of_each_learned_codec_what_its_paper_states_and_what_is_ours(
    tmp_path: Path,
) -> None:
    lines = about_text(load_library(tmp_path), {}, tmp_path).splitlines()
    for info in CODECS.values():
        (line,) = (
            one for one in lines if one.startswith(f"**{' and '.join(info.outputs.values())}**")
        )
        assert (f"Stated in the paper: {info.stated}. Ours" in line) == info.learned
        assert bool(info.stated and info.ours) == info.learned, info.id


def test_about_follows_the_results(tmp_path: Path) -> None:
    """The same text with better rows has other figures: none is written by hand."""
    write_results(tmp_path)
    before = about_text(load_library(tmp_path), {}, tmp_path)
    path = tmp_path / "kodak" / "elic.csv"
    rows = read_rows(path)
    better = [{**row.values, "psnr": row.values["psnr"] + 1} for row in rows]
    write_rows(path, [row._replace(values=one) for row, one in zip(rows, better, strict=True)])
    line = next(one for one in before.splitlines() if one.startswith("- ELIC, PSNR"))
    assert line not in about_text(load_library(tmp_path), {}, tmp_path)


def test_a_file_too_large_to_be_sent_is_refused_by_its_size(results: Path) -> None:
    (report,) = view(results, files=[{"name": "big.csv", "size": 10**9}])["files"]
    assert report["error"] == "the file is larger than 2 MB"


def test_broken_files_take_nobodys_place(results: Path) -> None:
    good = {"text": "codec,bpp,psnr\nA,0.1,30\n"}
    names = ["1", "broken", "2", "3", "wrong", "4", "5"]
    files = [{"name": name} | (good if name.isdigit() else {"text": "a,b"}) for name in names]
    seen = view(results, files=files)
    errors = {report["name"]: report["error"] for report in seen["files"] if report["error"]}
    assert set(errors) == {"broken", "wrong", "5"}
    assert errors["5"] == "4 files are the most at once; remove one first"
    yours = [curve["source"] for curve in seen["curves"] if curve["kind"] == "yours"]
    assert yours == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("codec,bpp,psnr\nA,0.1,30\n", None, ""),
        ("codec,bpp,dists\nA,0.1,0.2\n", ("kodak", "dists"), "under Kodak (3), DISTS"),
        ("codec,dataset,bpp,psnr\nA,mine,0.1,30\n", ("mine", "psnr"), "under dataset “mine”, PSNR"),
        ("codec,dataset,bpp,psnr\nA,mine,0.1,30\nA,kodak,0.1,30\n", None, ""),
        ("codec,dataset,bpp,psnr,fid\nA,mine,0.1,30,\nA,kodak,0.1,,9\n", ("kodak", "fid"), "FID"),
    ],
)
def test_a_file_with_nothing_in_view_says_where_its_curves_are(
    results: Path, text: str, place: tuple[str, str] | None, said: str
) -> None:
    file = {"name": "mine.csv", "text": text}
    (report,) = view(results, files=[file])["files"]
    assert report["elsewhere"] == (place and {"dataset": place[0], "metric": place[1]})
    assert said in report["summary"]
    assert ("not in this view" in report["summary"]) == bool(place)
    dataset, metric = place or ("kodak", "psnr")
    there = view(results, files=[file], dataset=dataset, metric=metric)
    assert "A" in [curve["label"] for curve in there["curves"] if curve["kind"] == "yours"]


def test_every_dataset_of_the_repository_has_a_human_name() -> None:
    library = load_library()
    assert set(library.datasets) <= set(library.labels)


def test_a_dataset_is_a_folder_with_its_name_in_it(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    rows = [row._replace(dataset="cats") for row in made_up_rows() if row.codec == "elic"]
    (tmp_path / "cats").mkdir()
    write_rows(tmp_path / "cats" / "elic.csv", rows)
    assert {"id": "cats", "label": "cats"} in view(tmp_path)["choices"]["datasets"]
    (tmp_path / "cats" / "dataset.json").write_text('{"label": "Cats (3)"}', encoding="utf-8")
    assert {"id": "cats", "label": "Cats (3)"} in view(tmp_path)["choices"]["datasets"]
    (tmp_path / "cats" / "dataset.json").write_text("[]", encoding="utf-8")
    assert any("cats/dataset.json is not as expected" in note for note in view(tmp_path)["notes"])
