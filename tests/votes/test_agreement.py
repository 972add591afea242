"""Metrics held against votes, and where their values are from."""

from __future__ import annotations

from math import log

import pytest

from mode_core.evaluation.folders import read_folder
from mode_core.evaluation.rows import THEIRS, Row
from mode_core.settings import RESULTS
from mode_core.votes import words
from mode_core.votes.measured import candidate_of, table_of, with_values
from mode_core.votes.ranking import rank
from mode_core.votes.records import LEFT, UNSURE, Agreement, Vote
from tests.votes.simulate import FIVE, World, votes_of

ROW = Row("kodak", "kodim01.png", 8, 8, "elic", "tiny", "", 0.1, 1, "", 1, 1, 0.125, {"psnr": 30.0})


def valued(key: str, sign: float, world: World, skip: int = 0) -> list[Vote]:
    """Votes whose candidates have as value their true strength, turned over or not."""
    votes = votes_of(world, 6)
    return [
        vote._replace(
            left_values={key: 50 + sign * world.strengths.get(vote.left, 0)},
            right_values={key: 50 + sign * world.strengths.get(vote.right, 0)},
        )
        if at >= skip
        else vote
        for at, vote in enumerate(votes)
    ]


def agreement(votes: list[Vote]) -> Agreement:
    (found,) = rank(votes).fields[0].agreements
    return found


def test_a_metric_that_knows_the_truth_agrees_as_often_as_the_truth_allows() -> None:
    world = World({"a": log(3), "b": 0.0}, raters=30, unsure=0)
    found = agreement(valued("psnr", 1, world))
    assert found.low < 0.75 < found.high
    assert found.high - found.low < 0.12
    assert (found.votes, found.kendall) == (1200, 1.0)


def test_lower_is_better_where_the_metric_says_so() -> None:
    world = World(FIVE)
    better, worse = agreement(valued("dists", -1, world)), agreement(valued("dists", 1, world))
    assert better.share == pytest.approx(1 - worse.share)
    assert better.share > 0.55
    assert (better.kendall, worse.kendall) == (1.0, -1.0)


def test_an_equal_value_is_half_an_agreement_and_unsure_votes_do_not_count() -> None:
    votes = valued("psnr", 0, World(FIVE))
    found = agreement(votes)
    assert (found.share, found.kendall) == (0.5, None)
    assert found.votes == sum(vote.kind == "pair" and vote.answer != UNSURE for vote in votes)


def test_there_is_no_order_of_candidates_without_a_picture_that_all_have_values_of() -> None:
    votes = valued("psnr", 1, World(FIVE))
    apart = [vote._replace(picture=vote.trial + vote.rater) for vote in votes]
    assert agreement(votes).kendall is not None
    assert agreement(apart).kendall is None


def test_no_metric_is_held_against_an_order_that_is_not_borne_out() -> None:
    found = rank(valued("psnr", 1, World({"a": 0.05, "b": 0.0}, raters=5))).fields[0]
    assert not found.ranked
    assert words.metric_rows(found)[0][-1] == "-"
    assert "no two candidates are told apart" in words.about_tau(found)
    ranked = rank(valued("psnr", 1, World(FIVE))).fields[0]
    assert words.metric_rows(ranked)[0][-1] == "+1.00"
    assert "all 5 candidates; " in words.about_tau(ranked)
    assert " of their 10 pairs are told apart" in words.about_tau(ranked)


def test_all_votes_for_a_metric_are_no_certainty() -> None:
    votes = [vote._replace(answer=LEFT) for vote in votes_of(World(FIVE), 1)]
    votes = [
        vote._replace(left_values={"psnr": 40.0}, right_values={"psnr": 30.0})
        for vote in votes
        if vote.kind == "pair"
    ][:30]
    found = agreement(votes)
    assert found.share == found.high == 1
    assert 0.85 < found.low < 0.99


def test_rows_are_called_as_candidates_are() -> None:
    names = {
        "elic@0.1": ROW,
        "mode-p@0.1": ROW._replace(codec="mode", anchor="perception"),
        "mode-0.5@0.075": ROW._replace(codec="mode", anchor="0.5", target_bpp=0.075),
        "ms-illm.public@0.3": ROW._replace(codec="ms-illm", profile="public", target_bpp=0.3),
        "VVC.theirs@q3": ROW._replace(codec="VVC", profile=THEIRS, rate_name="q3", target_bpp=0.0),
    }
    assert {name: candidate_of(row) for name, row in names.items()} == {
        name: name for name in names
    }


def test_values_come_from_rows_unless_the_votes_have_them() -> None:
    table = table_of([ROW, ROW._replace(codec="jpeg", values={"psnr": 25.0, "lpips": 0.5})])
    vote = Vote("ann", "1", "pair", "kodim01", "elic@0.10", "jpeg@0.1", LEFT, 1.0)
    (plain,) = with_values([vote], table)
    assert (plain.left_values, plain.right_values) == ({"psnr": 30}, {"psnr": 25, "lpips": 0.5})
    (named,) = with_values([vote._replace(picture="kodim01.png")], table)
    assert named.left_values == plain.left_values
    (own,) = with_values([vote._replace(right_values={"psnr": 26.0})], table)
    assert own.right_values == {"psnr": 26.0, "lpips": 0.5}
    (other,) = with_values([vote._replace(picture="kodim02", left="original")], table)
    assert other.left_values == other.right_values == {}


def test_the_rows_of_this_repository_are_found() -> None:
    votes = with_values(votes_of(World(FIVE), 2), table_of(read_folder(RESULTS / "kodak")))
    pairs = [vote for vote in votes if vote.kind == "pair"]
    assert all(
        {"psnr", "lpips"} <= vote.left_values.keys() & vote.right_values.keys() for vote in pairs
    )
    found = rank(votes).fields[0].agreements
    assert {"psnr", "ms_ssim", "lpips"} <= {one.metric for one in found}
