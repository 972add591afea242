"""Meetings in memory: secrets, limits, ends, and who is told what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from threading import active_count
from typing import Any

import pytest

from app.meeting.rooms import ENDED, Limits, Refused, Room, Rooms
from app.meeting.shown import NotShown, Shown
from app.server.demands import MAX_PANES

VIEW: dict[str, Any] = {
    "picture": "coffee",
    "panes": ["original", "mode-f", "elic@0.05"],
    "bpp": 0.1,
    "hash": "#image=coffee&panes=original,mode-f,elic@0.05&scale=2",
    "reach": [320, 200.5],
}
QUICK = Limits(rooms=3, of_visitor=2, followers=2, all_followers=3, pause_s=0.001, beat_s=0.01)


class Clock:
    """Moves by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(clock: Clock) -> Rooms:
    return Rooms(QUICK, clock)


def shown(**more: Any) -> Shown:
    return Shown.of_page(VIEW | more)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 30))


async def heard(
    follower: AsyncIterator[dict[str, Any]], is_it: Callable[[dict[str, Any]], Any]
) -> dict[str, Any]:
    """The next thing of this kind that a follower hears."""
    async for told in follower:
        if is_it(told):
            return told
    raise AssertionError("the stream has ended")


def test_ids_and_secrets_are_long_and_apart(rooms: Rooms) -> None:
    one, other = rooms.open("a"), rooms.open("b")
    assert len({one.id, one.secret, other.id, other.secret}) == 4
    assert all(len(name) == 32 for name in (one.id, one.secret))
    assert rooms.led(one.id, one.secret) is one
    for id, secret in ((one.id, one.id), (one.id, other.secret), ("", ""), (one.id, "ä\ud800")):
        with pytest.raises(Refused, match="meeting is over"):
            rooms.led(id, secret)


def test_nobody_opens_more_meetings_than_there_is_room_for(rooms: Rooms) -> None:
    rooms.open("a")
    second = rooms.open("a")
    with pytest.raises(Refused, match="from your address"):
        rooms.open("a")
    rooms.open("b")
    with pytest.raises(Refused, match="too many meetings are open"):
        rooms.open("c")
    rooms.end(second)
    assert rooms.open("c")


def test_a_meeting_ends_when_it_is_left_or_old(rooms: Rooms, clock: Clock) -> None:
    left, led = rooms.open("a"), rooms.open("b")
    clock.now = QUICK.alone_s
    rooms.led(led.id, led.secret)
    clock.now += 1
    assert len(rooms) == 1
    with pytest.raises(Refused):
        rooms.led(left.id, left.secret)
    while clock.now < QUICK.life_s:
        rooms.led(led.id, led.secret)
        clock.now += QUICK.alone_s
    assert len(rooms) == 0


def test_a_meeting_with_followers_waits_longer_for_who_leads(rooms: Rooms, clock: Clock) -> None:
    room = rooms.open()

    async def work() -> None:
        follower = rooms.follow(room.id, "page")
        await anext(follower)
        clock.now = QUICK.unseen_s
        assert len(rooms) == 1
        clock.now += 1
        assert len(rooms) == 0
        assert (await heard(follower, lambda told: told["over"]))["over"] == ENDED

    run(work)


def test_a_follower_hears_the_newest_view_alone(rooms: Rooms) -> None:
    room = rooms.open()

    async def work() -> None:
        follower = rooms.follow(room.id, "page")
        assert (await anext(follower))["shown"] is None
        for at in range(30):
            rooms.show(room, shown(title=f"view {at}", at=at, of=30))
        told = await heard(follower, lambda told: told["shown"])
        assert (told["shown"]["title"], told["here"]) == ("view 29", 1)
        assert set(told["shown"]) & {"wanted", "failed", "ahead"} == set()
        await follower.aclose()
        assert room.followers == {}

    run(work)


def test_an_answer_is_told_once_and_again_when_it_changes(rooms: Rooms) -> None:
    room = rooms.open()
    rooms.answer(room, {"panes": 1}, ("a.png",))

    async def work() -> None:
        follower = rooms.follow(room.id, "page")
        first = await anext(follower)
        assert (first["answer"], first["ahead"]) == ({"panes": 1}, ["a.png"])
        rooms.answer(room, {"panes": 1}, ("a.png",))
        assert "answer" not in await anext(follower)
        rooms.answer(room, {"panes": 2}, ())
        told = await heard(follower, lambda told: "answer" in told)
        assert (told["answer"], told["ahead"]) == ({"panes": 2}, [])
        late = await anext(rooms.follow(room.id, "another"))
        assert late["answer"] == {"panes": 2}

    run(work)


