"""The CSV files: what is written is read back, and nothing else is read."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mode_core.errors import ResultsError
from mode_core.evaluation import rows as files
from mode_core.evaluation.folders import read_folder
from mode_core.evaluation.rows import Row, read_rows, row_key, write_rows
from mode_core.metrics import BENCH_METRICS
from mode_core.metrics.table import COLUMNS
from tests.conftest import ROOT

RESULTS = ROOT / "results"
ROW = Row(
    dataset="kodak",
    image="kodim01.png",
    width=768,
    height=512,
    codec="mode",
    profile="compact",
    anchor="0.5",
    target_bpp=0.1,
    quality=12,
    weights="0a1b2c3d",
    bytes_file=4915,
    bytes_payload=4888,
    bpp=8 * 4915 / (768 * 512),
    values={"psnr": 27.12346, "ms_ssim": 0.9123456, "lpips": 0.1234567},
)
WRITTEN = (
    "dataset,image,width,height,codec,profile,anchor,target_bpp,quality,weights,bytes_file,"
    "bytes_payload,bpp,psnr,ms_ssim,lpips\n"
    "kodak,kodim01.png,768,512,mode,compact,0.5,0.1,12,0a1b2c3d,4915,4888,"
    "0.09999593098958333,27.1235,0.912346,0.123457\n"
)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=12)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """Any row, with names that need quoting."""
    width, height, size = (draw(st.integers(1, 5000)) for _ in range(3))
    value = st.floats(-1, 100) | st.just(math.inf)
    return ROW._replace(
        image=draw(names),
        anchor=draw(st.sampled_from(["", "fidelity", "0.5", "perception"])),
        target_bpp=draw(st.sampled_from([0.05, 0.1, 0.125, 1.5])),
        width=width,
        height=height,
        bytes_file=size,
        bpp=8 * size / (width * height),
        values=draw(st.dictionaries(st.sampled_from(BENCH_METRICS), value)),
    )


@given(wanted=st.lists(rows(), max_size=6, unique_by=row_key))
@settings(deadline=None)
def test_rows_come_back_as_they_were_written(wanted: list[Row]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mode.csv"
        write_rows(path, wanted)
        found = read_rows(path)
        first = path.read_bytes()
        write_rows(path, reversed(found))
        assert path.read_bytes() == first
    for row, twin in zip(sorted(wanted, key=row_key), found, strict=True):
        assert twin[:13] == row[:13]
        assert twin.values == pytest.approx(row.values, abs=1e-4)
        assert twin.bpp == 8 * twin.bytes_file / (twin.width * twin.height)


def test_columns_and_formats_are_those_that_everybody_reads(tmp_path: Path) -> None:
    write_rows(tmp_path / "mode.csv", [ROW])
    assert (tmp_path / "mode.csv").read_text() == WRITTEN


def test_a_metric_that_no_row_has_is_no_column_and_may_be_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "mode.csv"
    path.write_text(WRITTEN.replace("\n", ",\n").replace("lpips,", "lpips,dists"))
    assert read_rows(path) == read_rows_of(WRITTEN, tmp_path), "an empty cell is no value"
    write_rows(path, read_rows(path))
    assert path.read_text() == WRITTEN
    more = ROW._replace(image="kodim02.png", values={"psnr": 30.0, "dists": 0.25})
    write_rows(path, [ROW, more])
    head, *lines = path.read_text().splitlines()
    assert head.endswith(",bpp,psnr,ms_ssim,lpips,dists")
    assert [line.split(",")[13:] for line in lines] == [
        ["27.1235", "0.912346", "0.123457", ""],
        ["30.0000", "", "", "0.250000"],
    ]


def read_rows_of(text: str, folder: Path) -> list[Row]:
    path = folder / "other.csv"
    path.write_text(text)
    return read_rows(path)


def test_no_committed_file_has_a_column_without_a_value() -> None:
    for path in RESULTS.glob("*/*.csv"):
        with path.open(newline="") as file:
            lines = list(csv.DictReader(file))
        # Columns that name something may be empty: classical codecs have no weights.
        empty = {
            name for name in COLUMNS if name in lines[0] and not any(row[name] for row in lines)
        }
        assert not empty, path


def test_committed_files_come_out_byte_for_byte(tmp_path: Path) -> None:
    committed = [path for path in RESULTS.glob("*/*.csv") if path.parent.name != "published"]
    assert len(committed) >= 36
    for path in committed:
        copy = tmp_path / path.name
        if path.name.endswith(files.TIMING_SUFFIX):
            files.write_timings(copy, files.read_timings(path))
        elif path.name == files.WHOLE_SET:
            files.write_whole_sets(tmp_path, files.read_whole_sets(path.parent))
        else:
            write_rows(copy, read_rows(path))
        assert copy.read_bytes() == path.read_bytes(), path


def test_timings_come_back(tmp_path: Path) -> None:
    timings = [files.Timing("a.png", 0.1, "fidelity", "cpu", 1, 1.25, 0.5)]
    files.write_timings(tmp_path / "mode.timing.csv", timings)
    assert files.read_timings(tmp_path / "mode.timing.csv") == timings


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("dataset,", "data,"), "the columns are data,image.*expected dataset,image"),
        (("dataset,image,", ""), "the columns are width.*expected dataset"),
        ((",lpips\n", ",vmaf\n"), "the columns are dataset.*vmaf; expected dataset"),
        ((",ms_ssim,lpips\n", ",lpips,lpips\n"), "the columns are dataset.*lpips,lpips; expected"),
        ((",12,", ",twelve,"), "line 2, column quality: 'twelve' is not a whole number"),
        ((",12,", ",1_2,"), "line 2, column quality: '1_2' is not a whole number"),
        ((",27.1235,", ",2_7.1,"), "line 2, column psnr: '2_7.1' is not a number"),
        ((",27.1235,", ",good,"), "line 2, column psnr: 'good' is not a number"),
        ((",27.1235,", ",nan,"), "column psnr: NaN is not a result"),
        ((",0.1,", ",,"), "column target_bpp: '' is not a number"),
        (("kodim01.png,", ""), "line 2: 15 cells where 16"),
        ((",4915,", ",5915,"), "line 2: bpp is 0.099.* 5915 bytes for 768x512 pixels are 0.12"),
        ((",768,512,", ",0,512,"), "bpp is 0.09"),
        (("kodak,", "\udcff"), "not a CSV file in UTF-8"),
        ((WRITTEN, ""), r"is empty; measure it anew"),
    ],
)
def test_a_wrong_file_is_refused(change: tuple[str, str], words: str, tmp_path: Path) -> None:
    path = tmp_path / "mode.csv"
    write_rows(path, [ROW])
    text = path.read_text().replace(*change, 1)
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ResultsError, match=words) as caught:
        read_rows(path)
    assert str(path) in str(caught.value)


def test_a_folder_is_its_finished_files(tmp_path: Path) -> None:
    write_rows(tmp_path / "mode.csv", [ROW])
    write_rows(tmp_path / "elic.csv", [ROW._replace(codec="elic")])
    write_rows(tmp_path / "vq.partial.csv", [ROW._replace(codec="vq")])
    files.write_timings(tmp_path / "mode.timing.csv", [])
    assert [row.codec for row in read_folder(tmp_path)] == ["elic", "mode"]


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_a_folder_without_results_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ResultsError, match="bench"):
        read_folder(tmp_path / name)


@pytest.mark.parametrize("name", ["", "published", "absent"])
def test_a_folder_of_something_else_says_which_one_has_results(name: str, tmp_path: Path) -> None:
    for set_name in ("kodak", "val"):
        (tmp_path / set_name).mkdir()
        write_rows(tmp_path / set_name / "elic.csv", [ROW])
    (tmp_path / "published").mkdir()
    for path in (tmp_path / "points.csv", tmp_path / "published" / "points.csv"):
        path.write_text("codec,dataset\nBPG,kodak\n")
    with pytest.raises(ResultsError, match="choose one of") as caught:
        read_folder(tmp_path / name)
    assert str(caught.value).endswith(f"{tmp_path / 'kodak'}, {tmp_path / 'val'}")
    assert "expected" not in str(caught.value)


@pytest.mark.parametrize("damage", ["cut off", "empty"])
def test_a_damaged_file_says_what_to_do(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "elic.csv"
    write_rows(path, [ROW])
    path.write_bytes(path.read_bytes()[:-20] if damage == "cut off" else b"")
    with pytest.raises(ResultsError, match=r"elic\.csv.*; measure it anew with `bench --replace`"):
        read_folder(tmp_path)


@pytest.mark.parametrize("metric", ["psnr", "lpips"])
def test_nan_is_not_written_and_leaves_what_was_there(metric: str, tmp_path: Path) -> None:
    path, rows = tmp_path / "mode.csv", [ROW, ROW._replace(values={metric: math.nan})]
    with pytest.raises(ValueError, match=f"{metric} is NaN"):
        write_rows(path, rows)
    assert not list(tmp_path.iterdir())
    write_rows(path, [ROW])
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"{metric} is NaN"):
        write_rows(path, rows)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
