"""What a picture will take, from those that were coded before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.server.pace import Knots, Pace, line_through
from mode_core.stream.container import MAX_PIXELS
from tests.conftest import ROOT

SHARED = ROOT / "tests" / "js" / "pace.json"
"""The scripts are tested with the same numbers, and with what is sent to them here."""


@pytest.fixture
def shared() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(SHARED.read_text())
    return read


@pytest.fixture
def pace(shared: dict[str, Any]) -> Pace:
    made = Pace()
    for maker, step, pixels, seconds in shared["learnt"]:
        made.learn(maker, step, pixels, seconds)
    return made


def test_server_and_browser_expect_the_same(pace: Pace, shared: dict[str, Any]) -> None:
    assert pace.as_json() == shared["sent"]
    for case in shared["expected"]:
        each = [pace.seconds(maker, case["pixels"], n) for maker, n in case["pictures"].items()]
        if case["seconds"] is None:
            assert None in each, case
        else:
            assert sum(one or 0 for one in each) == pytest.approx(case["seconds"], abs=1e-3), case


def at(pixels: int, known: Knots) -> float:
    """What one picture takes to decode where these have taken so long."""
    pace = Pace()
    for size, seconds in known:
        pace.learn("elic", "decode", int(size), seconds)
    told = pace.seconds("elic", pixels, 1, encodes=False)
    assert told is not None
    return told


def test_a_fixed_part_is_not_taken_for_pixels() -> None:
    """In proportion to the larger one 4 megapixels would take 16 s."""
    known = [(62_500.0, 0.9375), (250_000.0, 1.0)]
    assert at(4_000_000, known) == pytest.approx(1.0 + 3.75 / 3)
    assert at(1, known) == pytest.approx(0.9375 - 0.0625 / 3, abs=1e-5)


def test_one_known_size_tells_in_proportion() -> None:
    assert at(4_000_000, [(1_000_000, 2.0)]) == pytest.approx(8.0)
    assert at(250_000, [(1_000_000, 2.0)]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "known",
    [
        [(65_536.0, 3.0), (1_000_000.0, 2.0)],
        [(65_536.0, 0.1), (1_000_000.0, 20.0)],
        [(65_536.0, 1.0), (262_144.0, 0.2), (1_000_000.0, 4.0), (4_000_000.0, 3.0)],
        [(MAX_PIXELS, 9.0)],
        [(1.0, 0.0), (MAX_PIXELS, 9.0)],
    ],
)
def test_a_line_never_falls_nor_begins_below_zero(known: Knots) -> None:
    """A busy moment may have made a small picture take longer than a large one."""
    line = line_through(known)
    sizes, times = [size for size, _ in line], [seconds for _, seconds in line]
    assert (sizes[0], sizes[-1]) == (0, MAX_PIXELS)
    assert sizes == sorted(sizes)
    assert times == sorted(times)
    assert times[0] >= 0
    largest = max(seconds for _, seconds in known)
    assert times[-1] > largest or sizes[-2] == MAX_PIXELS
    assert times[-1] <= largest * MAX_PIXELS / sizes[-2] + 1e-6
    for size, seconds in known:
        assert at(int(size), known) >= seconds - 1e-9


def test_a_file_is_only_decoded(pace: Pace) -> None:
    assert pace.seconds("elic", 65_536, 2, encodes=False) == pytest.approx(0.25)
    assert pace.seconds("vq", 500_000, 3, encodes=False) == pytest.approx(3.0)
    assert pace.seconds("vq", 500_000, 3) is None


def test_it_follows_a_machine_that_becomes_busier() -> None:
    pace = Pace()
    for _ in range(8):
        pace.learn("elic", "decode", 100_000, 1.0)
    for _ in range(8):
        pace.learn("elic", "decode", 101_000, 3.0)
    assert pace.seconds("elic", 101_000, 1, encodes=False) == pytest.approx(3.0, rel=0.05)
    assert len(pace.as_json()["elic"]["decode"]) == 3
