"""Zips of strangers: an honest one is read, a trap costs a sentence and little else."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from app.server.archive import unpacked
from app.server.collection import sorted_out
from app.settings import MEBIBYTE
from mode_core.errors import ModeError
from tests.made_up.zips import PICTURE, ZIPS, zip64_of, zip_of


@pytest.mark.parametrize(("trap", "words"), ZIPS.values(), ids=ZIPS)
def test_a_trap_is_one_sentence(trap: Callable[[], bytes], words: str) -> None:
    with pytest.raises(ModeError, match=words) as refused:
        sorted_out([("sent.zip", trap())], MEBIBYTE)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["bomb", "bombs", "overlapping", "crowd", "hidden crowd of zip64"])
def test_a_bomb_takes_no_more_memory_than_it_may(name: str) -> None:
    data = ZIPS[name][0]()
    tracemalloc.start()
    with pytest.raises(ModeError):
        unpacked(data, MEBIBYTE)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 * MEBIBYTE


def test_several_zips_share_one_limit() -> None:
    half = zip_of({"a.png": bytes(MEBIBYTE // 2 + 1)})
    unpacked(half, MEBIBYTE)
    with pytest.raises(ModeError, match="more than"):
        sorted_out([("one.zip", half), ("two.zip", half)], MEBIBYTE)


def test_everything_that_is_wrong_with_a_zip_is_said() -> None:
    files = {"../up.png": PICTURE, "b.zip": PICTURE}
    with pytest.raises(ModeError, match=r"up\.png' leads out of it; 'b.zip' is a zip itself"):
        unpacked(zip_of(files), MEBIBYTE)


def test_a_zip64_is_read_as_any_other() -> None:
    files = {"a/b.png": PICTURE, "c.png": PICTURE}
    assert unpacked(zip64_of(files), MEBIBYTE) == [*files.items()]


def test_folders_and_litter_do_not_count_as_files() -> None:
    """As macOS packs: for every file one more, which nobody has asked for."""
    files = {f"set/{at}.png": b"" for at in range(1500)}
    litter = {f"__MACOSX/set/._{at}.png": b"" for at in range(1500)}
    assert len(unpacked(zip_of({**litter, **files}), MEBIBYTE)) == 1500


def test_what_systems_leave_behind_is_not_read() -> None:
    litter = {"__MACOSX/a/._b.png": b"", ".DS_Store": b"", "a/.b.png": b"", "a/Thumbs.db": b""}
    assert unpacked(zip_of({**litter, "a/b.png": PICTURE}), MEBIBYTE) == [("a/b.png", PICTURE)]
