"""The folder that command lines are tried in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mode_core.codecs import learned
from mode_core.codecs.registry import load_codec
from mode_core.pictures.files import write_png
from tests.conftest import make_photo
from tests.made_up.toy_codec import build_only_mode


@pytest.fixture
def folder_with_photos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """MoDE is a toy, the other learned codecs have no weights, LPIPS is not looked for."""
    monkeypatch.setattr(learned, "build", build_only_mode)
    monkeypatch.setenv("MODE_LPIPS_BACKBONE", str(tmp_path / "absent.pth"))
    load_codec.cache_clear()
    (tmp_path / "photos").mkdir()
    write_png(tmp_path / "photos" / "one.png", make_photo(48, 64))
    write_png(tmp_path / "photos" / "two.png", make_photo(50, 40))
    shutil.copy(tmp_path / "photos" / "one.png", tmp_path / "photo.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (tmp_path / "text.mode").write_text("MODErn times")
    (tmp_path / "afile").touch()
    monkeypatch.chdir(tmp_path)
    yield
    load_codec.cache_clear()
