"""The server's memory: bounded by its bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.server.memory import Memory
from app.server.store import StoredFile, size_of
from mode_core.stream.container import Bitstream


def stored(name: object, size: int) -> StoredFile:
    return StoredFile(str(name), bytes(size), Bitstream(1, b"", 0, 1, 1, ()))


def bytes_of(file: StoredFile) -> int:
    return 2 * len(file.data)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=60))
def test_the_store_never_outgrows_its_bytes(puts: list[tuple[int, int]]) -> None:
    store: Memory[StoredFile] = Memory(100, bytes_of)
    for name, size in puts:
        store.put(str(name), stored(name, size))
        kept = [store.get(str(n)) for n in range(10)]
        held = [min(bytes_of(one), 100) for one in kept if one]
        assert sum(held) == store.size <= 100
        assert store.get(str(name)) is not None


def test_what_every_visitor_gets_is_never_dropped() -> None:
    store: Memory[StoredFile] = Memory(20, bytes_of)
    store.pin("first", stored("first", 100))
    for name in "abc":
        store.put(name, stored(name, 9))
    assert store.get("first") is not None
    assert store.get("a") is None


def test_a_picture_of_one_pixel_is_not_free() -> None:
    assert size_of(stored("tiny", 1)) > 10_000


def test_a_value_that_counts_as_false_is_kept_too() -> None:
    store: Memory[int] = Memory(1)
    store.pin("none", 0)
    assert store.get("none") == 0


def test_whoever_holds_most_makes_room() -> None:
    store: Memory[StoredFile] = Memory(100, bytes_of)
    for name in ("mine", "yours"):
        store.put(name, stored(name, 10), holder=name)
    for number in range(16):
        store.put(f"flat {number}", stored(number, 30), holder="greedy")
    assert store.get("mine") is not None
    assert store.get("yours") is not None
    assert store.get("flat 15") is not None
    assert store.size <= 100


def test_whoever_sends_what_another_has_takes_nothing_from_them() -> None:
    store: Memory[StoredFile] = Memory(100, bytes_of)
    for holder in ("first", "second"):
        store.put("both", stored("both", 10), holder)
    for number in range(16):
        store.put(f"flat {number}", stored(number, 10), "second")
    assert store.get("both") is not None


def test_what_is_there_already_costs_a_second_sender_nothing() -> None:
    store: Memory[StoredFile] = Memory(100, bytes_of)
    store.put("own", stored("own", 15), "second")
    for number in range(2):
        store.put(f"both {number}", stored(number, 15), "first")
    for number in range(2):
        store.put(f"both {number}", stored(number, 15), "second")
    store.put("more", stored("more", 10), "third")  # whoever holds most makes room: the first
    assert store.get("own") is not None
    assert store.size <= 100


def test_what_several_have_sent_stays_for_as_long_as_one_of_them_has_room() -> None:
    store: Memory[StoredFile] = Memory(100, bytes_of)
    for holder in ("first", "second"):
        store.put("both", stored("both", 10), holder)
    for number in range(16):
        store.put(f"flat {number}", stored(number, 10), "first")
    assert store.get("both") is not None  # on the account of the second by now
    for number in range(16):
        store.put(f"other {number}", stored(number, 10), "second")
    assert store.get("both") is None
    assert store.size <= 100


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60), st.sampled_from("abc"))))
def test_shares_never_outgrow_the_whole(puts: list[tuple[int, int, str]]) -> None:
    store: Memory[StoredFile] = Memory(100, bytes_of)
    for name, size, holder in puts:
        store.put(str(name), stored(name, size), holder)
        kept = [store.get(str(n)) for n in range(10)]
        assert sum(min(bytes_of(one), 100) for one in kept if one) == store.size <= 100
        assert store.get(str(name)) is not None
