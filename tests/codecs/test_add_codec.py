"""CONTRIBUTING's steps are true: its codec with two anchors is one folder, found everywhere."""

from __future__ import annotations

import ast
import json
import re
import shutil
import textwrap
from pathlib import Path

import pytest

from mode_core.codecs.registry import CODECS
from tests import test_rooms
from tests.conftest import ROOT
from tests.made_up.trees import linked_program, run

SEEN = """
import io, json
from contextlib import redirect_stdout
from pathlib import Path
import numpy as np
from app.explorer.curves import our_curves
from app.panes.names import all_panes
from app.panes.names import pane_id, pane_label, parse_pane
from app.server.demands import check_request
from app.server.jobs import jobs_for
from app.server.jobs import run_job
from app.viewer.component import catalogue
from mode_core import Anchor, Bitstream, Target, load_codec, read_image
from mode_core.cli.main import main
from mode_core.evaluation.folders import read_folder

def told(command):
    with redirect_stdout(io.StringIO()) as out:
        assert main(command.split()) == 0
    return out.getvalue()

listed = told("codecs")
told("encode photos/a.png a.mode --codec twin --bpp 1")
for anchor in ("fidelity", "perception"):
    told(f"decode a.mode {anchor}.png --anchor {anchor}")
bench = "bench photos --out results/mine --codecs twin --bpp 0.2,0.5,1 --anchors"
told(f"{bench} fidelity,perception,0.5")
codec, grey = load_codec("twin"), np.full((9, 7, 3), 100, np.uint8)
file = Bitstream.from_bytes(codec.encode(grey, Target(quality=4)).to_bytes())
anchors = Anchor.FIDELITY, Anchor.PERCEPTION
check_request(["twin-f", "twin-p", "twin-0.5"], 0.5)
pixels = read_image(Path("photos/a.png"))
(job,) = jobs_for(pixels, ["twin-f", "twin-p", "twin-0.5"], 0.5)
print(json.dumps({
    "listed": listed,
    "compared": told("bdrate results/mine --anchor twin@fidelity"),
    "levels": [int(codec.decode(file, anchor).mean()) for anchor in anchors],
    "menu": [one["label"] for one in catalogue()["choices"] if one["id"].startswith("twin")],
    "api": [name for name in all_panes() if name.startswith("twin")],
    "links": [parse_pane(id) for id in ("twin-f", "twin-p", "twin-0.5", "mode-f", "mode-0.35")],
    "ids": [pane_id("twin", anchor) for anchor in ("fidelity", "perception", "0.5")],
    "label": pane_label("twin-0.5"),
    "job": [job.codec, *job.anchors],
    "pictures": sorted(job.anchors) if not run_job(job).error else run_job(job).error,
    "curves": sorted({curve.label for curve in our_curves(read_folder(Path("results/mine")))}),
}))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This program with one folder more: the code block of CONTRIBUTING, word for word."""
    home = linked_program(tmp_path_factory.mktemp("tree"))
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^   ```py\n(.*?)^   ```$", guide, re.M | re.S)
    folder = home / "mode_core" / "codecs" / "twin"
    folder.mkdir()
    (folder / "__init__.py").write_text(textwrap.dedent(block), encoding="utf-8")
    return home


@pytest.mark.slow
def test_command_line_benchmark_page_and_api_have_the_codec(tree: Path) -> None:
    seen = json.loads(run(tree, "-c", SEEN))
    assert re.search(r"^twin +Twin-F, Twin-P ", seen["listed"], re.M)
    pictures = {(tree / f"{end}.png").read_bytes() for end in ("fidelity", "perception")}
    assert len(pictures) == 2
    rows = (tree / "results" / "mine" / "twin.csv").read_text().splitlines()
    assert len(rows) == 1 + 3 * 3
    assert "| twin@perception |" in seen["compared"]
    # the example is no fake: its file holds the picture, and its anchors differ as stated
    assert seen["levels"] == [100, 116]
    assert seen["menu"] == ["Twin-F", "Twin-P"]
    assert seen["api"] == ["twin-f", "twin-p"]
    assert seen["links"] == [
        ["twin", "fidelity"], ["twin", "perception"], ["twin", "0.5"],
        ["mode", "fidelity"], ["mode", "0.35"],
    ]  # fmt: skip
    assert seen["ids"] == ["twin-f", "twin-p", "twin-0.5"]
    assert seen["label"] == "Twin 0.5"
    assert seen["job"] == ["twin", "fidelity", "perception", "0.5"]
    assert seen["pictures"] == ["0.5", "fidelity", "perception"]
    assert seen["curves"] == ["Twin 0.5", "Twin-F", "Twin-P"]


def test_the_house_has_room_for_it(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "CONTRIBUTING.md").symlink_to(ROOT / "CONTRIBUTING.md")
    monkeypatch.setattr(test_rooms, "ROOT", tree)
    monkeypatch.setattr(test_rooms, "MODULES", test_rooms.modules())
    twin = "mode_core.codecs.twin"
    assert test_rooms.used(twin) == test_rooms.stated(twin) == {"stream", "types"}
    assert twin not in test_rooms.circles(test_rooms.room_arrows())
    # its own assertions read this tree now
    test_rooms.test_arrows_point_downwards_in_the_order_that_contributing_draws()


def test_two_codecs_with_one_number_are_refused(tree: Path) -> None:
    folder = tree / "mode_core" / "codecs" / "other"
    shutil.copytree(tree / "mode_core" / "codecs" / "twin", folder)
    try:
        with pytest.raises(AssertionError, match="two codecs share an id or a wire_id"):
            run(tree, "-m", "mode_core", "codecs")
    finally:
        shutil.rmtree(folder)


def test_what_all_codecs_share_names_none_of_them() -> None:
    ids = {info.id for info in CODECS.values() if info.learned}
    named = set()
    for path in ROOT.glob("mode_core/**/*.py"):
        if path.parent.parent.name != "codecs":
            words = (getattr(node, "value", None) for node in ast.walk(ast.parse(path.read_text())))
            named |= {path.stem for word in words if isinstance(word, str) and word in ids}
    # what CompressAI is timed against, and what stands on what in a family that is trained as one
    assert named == {"speed", "plan"}
