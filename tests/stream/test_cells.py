"""CSV cells: no spreadsheet runs a name, and reading gives back what was written."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.explorer.usercsv import read_user_csv
from app.viewer.tables import ResultRow, as_csv
from mode_core.evaluation.rows import Row, read_rows, write_rows
from mode_core.stream.cells import as_written, csv_line, disarmed

NAMES = (
    "=cmd()|' /C calc'!A0",
    "+1",
    "-2.png",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1+1",
    "'=1",
    "''+1",
)
PLAIN = ("a=b", "kodim01.png", "'quoted'", "x;=1+1", 'say "yes", no', "")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_spreadsheet_would_run_becomes_text(name: str) -> None:
    assert disarmed(name)[0] == "'"


@given(st.text(alphabet="'=+-@\uff1d\t\r\n,;\"a1 "))
def test_reading_takes_away_what_writing_added(name: str) -> None:
    (cells,) = csv.reader(StringIO(csv_line([disarmed(name), "end"]), newline=""))
    assert [as_written(cells[0]), *cells[1:]] == [name, "end"]
    assert not disarmed(name).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"))


@pytest.mark.parametrize("name", [*NAMES, *PLAIN])
def test_results_files_keep_every_name(name: str, tmp_path: Path) -> None:
    row = Row("own", name, 8, 8, "jpeg", "", "", 1.0, 3, "", 8, 4, 1.0, {"psnr": -1.5})
    write_rows(tmp_path / "jpeg.csv", [row])
    assert read_rows(tmp_path / "jpeg.csv") == [row]
    text = (tmp_path / "jpeg.csv").read_bytes().decode()
    assert text.endswith(",-1.5000\n"), "numbers stay numbers"
    cells = next(csv.reader(StringIO(text.partition("\n")[2], newline="")))
    assert name in PLAIN or cells[1] == f"'{name}"
    assert ";" not in name or f'"{name}"' in text


def test_a_table_of_the_page_gives_its_names_back() -> None:
    table = as_csv([ResultRow("=1+1 codec", {"bpp": 0.5, "psnr": 30.0})])
    assert "'=1+1 codec" in table
    curves, _ = read_user_csv(table, "mine.csv")
    assert curves[0].label == "=1+1 codec"
