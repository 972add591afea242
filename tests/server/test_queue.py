"""The waiting line: places, positions, who may still get an answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from threading import Event

import pytest

from app.server.process import Wanted
from app.server.queue import Ahead, Busy, Line, Newest, Question, Ticket


class Held:
    """Work for the line that says when it has begun and ends when it may."""

    def __init__(self) -> None:
        self.started, self.gate = Event(), Event()

    def __call__(self, wanted: Wanted) -> Iterator[int]:
        self.started.set()
        self.gate.wait(10)
        yield 1


def test_the_page_s_order_counts_whatever_order_threads_have() -> None:
    newest, line = Newest(pages=2), Line(length=5)
    older, newer = line.join(lambda _: iter([])), line.join(lambda _: iter([]))
    assert newest.take(Question("p", 1))
    assert newest.take(Question("p", 2))
    assert newest.take(Question("p", 2), newer)
    assert not newest.take(Question("p", 1), older)
    assert (older.cancelled, newer.cancelled) == (True, False)
    assert not newest.is_wanted(Question("p", 1))
    assert newest.is_wanted(Question("p", 2))
    assert newest.take(Question("q", 1))
    assert newest.take(Question())
    assert not newer.cancelled


def test_the_line_tells_positions_and_refuses_when_full() -> None:
    work, line = Held(), Line(length=2)
    line.join(work)
    assert work.started.wait(5)
    second, third = line.join(work), line.join(work)
    assert [line.ahead_of(one).tickets for one in (second, third)] == [1, 2]
    with pytest.raises(Busy, match="busy, position 3"):
        line.join(work)
    news = iter(third)
    assert next(news)[1].tickets == 2
    work.gate.set()
    assert [value for kind, value in news if kind == "result"] == [1]


def test_what_is_being_stopped_is_still_ahead_and_what_left_the_line_is_not() -> None:
    work, line = Held(), Line(length=2)
    served = line.join(work)
    assert work.started.wait(5)
    gone = line.join(work)
    served.cancel()
    gone.cancel()
    assert list(gone) == []
    mine = line.join(work)
    assert (line.ahead_of(mine).tickets, line.ahead_of(mine).others) == (1, False)
    behind = line.ahead_of(line.join(work))
    assert (behind.tickets, behind.others) == (2, True)
    work.gate.set()
    assert [one for one in mine if one[0] == "result"] == [("result", 1)]


def test_those_who_wait_are_told_how_long_the_others_will_take() -> None:
    work, line = Held(), Line(length=3)
    line.join(work, seconds=40)
    assert work.started.wait(5)
    line.join(work, seconds=7)
    mine = line.join(work)
    assert 45 < line.ahead_of(mine).seconds <= 47
    work.gate.set()


def of(visitor: str) -> Question:
    return Question(visitor=visitor)


class Crowd:
    """Visitors at a line whose worker is held until it is told to serve."""

    def __init__(self, length: int = 20) -> None:
        self.line, self.held, self.served = Line(length), Held(), list[str]()
        self.tickets: dict[str, Ticket] = {}
        self.current = self.line.join(self.held, of("a"), seconds=10)
        assert self.held.started.wait(5)

    def join(self, *names: str) -> None:
        """Each name is that of a visitor and the number of their question."""
        for name in names:

            def work(_: Wanted, name: str = name) -> Iterator[str]:
                self.served.append(name)
                yield name

            self.tickets[name] = self.line.join(work, of(name[0]), seconds=int(name[1:]))

    def ahead(self) -> dict[str, int]:
        return {name: self.line.ahead_of(one).tickets for name, one in self.tickets.items()}

    def serve(self) -> list[str]:
        self.held.gate.set()
        for ticket in self.tickets.values():
            with suppress(Busy):
                list(ticket)
        return self.served


def test_one_visitor_s_many_questions_hold_nobody_up() -> None:
    crowd = Crowd()
    crowd.join(*(f"a{number}" for number in range(1, 10)), "b1", "c1", "b2")
    assert crowd.serve()[:5] == ["b1", "c1", "a1", "b2", "a2"]
    assert crowd.served[5:] == [f"a{number}" for number in range(3, 10)]


def test_what_those_who_wait_are_told_comes_true() -> None:
    crowd = Crowd()
    crowd.join("a1", "a2", "a3", "b5", "c7", "b6")
    told = crowd.ahead()
    assert told == {"b5": 1, "c7": 2, "a1": 3, "b6": 4, "a2": 5, "a3": 6}
    seconds = crowd.line.ahead_of(crowd.tickets["b6"]).seconds
    assert 20 < seconds <= 10 + 5 + 7 + 1
    assert crowd.serve() == sorted(told, key=lambda name: told[name])


def test_whoever_leaves_is_not_ahead_of_anybody() -> None:
    crowd = Crowd()
    crowd.join("b1", "c1", "a1", "b2")
    crowd.tickets["b1"].cancel()
    assert crowd.ahead() == {"b1": 0, "b2": 1, "c1": 2, "a1": 3}
    crowd.current.cancel()
    assert crowd.line.ahead_of(crowd.tickets["b2"]) == Ahead(1, 0)
    assert crowd.serve() == ["b2", "c1", "a1"]


def test_a_room_of_twenty_behind_one_address_may_have_the_whole_line() -> None:
    crowd = Crowd()
    crowd.join(*(f"a{number}" for number in range(1, 20)))
    crowd.join("b1")
    assert crowd.serve() == ["b1", *(f"a{number}" for number in range(1, 20))]


def test_in_a_full_line_whoever_has_most_places_gives_the_last_one_up() -> None:
    crowd = Crowd(length=4)
    crowd.join("a1", "a2", "a3", "a4", "b1", "b2")
    for name in ("a3", "a4"):
        with pytest.raises(
            Busy, match=r"busy, position \d: 4 comparisons are .*, [23] of them from"
        ):
            list(crowd.tickets.pop(name))
    with pytest.raises(Busy, match=r"busy, position 5: .*, 2 of them from your"):
        crowd.join("b3")
    with pytest.raises(Busy):
        crowd.join("a5")
    crowd.join("c1", "d1")
    with pytest.raises(Busy, match="busy, position 4: 4 comparisons are waiting already; try"):
        crowd.join("e1")
    assert crowd.serve() == ["b1", "c1", "d1", "a1"]


def test_those_who_wait_are_told_again_when_much_less_is_left() -> None:
    assert not Ahead(2, 40.0).is_news_after(Ahead(2, 41.0))
    assert Ahead(2, 30.0).is_news_after(Ahead(2, 41.0))
    assert Ahead(1, 41.0).is_news_after(Ahead(2, 41.0))
    assert Ahead(2, 41.0, others=True).is_news_after(Ahead(2, 41.0))


def test_work_that_nobody_listens_to_is_told_so_and_the_next_is_served() -> None:
    line, told = Line(length=3), Event()

    def until_told(wanted: Wanted) -> Iterator[int]:
        while wanted():
            told.wait(0.01)
        yield from ()

    there = [True, True]
    served = line.join(until_told, Question(listening=lambda: there[0]))
    waiting = line.join(lambda _: iter([1]), Question(listening=lambda: there[1]))
    last = line.join(lambda _: iter([2]))
    there[:] = [False, False]
    assert list(served) == list(waiting) == []
    assert [one for one in last if one[0] == "result"] == [("result", 2)]


def test_a_page_takes_up_one_place_however_often_it_asks() -> None:
    work, line, newest = Held(), Line(length=2), Newest(pages=2)
    newest.take(Question("p", 0), line.join(work))
    assert work.started.wait(5)
    tickets = [line.join(work)]
    for number in range(1, 6):
        newest.take(Question("p", number), tickets[-1])
        tickets.append(line.join(work))
    assert line.ahead_of(tickets[-1]).tickets == 2  # the one being stopped, and the one before
    work.gate.set()
    assert [len(list(ticket)) for ticket in tickets] == [0, 0, 0, 0, 1, 1]


def test_an_error_in_the_line_reaches_its_owner_and_no_one_else() -> None:
    line = Line(length=5)

    def fails(wanted: Wanted) -> Iterator[int]:
        raise ValueError("mine")
        yield 0

    bad, good = line.join(fails), line.join(lambda _: iter([1, 2]))
    with pytest.raises(ValueError, match="mine"):
        list(bad)
    assert list(good) == [("result", 1), ("result", 2)]
