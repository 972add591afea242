"""A start of a family in a folder where another one was: what is taken over, what is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mode_core.cli.family import closing, train
from mode_core.cli.family.plan import FamilyError, chosen
from mode_core.cli.family.runner import Job
from mode_core.cli.family.state import State, fingerprint
from mode_core.cli.family.train import Wish, train_family

SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def wish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wish:
    """Few photos, and nothing measured or bundled."""
    monkeypatch.setattr(train, "FEWEST", 1)
    monkeypatch.setattr(train, "bundled_widths", dict)
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(6):
        grey = np.full((64, 64 + number, 3), number, np.uint8)
        Image.fromarray(grey).save(photos / f"{number}.png")
    return Wish([photos], tmp_path / "out", 1, "tiny", chosen(["elic"], [], []), gpus=0)


def fails(job: Job) -> list[str]:
    return [sys.executable, "-c", "raise SystemExit('no')"]


def test_other_photos_are_refused_on_a_second_start(wish: Wish) -> None:
    for _ in range(2):
        with pytest.raises(FamilyError, match="no stage left weights"):
            train_family(wish, fails)
    held_out = {path.name for path in (wish.out / "held-out").iterdir()}
    assert held_out == {"0.png", "1.png"}
    (wish.photos[0] / "5.png").unlink()
    with pytest.raises(FamilyError, match="was begun with other photos; give --photos the same"):
        train_family(wish, fails)


def test_pictures_of_an_earlier_interrupted_start_are_not_kept(wish: Wish) -> None:
    for place in ("held-out/7.png", "table/before/elic.csv"):
        (wish.out / place).parent.mkdir(parents=True)
        (wish.out / place).touch()
    with pytest.raises(FamilyError, match="no stage left weights"):
        train_family(wish, fails)
    assert not (wish.out / "held-out" / "7.png").exists()
    assert not (wish.out / "table" / "before").exists()


def test_a_fingerprint_is_of_what_is_read_and_not_of_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"1")
    (tmp_path / "out").mkdir()
    first = fingerprint([tmp_path], [tmp_path / "out"])
    (tmp_path / "out" / "sheet.png").touch()
    (tmp_path / "notes.txt").touch()
    assert fingerprint([tmp_path], [tmp_path / "out"]) == first
    assert fingerprint([tmp_path]) != first
    (tmp_path / "a.jpg").write_bytes(b"12")
    assert fingerprint([tmp_path], [tmp_path / "out"]) != first


def test_before_is_completed_and_nothing_is_left_running_when_a_start_breaks(
    wish: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FamilyError, match="no stage left weights"):
        train_family(wish, fails)
    before = wish.out / "table" / "before"
    before.mkdir(parents=True)
    for name in ("elic.csv", "elic.timing.csv", "vq.partial.csv"):
        (before / name).touch()
    begun: list[subprocess.Popen[bytes]] = []
    asked: list[Sequence[str]] = []

    def bench(state: State, when: str, codecs: Sequence[str]) -> subprocess.Popen[bytes]:
        asked.append(codecs)
        begun.append(subprocess.Popen(SLEEPS, start_new_session=True))
        return begun[-1]

    def breaks(family: train._Family) -> None:
        begun.extend(run.process for run in family.runner.running)
        raise OSError("the disk is gone")

    monkeypatch.setattr(closing, "bench", bench)
    monkeypatch.setattr(train._Family, "_breathe", breaks)
    monkeypatch.setattr(train, "bundled_widths", lambda: {"elic": "tiny", "vq": "tiny"})
    with pytest.raises(OSError, match="the disk is gone"):
        train_family(wish, lambda job: SLEEPS)
    assert asked == [["vq"]]
    assert len(begun) == 2
    assert all(process.poll() is not None for process in begun)