def test_who_leads_may_go_and_come_back_and_end_it(rooms: Rooms, clock: Clock) -> None:
    room = rooms.open()

    async def work() -> None:
        follower = rooms.follow(room.id, "page")
        assert (await anext(follower))["away"] is False
        rooms.leave(room)
        await heard(follower, lambda told: told["away"])
        rooms.led(room.id, room.secret)
        await heard(follower, lambda told: not told["away"])
        clock.now += QUICK.away_s + 1  # no word from a page that broke down
        await heard(follower, lambda told: told["away"])
        rooms.led(room.id, room.secret)
        rooms.end(room)
        assert "ended it" in (await heard(follower, lambda told: told["over"]))["over"]
        with pytest.raises(StopAsyncIteration):
            await anext(follower)
        again = [told async for told in rooms.follow(room.id, "page")]
        assert again == [{"over": ENDED, "full": False}]

    run(work)


def test_a_room_takes_so_many_and_the_server_too(rooms: Rooms) -> None:
    one, other = rooms.open("a"), rooms.open("b")

    async def work() -> None:
        inside = [rooms.follow(one.id, "1"), rooms.follow(one.id, "2"), rooms.follow(other.id, "3")]
        for follower in inside:
            await anext(follower)
        for room in (one, other):
            told = [told async for told in rooms.follow(room.id, "4")]
            assert "So many follow already" in told[0]["over"]
            assert (len(told), told[0]["full"]) == (1, True)
        await inside[0].aclose()
        assert (await anext(rooms.follow(other.id, "4")))["here"] == 2

    run(work)


def test_a_page_with_a_place_comes_back_into_a_full_room(rooms: Rooms) -> None:
    room = rooms.open()

    async def work() -> None:
        inside = [rooms.follow(room.id, page) for page in "12"]
        for follower in inside:
            await anext(follower)
        assert (await anext(rooms.follow(room.id, "1")))["here"] == 2

    run(work)


def test_an_address_with_many_followers_gives_a_place_up(clock: Clock) -> None:
    limits = Limits(followers=9, all_followers=5, of_address=2, pause_s=0.001, beat_s=0.01)
    rooms = Rooms(limits, clock)
    one, other = rooms.open("a"), rooms.open("b")

    async def work() -> None:
        many = [rooms.follow(one.id, str(n), "many") for n in range(5)]
        for follower in many:
            await anext(follower)
        few = [rooms.follow(other.id, str(n), "few") for n in range(3)]
        assert [not (await anext(follower))["over"] for follower in few] == [True, True, False]
        assert list(one.followers) == ["0", "1", "2"]
        assert [told async for told in many[4]] == []
        again = await anext(rooms.follow(one.id, "4", "many"))
        assert again["full"] is True

    run(work)


def test_a_page_that_follows_again_counts_once_and_a_dead_one_not_at_all(rooms: Rooms) -> None:
    room = rooms.open()
    alive = True

    async def work() -> None:
        nonlocal alive
        cut = rooms.follow(room.id, "page")
        await anext(cut)
        again = rooms.follow(room.id, "page", "", lambda: alive)
        assert (await anext(again))["here"] == 1
        with pytest.raises(StopAsyncIteration):
            await anext(cut)
        assert len(room.followers) == 1
        alive = False
        assert [told async for told in again] == []
        assert len(room.followers) == 0

    run(work)


def test_a_hundred_followers_hold_no_thread() -> None:
    limits = Limits(pause_s=0.001, beat_s=20)
    rooms = Rooms(limits)
    room = rooms.open()
    before = active_count()

    async def follow(page: str) -> int:
        told = 0
        async for one in rooms.follow(room.id, page):
            told += 1
            if one["shown"] and one["shown"]["at"] == 9:
                break
        return told

    async def work() -> None:
        everybody = [asyncio.create_task(follow(str(n))) for n in range(limits.followers)]
        await asyncio.sleep(0)
        assert len(room.followers) == limits.followers
        for at in range(10):
            rooms.show(room, shown(at=at, of=9))
            await asyncio.sleep(0.002)
        assert all(told >= 1 for told in await asyncio.gather(*everybody))
        assert active_count() == before

    run(work)


