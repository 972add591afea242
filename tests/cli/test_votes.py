"""`votes`: what it prints and writes, and what it refuses."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mode_core.cli import votes as votes_command
from mode_core.settings import RESULTS
from mode_core.votes.records import CHECK, UNSURE
from mode_core.votes.sheet import votes_csv
from tests.conftest import Shell
from tests.votes.simulate import FIVE, World, votes_of

KODAK = RESULTS / "kodak"


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    votes = votes_of(World(FIVE, careless=2, checks=8), 2)
    half = len(votes) // 2
    Path("A.csv").write_text(votes_csv(votes[:half]))
    Path("B.csv").write_text(votes_csv(votes[half:]))


def test_a_ranking_is_printed_best_first(shell: Shell) -> None:
    said = shell.does("votes A.csv B.csv")
    assert "18 raters, 720 votes on 24 pictures" in said
    assert "Left out: rater019, right in" in said
    assert "Side bias: between identical pictures" in said
    table = said.partition("place  candidate")[2].splitlines()[1:6]
    assert [line.split()[1] for line in table] == [*FIVE]
    assert "Kendall" not in said


def test_metrics_of_results_are_held_against_the_votes(shell: Shell) -> None:
    said = shell.does("votes A.csv B.csv --metrics", KODAK)
    lines = {
        line.split("  ")[0]: line for line in said.partition("votes that agree")[2].splitlines()
    }
    assert {"PSNR", "LPIPS (AlexNet)"} <= lines.keys()


def test_each_picture_may_be_ranked(shell: Shell) -> None:
    said = shell.does("votes A.csv B.csv --per picture")
    assert said.count("place  candidate") >= 24
    assert "kodim07" in said


def test_the_ranking_is_a_file_and_the_seed_repeats_it(shell: Shell) -> None:
    for name, seed in ("1.csv", 5), ("2.csv", 5), ("3.csv", 6):
        shell.does(f"votes A.csv B.csv --seed {seed} --out {name}")
    first, second, third = (Path(f"{at}.csv").read_text() for at in (1, 2, 3))
    assert first == second != third
    rows = list(csv.DictReader(first.splitlines()))
    assert [row["candidate"] for row in rows] == [*FIVE]
    assert all(float(row["win_low"]) < float(row["win_high"]) for row in rows)


def test_strangers_names_are_no_formulas_in_the_file(shell: Shell) -> None:
    text = Path("A.csv").read_text().replace("elic@0.1", "'=cmd()").replace("kodim", "'@kodim")
    Path("A.csv").write_text(text)
    shell.does("votes A.csv --per picture --out ranking.csv")
    cells = [
        cell for row in csv.reader(Path("ranking.csv").read_text().splitlines()) for cell in row
    ]
    assert "'=cmd()" in cells
    assert not any(cell.startswith(("=", "@")) for cell in cells)


def test_votes_are_never_written_over(shell: Shell) -> None:
    before = Path("B.csv").read_bytes()
    assert "never overwritten" in shell.refuses("votes A.csv B.csv --out ./B.csv")
    assert Path("B.csv").read_bytes() == before


def test_all_faults_are_said_and_nothing_is_ranked(shell: Shell) -> None:
    head, *lines = Path("A.csv").read_text().splitlines()
    Path("A.csv").write_text("\n".join([head, *(line.replace(",left,", ",up,") for line in lines)]))
    lines = shell.refuses("votes A.csv B.csv --out ranking.csv").splitlines()
    assert len(lines) == 21
    assert lines[0].startswith("A.csv, line ")
    assert lines[-1].startswith("error: nothing is ranked until the votes are in order: ")
    assert lines[-1].endswith("to mend, of which the first 20 are above")
    assert not Path("ranking.csv").exists()


def test_what_cannot_be_ranked_is_refused(shell: Shell) -> None:
    Path("latin.csv").write_bytes("r\u00e4ter".encode("latin-1"))
    Path("other").mkdir()
    for command, said in {
        "votes": "required: FILE.csv",
        "votes absent.csv": "absent.csv: No such file",
        "votes other": "other: Is a directory",
        "votes latin.csv": "latin.csv is not text in UTF-8",
        "votes A.csv A.csv": "A.csv: it is given twice",
        "votes A.csv --per rater": "invalid choice: 'rater'",
        "votes A.csv --seed x": "'x' is not a whole number",
        "votes A.csv --metrics other": "other holds no results",
        "votes A.csv --out no/r.csv": "no: there is no such folder",
    }.items():
        assert said in shell.refuses(command)
    Path("A.csv").write_text(Path("A.csv").read_text().replace("kodim", "other"))
    assert "no row is of a candidate and a picture" in shell.refuses("votes A.csv --metrics", KODAK)


def test_a_place_that_takes_no_ranking_is_refused_before_the_work(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(votes_command, "rank", lambda *_: pytest.fail("the work was begun"))
    Path("folder").mkdir()
    assert "folder: is a folder; name a file" in shell.refuses("votes A.csv --out folder")
    assert "no: there is no such folder" in shell.refuses("votes A.csv --out no/r.csv")


def test_a_folder_that_fits_nothing_is_named_though_votes_have_values(shell: Shell) -> None:
    votes = [
        vote._replace(picture="other", left_values={"psnr": 30.0}, right_values={"psnr": 31.0})
        for vote in votes_of(World(FIVE), 2)
    ]
    Path("A.csv").write_text(votes_csv(votes))
    assert "no row is of a candidate and a picture" in shell.refuses("votes A.csv --metrics", KODAK)


def test_no_rater_may_be_left(shell: Shell) -> None:
    votes = votes_of(World(FIVE, raters=2), 1)
    blind = [vote._replace(answer=UNSURE) if vote.kind == CHECK else vote for vote in votes]
    Path("A.csv").write_text(votes_csv(blind))
    assert "every one failed the checks" in shell.refuses("votes A.csv")
    assert "Left out: rater001" in shell.out
