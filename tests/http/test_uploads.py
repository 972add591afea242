"""Uploads of the API: in memory, one for each request, and nobody's push out everybody's."""

from __future__ import annotations

import pytest

from app.http.uploads import Uploads
from app.server.demands import BadRequest


def test_equal_files_are_one_and_stay_for_whoever_asks_next() -> None:
    uploads = Uploads(1 << 20)
    names = {uploads.put("me", b"the same") for _ in range(100)}
    assert len(names) == 1
    assert [uploads.named(*names) for _ in range(2)] == [b"the same"] * 2
    assert uploads.size < 2048


def test_a_visitor_fills_half_and_pushes_out_nobody_else() -> None:
    uploads = Uploads(1 << 20)
    mine = uploads.put("me", bytes(100_000))  # the first of theirs is equal to it
    theirs = [uploads.put("another", bytes([at]) * 100_000) for at in range(50)]
    assert uploads.size <= 1 << 20
    assert len(uploads.named(mine)) == 100_000
    assert uploads.named(theirs[-1])[0] == 49
    with pytest.raises(BadRequest, match="upload it first"):
        uploads.named(theirs[0])


def test_empty_files_cost_something_too() -> None:
    uploads = Uploads(1 << 20)
    for at in range(5000):
        uploads.put(f"visitor {at}", at.to_bytes(4, "big"))
    assert len(uploads._kept) <= 1024


@pytest.mark.parametrize("name", [5, ["x"], {"path": 1}, "/etc/passwd", "http://127.0.0.1/x.png"])
def test_nothing_but_the_name_of_an_upload_gives_a_file(name: object) -> None:
    with pytest.raises(BadRequest, match="not a file that was uploaded here"):
        Uploads(1 << 20).named(name)
