"""What a picture will take, from those that were coded before."""

from __future__ import annotations

import pytest

from app.server.pace import Pace


def test_it_goes_by_the_known_picture_nearest_in_size() -> None:
    pace = Pace()
    assert pace.seconds("elic", 100) is None
    pace.learn("elic", 65_536, 1.0)
    assert pace.seconds("elic", 131_072) == pytest.approx(2.0)
    pace.learn("elic", 12_000_000, 60.0)
    assert pace.seconds("elic", 24_000_000) == pytest.approx(120.0)
    assert pace.seconds("elic", 32_768) == pytest.approx(0.5)
    assert pace.seconds("vq", 32_768) is None


def test_it_follows_a_machine_that_becomes_busier() -> None:
    pace = Pace()
    for _ in range(8):
        pace.learn("elic", 100_000, 1.0)
    for _ in range(8):
        pace.learn("elic", 101_000, 3.0)
    assert pace.seconds("elic", 100_000) == pytest.approx(3.0, rel=0.05)
    assert pace.as_json() == {"elic": [[0.101, pytest.approx(3.0, rel=0.05)]]}
