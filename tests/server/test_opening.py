"""The picture that opens first: made from today's weights, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.panes.names import DEFAULT_PANES
from app.panes.weights import need_weights
from app.server import opening
from app.server.jobs import open_file
from app.server.samples import SAMPLES, sample_path
from app.server.service import Service
from app.server.store import Decoded, StoredFile
from app.settings import Settings
from mode_core.errors import WeightsUnavailable
from mode_core.pictures.files import read_image
from tests.made_up.fake_runner import FakeRunner

LEARNED = ("mode", "elic", "ms-illm", "dlf")


def has_all_weights() -> bool:
    try:
        for codec in LEARNED:
            need_weights(codec)
    except WeightsUnavailable:
        return False
    return True


def test_an_opening_that_was_made_needs_no_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.panes.names.need_weights", lambda codec: None)
    opening.make(Service(Settings(), FakeRunner()), tmp_path)
    idle = FakeRunner()
    service = Service(Settings(), idle)
    first = opening.opening(service, tmp_path)
    assert [pane["id"] for pane in first["panes"]] == list(DEFAULT_PANES)
    assert all(pane["state"] == "ready" for pane in first["panes"])
    assert first["panes"][1]["metrics"]["psnr"] > 5
    *_, again = service.compare(opening.PICTURE, (), opening.BPP)
    assert again.as_json()["panes"] == first["panes"]
    assert idle.jobs == []


def test_without_one_the_original_opens_at_once(tmp_path: Path) -> None:
    first = opening.opening(Service(Settings(), FakeRunner()), tmp_path)
    states = [pane["state"] for pane in first["panes"]]
    assert states[0] == "ready"
    assert set(states[1:]) == {"waiting"}


@pytest.mark.weights
@pytest.mark.skipif(not has_all_weights(), reason="not all codecs that open have weights here")
def test_the_bundled_opening_is_what_the_weights_decode() -> None:
    service = Service(Settings(), FakeRunner())
    first = opening.opening(service)
    assert [pane["id"] for pane in first["panes"]] == list(DEFAULT_PANES), (
        "python -m app.server.opening"
    )
    for pane in first["panes"][1:]:
        kept = service.store.get(pane["key"])
        assert isinstance(kept, Decoded)
        stored = StoredFile("", kept.picture.file, kept.picture.bitstream)
        made = open_file(stored, [pane["anchor"]] if pane["anchor"] else [])
        assert made.error == "", "weights have changed: python -m app.server.opening"
        # Rendering may differ by rounding from machine to machine, reading may not.
        off = np.abs(made.pictures[0].image.astype(int) - kept.picture.image)
        assert off.max() <= 4, pane["id"]
        assert off.mean() < 0.5, pane["id"]


def test_its_files_are_lossless_and_small_enough_to_ship() -> None:
    path = sample_path(SAMPLES[0])
    assert path is not None
    original = read_image(path)
    for path in opening.FOLDER.glob("*") if opening.FOLDER.is_dir() else ():
        assert path.stat().st_size < 9_500_000
        if path.suffix == ".png":
            assert read_image(path).shape == original.shape
        if path.suffix == ".json":
            assert len(json.loads(path.read_text())) == len(DEFAULT_PANES) - 1
            assert str(Path.home()) not in path.read_text()
