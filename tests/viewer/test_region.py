"""Regions of a picture, as the page asks for them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.viewer.region import crop, parse_query
from tests.conftest import make_photo


@given(st.lists(st.integers(-(2**40), 2**40), min_size=4, max_size=4))
def test_a_crop_is_never_empty_and_never_outside(box: list[int]) -> None:
    part = crop(make_photo(20, 30), box)
    assert part.size > 0


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=9
    )
)
def test_region_queries_are_checked(args: object) -> None:
    try:
        _, _, box, _ = parse_query(args)
    except ValueError:
        return
    assert len(box) == 4
