"""CLC may be here before it is trained: everything else goes on working."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.panes.names import panes_of
from app.panes.weights import offered
from mode_core.codecs.registry import load_codec
from mode_core.errors import WeightsMismatch, WeightsUnavailable
from mode_core.types import Target
from mode_core.weights import sets
from tests.conftest import make_photo


@pytest.fixture
def home_with(toy_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of our own for sets, with ELIC's in it."""
    home = tmp_path / "bundled"
    shutil.copytree(toy_weights / "elic-tiny", home / "elic-tiny")
    monkeypatch.setattr(sets, "BUNDLED", home)
    load_codec.cache_clear()
    return home


def test_without_weights_it_says_so_and_is_not_offered(home_with: Path) -> None:
    with pytest.raises(WeightsUnavailable, match="train clc"):
        load_codec("clc")
    assert "clc" not in offered()
    assert {"elic", "jpeg"} <= set(offered())
    assert panes_of("clc") == ["clc"]
    photo = make_photo(40, 50)
    assert load_codec("elic").encode(photo, Target(quality=3)).quality == 3


def test_with_them_it_is_offered(home_with: Path, toy_weights: Path) -> None:
    shutil.copytree(toy_weights / "clc-tiny", home_with / "clc-tiny")
    assert "clc" in offered()
    assert load_codec("clc").profile == "tiny"


def test_weights_of_another_elic_are_refused(home_with: Path, toy_weights: Path) -> None:
    shutil.copytree(toy_weights / "clc-tiny", home_with / "clc-tiny")
    shard = next((home_with / "elic-tiny").glob("*.safetensors"))
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)
    with pytest.raises(WeightsMismatch, match="other experts"):
        load_codec("clc")
