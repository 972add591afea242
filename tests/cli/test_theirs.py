"""`bench --reconstructions` as people use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mode_core.evaluation.bench import find_photos
from mode_core.evaluation.rows import read_rows
from tests.cli.folder import folder_with_photos  # noqa: F401
from tests.conftest import Shell
from tests.made_up.decoded import hand_over, read_sizes, write_sizes

pytestmark = pytest.mark.usefixtures("folder_with_photos")
COMMAND = "bench photos --reconstructions over --out results/theirs"


@pytest.fixture(autouse=True)
def handed_over(folder_with_photos: None) -> None:  # noqa: F811
    Path("over").mkdir()
    hand_over(find_photos(Path("photos")), Path("over"), "webp", [1, 2, 4], "New codec")


def test_what_was_measured_and_where_sizes_are_from_is_said(shell: Shell) -> None:
    first, *others = read_sizes(Path("over"))
    write_sizes(Path("over"), others)
    codec, rate, image, size = first
    Path("over", codec, rate, f"{image}.bin").write_bytes(bytes(int(size)))
    out = shell.does(f"{COMMAND} --dataset kodak")
    assert out.strip() == (
        "results/theirs: 2 pictures of kodak, New codec at 3 rates; "
        "file sizes: 1 from bitstreams, 5 from sizes.csv"
    )
    rows = read_rows(Path("results/theirs/New codec-theirs.csv"))
    assert {row.dataset for row in rows} == {"kodak"}
    assert {row.rate_name for row in rows} == {"r1", "r2", "r4"}
    facts = json.loads(Path("results/theirs/New codec-theirs.json").read_text())
    assert facts["command"] == (
        "python -m mode_core bench photos --reconstructions over --out results/theirs "
        "--workers 1 --dataset kodak"
    )
    assert facts["pictures"] == "decoded by somebody else; only measured here"
    assert facts["file_sizes"] == {"bitstreams": 1, "sizes.csv": 5}


def test_a_bd_rate_sets_their_curve_beside_ours(shell: Shell) -> None:
    shell.does("bench photos --out results/photos --codecs webp,jpeg --bpp 1,2,4")
    shell.does(COMMAND)
    out = shell.does("bdrate results/photos results/theirs --reference webp --metric psnr")
    assert "| New codec:theirs | +0.0 % | 100% | +0.000 |" in out
    shell.does(f"{COMMAND} --dataset other --replace")
    said = shell.refuses("bdrate results/photos results/theirs --reference webp")
    assert "results on photos and other; a BD-rate is over one data set" in said


def test_every_mistake_has_a_line_before_the_error(shell: Shell) -> None:
    first, second, *others = read_sizes(Path("over"))
    write_sizes(Path("over"), [[*first[:3], "many"], [*second[:3], "0"], *others])
    *said, error = shell.refuses(COMMAND).splitlines()[-3:]
    assert [line.partition(":")[0] for line in said] == ["sizes.csv, line 2", "sizes.csv, line 3"]
    assert error.startswith("error: nothing is measured or written until over is in order: 2")
    assert not Path("results").exists()


def test_codecs_counts_no_rates_of_pictures_of_others(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Theirs may be called as one of ours."""
    Path("over/New codec").rename("over/webp")
    write_sizes(Path("over"), [["webp", *line[1:]] for line in read_sizes(Path("over"))])
    shell.does("bench photos --reconstructions over --out results/kodak")
    monkeypatch.setattr("mode_core.cli.main.KODAK", Path("results/kodak"))
    (line,) = (line for line in shell.does("codecs").splitlines() if line.startswith("webp"))
    assert "not measured" in line
