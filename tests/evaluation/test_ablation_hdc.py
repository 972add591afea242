"""The command that trains and measures HDC without one part after the other."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mode_core.codecs.hdc.training import ABLATIONS, config_of
from mode_core.codecs.registry import CODECS
from mode_core.codecs.stages import STAGES
from mode_core.errors import ModeError
from mode_core.pictures.files import write_png
from mode_core.training.checkpoint import facts_of, save_weights, stored
from mode_core.training.stage import Setup
from tests.conftest import ROOT, make_photo
from tests.training import test_overfit

sys.path.insert(0, str(ROOT / "tools"))
import ablation_hdc as command
import variants

_toy_widths = test_overfit._toy_widths


def test_every_variant_trains_what_it_needs_after_what_it_stands_on() -> None:
    assert set(command.VARIANTS) == {"", *ABLATIONS}
    assert {*command.SHARES, "hdc-gan"} == {*CODECS["hdc"].stages}
    assert sum(command.SHARES.values()) == pytest.approx(1)
    made = set()
    for step in command.steps(Path("home"), "tiny"):
        config_of(step.width)
        assert (step.resume is None) == (not STAGES[step.stage].continues)
        assert step.resume is None or (step.resume in made and step.resume.name in
                                       STAGES[step.stage].continues)  # fmt: skip
        made.add(step.out)
    assert len(made) == 4 + 4 + 3 + 2
    assert {Path("home", left_out or "all", "hdc-vectors") for left_out in command.VARIANTS} <= made


@pytest.mark.training
def test_all_variants_are_measured_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    write_png(photos / "a.png", make_photo(128, 192))
    monkeypatch.setattr(command, "CSV", tmp_path / "found.csv")
    trained = []

    def learn(words: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        """A run that leaves what its stage starts from."""
        at = {word: words[place + 1] for place, word in enumerate(words[:-1]) if word[:2] == "--"}
        net = STAGES["hdc"].assemble(Setup(at["--width"])).net
        facts = {"codec": "hdc", "width": at["--width"], "minutes": at["--minutes"]}
        save_weights(Path(at["--out"]), stored(net), {**facts, **facts_of(net)})
        trained.append(at["--out"])
        return subprocess.CompletedProcess(words, 0)

    monkeypatch.setattr(variants.subprocess, "run", learn)
    told = command.run(tmp_path / "runs", [photos], photos, 10)
    assert len(trained) == 13
    assert all(words in told for words, _ in command.VARIANTS.values())
    with (tmp_path / "found.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["left_out"] for row in rows] == list(command.VARIANTS)
    assert float(rows[0]["bpp_21"]) == float(rows[3]["bpp_21"]) > 0
    # what has ended is not trained again; what broke off is
    (tmp_path / "runs" / "all" / "hdc" / "running").touch()
    command.run(tmp_path / "runs", [photos], photos, 10)
    assert len(trained) == 14
    # nor may a table mix what was asked for in other words
    with pytest.raises(SystemExit, match="holds another run"):
        command.run(tmp_path / "runs", [photos], photos, 11)


def test_what_cannot_be_read_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(ModeError, match="nowhere"):
        command.run(tmp_path / "runs", [tmp_path], tmp_path / "nowhere", 10)
    assert not (tmp_path / "runs").exists()


def test_a_table_is_whole_or_that_of_an_earlier_run(tmp_path: Path) -> None:
    table = tmp_path / "found.csv"

    def rows(last: bool) -> Iterator[dict[str, int]]:
        yield {"a": 1}
        if not last:
            raise KeyboardInterrupt
        yield {"a": 2}

    variants.write_table(table, rows(True))
    with pytest.raises(KeyboardInterrupt):
        variants.write_table(table, rows(False))
    assert table.read_text() == "a\n1\n2\n"
