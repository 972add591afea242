"""A metric is a row: one function and one row in the table, and it is everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.made_up.trees import linked_program, run

FUNCTION = '''
def toy(original: Image, decoded: Image) -> float:
    """The mean of the error."""
    return float(abs(original.astype(float) - decoded).mean())


_TABLE = (
'''
ROW = '    Metric("toy", "TOY", "lower", 1, (0, 255), toy, unit="grey"),\n'
TABLE = Path("mode_core") / "metrics" / "table.py"

LOOK = """
import json
from pathlib import Path
import numpy as np
from app.explorer.curves import live_curves
from app.explorer.library import load_library
from app.explorer.usercsv import read_user_csv
from app.explorer.view import Wish, answer
from app.viewer.component import catalogue
from app.viewer.tables import ResultRow, as_csv, as_latex, as_markdown
from mode_core.cli.main import main
from mode_core.evaluation.rows import read_rows
from mode_core.figures.making import lay
from mode_core.figures.plan import Crop, Figure, Options, Pane
from mode_core.metrics import Measured, measurable

assert "toy" in measurable()  # what the page measures
(told,) = [one for one in catalogue()["metrics"] if one["key"] == "toy"]
assert (told["label"], told["unit"], told["better"], told["digits"]) == ("TOY", "grey", "lower", 1)

command = "bench photos --out results/own --codecs jpeg,webp --bpp 1,2,4,8"
assert main(command.split()) == 0
path = Path("results/own/jpeg.csv")
assert path.read_text().splitlines()[0].endswith(",toy")
assert all(row.values["toy"] > 0 for row in read_rows(path))
assert main("bdrate results/own --reference jpeg --metric toy".split()) == 0

row = ResultRow("A", {"toy": 1.25})
assert "| TOY [grey] |" in as_markdown([row]) and "| 1.2 |" in as_markdown([row])
assert "TOY [grey]" in as_latex([row])
assert as_csv([row]) == "codec,toy\\nA,1.25\\n"
photo = np.zeros((90, 120, 3), np.uint8)
drawn = Figure(photo, (Pane("A", photo), ), (Crop(0, 0, 120, 90), ), Options(metrics=("toy", )))
words = lay(drawn, lambda *ask: Measured({"toy": 1.25}, {})).page.words
assert {"TOY grey", "1.2"} <= {one.text for one in words}

seen = answer(load_library(Path("results")), Wish(dataset="own", metric="toy"))
assert seen["metric"] == "toy" and len(seen["figure"]["data"]) == 2
assert seen["axis"]["title"] == "TOY [grey] \\u2014 lower is better"
assert {"id": "toy", "label": "TOY"} in seen["choices"]["metrics"]
assert seen["bd"]["rows"]
assert live_curves({"rows": [{"codec": "jpeg", "bpp": 1, "toy": 2}]})[0].at("toy")
assert read_user_csv("codec,bpp,toy\\nA,1,2\\n", "a.csv")[0][0].at("toy")
"""


@pytest.mark.slow
def test_a_new_row_is_in_files_tables_figures_and_curves(tmp_path: Path) -> None:
    linked_program(tmp_path)
    text = (ROOT / TABLE).read_text(encoding="utf-8")
    text = text.replace("\n_TABLE = (\n", FUNCTION).replace(")  # fmt: skip", f"{ROW})", 1)
    (tmp_path / TABLE).unlink()
    (tmp_path / TABLE).write_text(text, encoding="utf-8")
    printed = run(tmp_path, "-c", LOOK, HOME=str(tmp_path), MODE_LPIPS_BACKBONE="absent")
    assert "| against jpeg | TOY BD-rate | overlap | BD-TOY |" in printed