HOSTILE: list[Any] = [
    None,
    [],
    "text",
    VIEW | {"hash": "#" + "a" * 6000},
    VIEW | {"hash": 5},
    VIEW | {"hash": "#image=a\n"},
    VIEW | {"title": "\ud800"},
    VIEW | {"title": "\u202e"},
    VIEW | {"title": "a\u2028b"},
    VIEW | {"note": "x" * 161},
    VIEW | {"picture": "../../etc/passwd"},
    VIEW | {"picture": ["coffee"]},
    VIEW | {"panes": "original"},
    VIEW | {"panes": ["a"] * 41},
    VIEW | {"panes": ["<img>"]},
    VIEW | {"panes": [{}]},
    VIEW | {"bpp": "0.1"},
    VIEW | {"bpp": True},
    VIEW | {"bpp": float("nan")},
    VIEW | {"bpp": 1e9},
    VIEW | {"reach": [1]},
    VIEW | {"reach": [0, 1]},
    VIEW | {"reach": [float("inf"), 1]},
    VIEW | {"reach": None},
    VIEW | {"dot": [0.5, 1.5]},
    VIEW | {"dot": "0.5"},
    VIEW | {"dot": [float("nan"), 0]},
    VIEW | {"held": "<b>"},
    VIEW | {"at": -1},
    VIEW | {"at": 1.5},
    VIEW | {"of": 1e9},
    VIEW | {"numbers": []},
    VIEW | {"numbers": {"mode-f": {"psnr": "<b>"}}},
    VIEW | {"numbers": {"mode-f": {"psnr": float("inf")}}},
    VIEW | {"numbers": {"mode-f": {"psnr": 10**400}}},
    VIEW | {"numbers": {"mode-f": {"<b>": 1}}},
    VIEW | {"numbers": {"mode-f": {f"m{n}": 1 for n in range(17)}}},
    VIEW | {"numbers": {f"p{n}": {} for n in range(41)}},
    VIEW | {"failed": {}},
    VIEW | {"failed": ["a"] * 41},
    VIEW | {"failed": [5]},
    VIEW | {"ahead": {}},
    VIEW | {"ahead": 5},
]


@pytest.mark.parametrize("sent", HOSTILE, ids=lambda sent: repr(sent)[-40:])
def test_what_no_page_of_ours_would_send_is_refused_with_a_sentence(sent: Any) -> None:
    with pytest.raises(NotShown) as refused:
        Shown.of_page(sent)
    assert 10 < len(str(refused.value)) < 100


def test_a_view_goes_through_whole() -> None:
    more = {
        "held": "mode-f",
        "dot": [0, 1],
        "title": "Face “A”",
        "note": "look at the hair",
        "at": 1,
        "of": 10,
        "numbers": {"mode-f": {"psnr": 30.5, "ms_ssim": "inf"}},
        "failed": ["elic@0.05"],
        "ahead": {"picture": "rocket", "panes": ["original"], "bpp": 1},
    }
    sent = VIEW | more
    told = Shown.of_page(sent).as_json()
    for name in ("hash", "held", "title", "note", "at", "of", "numbers"):
        assert told[name] == sent[name]
    assert (told["reach"], told["dot"]) == ((320, 200.5), (0, 1))


def test_as_many_panes_go_through_as_the_page_has() -> None:
    panes = [f"opened-{n:040x}" for n in range(MAX_PANES)]
    hash = f"#image=coffee&panes={','.join(panes)}"
    assert shown(panes=panes, failed=panes, hash=hash).wanted.panes == tuple(panes)


def test_a_title_may_have_characters_that_this_python_does_not_know() -> None:
    assert shown(title="\U0001fae8 \U0001fadf \U0001fffd").title.endswith("\U0001fffd")


def test_a_room_is_of_use_as_long_as_somebody_names_it(rooms: Rooms) -> None:
    room: Room = rooms.open()
    rooms.end(room)
    with pytest.raises(Refused):
        rooms.led(room.id, room.secret)
