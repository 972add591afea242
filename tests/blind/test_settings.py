"""The folder that an operator sets for answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.blind import votes
from app.settings import Settings
from tests.blind.house import House, answer


def test_the_folder_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODE_VOTES", str(tmp_path))
    assert Settings.from_environment().votes == tmp_path
    monkeypatch.setenv("MODE_VOTES", str(tmp_path / "absent"))
    with pytest.raises(SystemExit, match="MODE_VOTES"):
        Settings.from_environment()


def test_visitors_cannot_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(votes, "MOST_FOLDERS", 1)
    house = House(tmp_path)
    said = []
    for _ in range(2):
        made = house.makes(alone=False, trials=10)
        me = {"test": made["test"], "rater": house.asks("join", test=made["test"])["rater"]}
        said.append(house.asks("finish", **me, answers=[answer("left")] * 10)["said"])
        # the first answers are those that count, whatever is sent after them
        again = house.asks("finish", **me, answers=[answer("right")] * 10)
        assert again == {"shown": False, "said": said[-1]}
    assert said[0] == ""
    assert "is full; save your answers as a file" in said[1]
    (file,) = tmp_path.rglob("*.csv")
    assert ",right,3" not in file.read_text()


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(votes, "write_atomic", full)
    house = House(tmp_path)
    made = house.makes(alone=False, trials=10)
    me = {"test": made["test"], "rater": house.asks("join", test=made["test"])["rater"]}
    said = house.asks("finish", **me, answers=[answer("left")] * 10)["said"]
    assert "could not write your answers; save them as a file" in said
