"""Anchors and targets say what they are and refuse what they cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mode_core.errors import UnknownAnchor
from mode_core.types import SQ_EXPERT, VQ_EXPERT, Anchor, Target


@pytest.mark.parametrize(
    ("text", "anchor"),
    [
        ("fidelity", Anchor.FIDELITY),
        ("perception", Anchor.PERCEPTION),
        ("0", Anchor.FIDELITY),
        ("1", Anchor.PERCEPTION),
        ("0.25", Anchor(0.25)),
        ("sq-expert", Anchor(0.0, SQ_EXPERT)),
        ("vq-expert", Anchor(0.0, VQ_EXPERT)),
    ],
)
def test_an_anchor_is_what_people_write(text: str, anchor: Anchor) -> None:
    assert Anchor.parse(text) == anchor


@pytest.mark.parametrize("text", ["", "nan", "inf", "-0.1", "1.1", "Fidelity ", "sq", "0,5"])
def test_an_unknown_anchor_is_refused_with_what_would_work(text: str) -> None:
    with pytest.raises(UnknownAnchor, match="fidelity, perception"):
        Anchor.parse(text)


@pytest.mark.parametrize("text", ["fidelity", "perception", "0.5", "sq-expert", "vq-expert"])
def test_an_anchor_prints_as_it_is_written(text: str) -> None:
    assert str(Anchor.parse(text)) == text


@given(st.integers(0, 1000))
def test_blends_survive_being_printed(thousandths: int) -> None:
    anchor = Anchor(thousandths / 1000)
    assert Anchor.parse(str(anchor)) == anchor


@pytest.mark.parametrize("wish", [{}, {"bpp": 0.1, "quality": 3}])
def test_a_target_is_a_size_or_a_quality(wish: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="either"):
        Target(**wish)


@pytest.mark.parametrize("bpp", [0, -1, 24.1, float("nan"), float("inf")])
def test_a_size_that_no_file_has_is_refused(bpp: float) -> None:
    with pytest.raises(ValueError, match="bpp"):
        Target(bpp=bpp)
