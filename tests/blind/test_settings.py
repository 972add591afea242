"""The folder that an operator sets for answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.blind import places, votes
from app.blind.places import Places
from app.settings import Settings
from mode_core.errors import ModeError
from tests.blind.house import House, answer


def test_the_folder_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODE_VOTES", str(tmp_path))
    assert Settings.from_environment().votes == tmp_path
    monkeypatch.setenv("MODE_VOTES", str(tmp_path / "absent"))
    with pytest.raises(SystemExit, match="MODE_VOTES"):
        Settings.from_environment()


def test_visitors_cannot_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST_TESTS", 1)
    house = House(tmp_path)
    said = []
    for made in [house.makes(alone=False, trials=10) for _ in range(2)]:
        me = {"test": made["test"], "rater": house.asks("join", test=made["test"])["rater"]}
        said.append(house.asks("finish", **me, answers=[answer("left")] * 10)["said"])
        # the first answers are those that count, whatever is sent after them
        again = house.asks("finish", **me, answers=[answer("right")] * 10)
        assert again == {"shown": False, "said": said[-1]}
    assert said[0] == ""
    assert "is full; save your answers as a file" in said[1]
    third = house.makes(alone=False, trials=10)
    assert house.asks("state", test=third["test"])["stored"] is False
    assert "is full" in house.asks("state", **third)["unkept"]
    (file,) = tmp_path.rglob("*.csv")
    assert ",right,3" not in file.read_text()


def test_one_visitor_cannot_fill_the_folder_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MOST_EACH", 2)
    kept = Places(tmp_path)
    first = kept.take("a" * 32, "stranger")
    kept.take("b" * 32, "stranger")
    with pytest.raises(ModeError, match="2 tests from one address in 30 days"):
        kept.take("c" * 32, "stranger")
    assert "one address" in kept.refusal("stranger")
    assert kept.take("a" * 32, "stranger") == first
    assert kept.refusal("somebody") == ""
    kept.take("d" * 32, "somebody")
    monkeypatch.setattr(places, "COUNTED_S", -1.0)
    assert kept.refusal("stranger") == ""
    assert len([*tmp_path.iterdir()]) == 3


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(votes, "write_atomic", full)
    house = House(tmp_path)
    made = house.makes(alone=False, trials=10)
    me = {"test": made["test"], "rater": house.asks("join", test=made["test"])["rater"]}
    said = house.asks("finish", **me, answers=[answer("left")] * 10)["said"]
    assert "could not write your answers; save them as a file" in said
