"""Files of votes: what is written is read, and all that is wrong with a file is said at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mode_core.votes import sheet
from mode_core.votes.records import PAIR, UNSURE, Vote
from mode_core.votes.sheet import Sheet, read_votes, votes_csv
from tests.votes.simulate import FIVE, World, votes_of

HEAD = "rater,trial,kind,picture,left,right,answer,seconds"
GOOD = "ann,1,pair,kodim01,mode-p@0.1,elic@0.1,left,4.2"


def faults(*lines: str, head: str = HEAD) -> list[str]:
    return read_votes([Sheet("A.csv", "\n".join([head, *lines]))])[1]


def test_what_is_written_is_read() -> None:
    votes = votes_of(World(FIVE, raters=3), 1)
    votes[0] = votes[0]._replace(left_values={"psnr": 30.5}, right_values={"psnr": 31.0})
    votes[1] = votes[1]._replace(left_values={"lpips": 0.25})
    assert read_votes([Sheet("A.csv", votes_csv(votes))]) == (votes, [])


def test_names_that_are_formulas_are_disarmed_and_come_back() -> None:
    vote = Vote("=cmd()", "+1", PAIR, "@x", "-a", "'=b", UNSURE, 1.5)
    text = votes_csv([vote])
    assert text.splitlines()[1] == "'=cmd(),'+1,pair,'@x,'-a,''=b,unsure,1.5"
    assert read_votes([Sheet("A.csv", text)]) == ([vote], [])


@pytest.mark.parametrize("separator", [";", "\t"])
def test_spreadsheets_may_have_saved_the_file(separator: str) -> None:
    text = f"\ufeff{HEAD}\r\n{GOOD}\r\n\r\n".replace(",", separator)
    votes, wrong = read_votes([Sheet("A.csv", text)])
    assert (len(votes), wrong) == (1, [])


@pytest.mark.parametrize("separator", [";", "\t"])
def test_numbers_have_commas_where_commas_part_no_cells(separator: str) -> None:
    head, cells = f"{HEAD},left_psnr,right_psnr", [*GOOD.split(","), "30,5", "31"]
    text = f"{head.replace(',', separator)}\n{separator.join(cells).replace('4.2', '1,5')}"
    (vote,), wrong = read_votes([Sheet("A.csv", text)])
    assert wrong == []
    assert (vote.seconds, vote.left_values) == (1.5, {"psnr": 30.5})
    assert "seconds is '1,5'" in faults(GOOD.replace("4.2", '"1,5"'))[0]
    assert "seconds is '1.5,0'" in read_votes([Sheet("A", text.replace("1,5", "1,5,0"))])[1][0]


def test_a_file_given_twice_is_one_fault() -> None:
    text = "\n".join([HEAD, *(GOOD.replace("ann,1", f"ann,{at}") for at in range(9))])
    assert read_votes([Sheet("A.csv", text), Sheet("B.csv", text)])[1] == [
        "B.csv: it is given twice, or is the same as A.csv"
    ]


def test_headings_may_be_written_as_people_write_them() -> None:
    head = f"{HEAD.upper()},Left SSIMULACRA2,right-ssimulacra2,zoom,screen".replace(
        "TRIAL", "Trial"
    )
    (vote,), wrong = read_votes([Sheet("A.csv", f"{head}\n{GOOD},61.5,-3,2,1440x900")])
    assert wrong == []
    assert (vote.left_values, vote.right_values) == ({"ssimulacra2": 61.5}, {"ssimulacra2": -3})


def test_not_sure_is_unsure() -> None:
    (vote,), _ = read_votes([Sheet("A.csv", f"{HEAD}\n{GOOD.replace('left,', 'not sure,')}")])
    assert vote.answer == UNSURE


WRONG = {
    "": "no vote of the kind pair",
    "ann,1,same,k,a,a,left,1": "no vote of the kind pair",
    "ann,1,pair,k,a,b,left": "A.csv, line 2 has 7 cells, the header has 8",
    ",1,pair,k,a,b,left,1": "A.csv, line 2: rater is empty",
    "ann,1,duel,k,a,b,left,1": "kind is 'duel'; give pair, check or same",
    "ann,1,pair,k,a,b,up,1": "answer is 'up'; give left, right or unsure",
    "ann,1,pair,k,a,b,left,soon": "seconds is 'soon'; give a number from 0 to 86400",
    "ann,1,pair,k,a,b,left,": "seconds is ''; give a number",
    "ann,1,pair,k,a,b,left,-1": "seconds is '-1'; give a number",
    "ann,1,pair,k,a,b,left,nan": "seconds is 'nan'; give a number",
    "ann,1,pair,k,a,b,left,1_0": "seconds is '1_0'; give a number",
    "ann,1,pair,k,a,a,left,1": "a pair shows 'a' on both sides; such a trial is of the kind same",
    "ann,1,same,k,a,b,left,1": "left and right differ, which is no trial of the kind same",
    "ann,1,check,k,a,b,left,1": "a check shows 'original' on exactly one side",
    "ann,1,check,k,original,original,left,1": "a check shows 'original' on exactly one side",
    "a\x1b[2Jnn,1,pair,k,a,b,left,1": "rater is 'a\\x1b[2Jnn'; give up to 60 letters",
    "ann,1,pair,k\u202e,a,b,left,1": "picture is 'k\\u202e'; give up to 60 letters",
    f"ann,1,pair,k,{'a' * 61},b,left,1": "; give up to 60 letters that can be seen",
    f"{GOOD}\n{GOOD}": "line 3: rater 'ann' has trial '1' already in A.csv, line 2; give each",
}


@pytest.mark.parametrize("lines", WRONG)
def test_what_is_wrong_is_said_with_its_line(lines: str) -> None:
    (fault,) = faults(lines)
    assert WRONG[lines] in fault
    assert fault.isprintable()


def test_all_that_is_wrong_is_said_at_once() -> None:
    bad = "bob,1,duel,k,a,b,up,never", "bob,2,pair,k,a,b", GOOD, "bob,3,pair,,a,a,left,1"
    assert [fault.partition(":")[0] for fault in faults(*bad)] == [
        *["A.csv, line 2"] * 3,
        "A.csv, line 3 has 6 cells, the header has 8",
        *["A.csv, line 5"] * 2,
    ]


def test_faults_of_all_files_are_said_and_doubles_between_them() -> None:
    text = f"{HEAD}\n{GOOD}"
    wrong = read_votes([Sheet("A.csv", text), Sheet("B.csv", "x,y"), Sheet("C.csv", f"{text}\n")])[
        1
    ]
    assert wrong[0].startswith("B.csv: the header has no 'rater'")
    assert wrong[1].startswith("C.csv, line 2: rater 'ann' has trial '1' already in A.csv, line 2")
    assert len(wrong) == 2


def test_values_are_of_both_sides_and_within_reason() -> None:
    head = f"{HEAD},left_psnr,right_psnr"
    assert faults(f"{GOOD},30,31", head=head) == []
    assert (
        "left_psnr is 'inf'; give a number from 0 to 200" in faults(f"{GOOD},inf,31", head=head)[0]
    )
    assert "right_psnr for one side only" in faults(f"{GOOD},3", head=f"{HEAD},right_psnr")[0]


def test_a_file_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [GOOD.replace("ann,1", f"r{at},1").replace("elic", f"e{at}") for at in range(5)]
    for name, value, said in (
        ("MAX_BYTES", 200, "larger than 0 MB; split it"),
        ("MAX_VOTES", 4, "more than 4 rows"),
        ("MOST", sheet.MOST | {"rater": 4}, "there are 5 raters; at most 4"),
        ("MOST", sheet.MOST | {"candidate": 5}, "there are 6 candidates; at most 5"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(sheet, name, value)
            (fault,) = faults(*lines)
            assert said in fault
    halves = [
        Sheet(name, "\n".join([HEAD, *part])) for name, part in (("A", lines[:3]), ("B", lines[3:]))
    ]
    monkeypatch.setattr(sheet, "MAX_VOTES", 4)
    assert read_votes(halves)[1] == ["there are 5 votes; at most 4 are ranked together"]


@given(st.text(), st.lists(st.text(max_size=8), min_size=8, max_size=8))
def test_any_text_is_read_or_refused_in_sentences(text: str, cells: list[str]) -> None:
    for one in (text, f"{HEAD}\n{text}", f"{HEAD}\n{','.join(cells)}"):
        _, wrong = read_votes([Sheet("A.csv", one)])
        assert all(fault.isprintable() for fault in wrong)
