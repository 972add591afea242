"""The folder that command lines are tried in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mode_core.pictures.files import write_png
from tests.conftest import make_photo


@pytest.fixture
def folder_with_photos(only_mode: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Good photos and broken files, where the command line is."""
    (tmp_path / "photos").mkdir()
    write_png(tmp_path / "photos" / "one.png", make_photo(48, 64))
    write_png(tmp_path / "photos" / "two.png", make_photo(50, 40))
    shutil.copy(tmp_path / "photos" / "one.png", tmp_path / "photo.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (tmp_path / "text.mode").write_text("MODErn times")
    (tmp_path / "afile").touch()
    monkeypatch.chdir(tmp_path)
