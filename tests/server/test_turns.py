"""Rounds: one of each visitor, then the next of each."""

from __future__ import annotations

import pytest

from app.server.turns import Rounds


def rounds(text: str) -> Rounds[str]:
    """What waits, each named by its visitor and a number: "a1 a2 b1"."""
    made: Rounds[str] = Rounds()
    for one in text.split():
        made.add(one[0], one)
    return made


def served(waiting: Rounds[str]) -> str:
    return " ".join(waiting.serve() for _ in range(len(waiting)))


@pytest.mark.parametrize(
    ("came", "order"),
    [
        ("a1 a2 a3", "a1 a2 a3"),
        ("a1 a2 a3 b1", "a1 b1 a2 a3"),
        ("a1 a2 a3 b1 c1 b2", "a1 b1 c1 a2 b2 a3"),
        ("", ""),
    ],
)
def test_visitors_take_turns_and_each_keeps_the_order_of_their_own(came: str, order: str) -> None:
    assert " ".join(rounds(came)) == order
    assert served(rounds(came)) == order


def test_whoever_was_served_last_comes_after_who_arrives_meanwhile() -> None:
    waiting = rounds("a1 a2 a3")
    assert waiting.serve() == "a1"
    waiting.add("b", "b1")
    waiting.add("a", "a4")
    waiting.add("c", "c1")
    assert " ".join(waiting) == "b1 c1 a2 a3 a4"
    assert served(waiting) == "b1 c1 a2 a3 a4"


def test_whoever_leaves_costs_their_visitor_no_turn() -> None:
    waiting = rounds("a1 a2 b1 b2")
    waiting.remove("a", "a1")
    assert " ".join(waiting) == "a2 b1 b2"
    waiting.remove("a", "a2")
    assert (len(waiting), waiting.of("a")) == (2, ())


@pytest.mark.parametrize(
    ("came", "visitor", "late"),
    [
        ("a1 a2 a3 b1", "b", "a3"),
        ("a1 a2 b1 b2", "b", "b2"),
        ("a1 b1 c1", "c", "c1"),
        ("a1 a2 b1 b2 c1", "c", "b2"),
    ],
)
def test_the_newest_of_whoever_has_most_is_what_there_is_no_room_for(
    came: str, visitor: str, late: str
) -> None:
    assert rounds(came).surplus(visitor) == late
