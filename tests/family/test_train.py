"""A whole family by its command: photos in tars, two stages, one of which cannot start; resumed."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mode_core.cli.family.plan import DONE, FAILED, OUT
from mode_core.cli.family.train import bundled_widths
from tests.conftest import Shell, make_photo

pytestmark = pytest.mark.training


@pytest.fixture
def tars(tmp_path: Path) -> Path:
    """Photos in two tars, one of them with names that lead out of any folder."""
    home = tmp_path / "tars"
    home.mkdir()
    rng = np.random.default_rng(0)
    for number in range(2):
        with tarfile.open(home / f"{number}.tar", "w") as tar:
            for place in range(28):
                path = tmp_path / f"{place}.jpg"
                noise = rng.integers(0, 9, (288, 288, 3), np.uint8)
                Image.fromarray(make_photo(288, 288) // 2 + noise).save(path)
                tar.add(path, f"../../{number}-{place}.jpg" if number else path.name)
                path.unlink()
    return home


def test_a_family_trains_packs_measures_and_goes_on(
    tars: Path, tmp_path: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODE_BUNDLED", str(tmp_path / "none"))
    assert bundled_widths() == {}
    out, export = tmp_path / "all", tmp_path / "export"
    words = ["train", "family", "--photos", tars, "--minutes", "0.4", "--width", "tiny", "--gpus"]
    words += ["0", "--only", "elic,prior", "--out", out, "--export", export]
    said = shell.does(*words)
    assert "nothing is bundled" in said
    assert "prior is left out: it needs vq weights of width tiny, and none are bundled" in said
    stages = json.loads((out / "plan.json").read_text())["stages"]
    assert stages["elic"]["status"] == DONE
    assert stages["prior"]["status"] in (OUT, FAILED)
    assert (out / "packs" / "elic-tiny" / "00.safetensors").is_file()
    assert not list(tmp_path.glob("*.jpg"))
    assert "elic" in (out / "sheet.png").parent.joinpath("family.log").read_text()
    with tarfile.open(export / "family-0.tar") as tar:
        assert {"plan.json", "sheet.png", "packs/elic-tiny/00.safetensors"} <= set(tar.getnames())
    before = (out / "elic" / "output.txt").read_text()
    assert "packs of elic" in shell.does(*words)
    assert (out / "elic" / "output.txt").read_text() == before
    assert "holds a family of width tiny" in shell.refuses(
        *words[:6], "--width", "compact", *words[8:]
    )


def test_a_wish_that_cannot_be_is_one_sentence(tmp_path: Path, shell: Shell) -> None:
    words = ["train", "family", "--photos", tmp_path, "--out", tmp_path / "out"]
    assert "give --minutes" in shell.refuses(*words)
    words += ["--minutes", "1"]
    assert "no stage 'ellic'" in shell.refuses(*words, "--only", "ellic")
    assert "here; give --gpus" in shell.refuses(*words, "--gpus", "100")
    assert "holds 0 photos" in shell.refuses(*words, "--gpus", "0")
