"""The gallery: ours, and then a host's own folder."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from app.server.demands import Expired
from app.server.samples import SAMPLES, gallery
from app.server.service import Service
from app.settings import Settings
from app.viewer.component import catalogue
from mode_core.pictures.files import png_bytes
from tests.conftest import make_photo
from tests.made_up.fake_runner import FakeRunner


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.png", "My photo_1.PNG"):
        (tmp_path / name).write_bytes(png_bytes(make_photo(20, 30, seed=len(name))))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    (tmp_path / "credits.csv").write_text('file,title,credit\nb.png,Bridge,"A. Smith, CC0"\n')
    return tmp_path


def test_a_hosts_pictures_join_the_gallery_after_ours(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        own = list(gallery(folder).values())[len(SAMPLES) :]
    assert [(one.title, one.credit) for one in own] == [
        ("My photo 1", ""),
        ("Bridge", "A. Smith, CC0"),
    ]
    assert own[1].id == "pictures/b.png"
    assert "broken.jpg" in caplog.text
    assert str(folder) not in caplog.text
    told = catalogue(own)["samples"]
    assert [one["title"] for one in told] == ["My photo 1", "Bridge"]


def test_a_picture_is_called_alike_whatever_else_is_in_the_folder(folder: Path) -> None:
    before = set(gallery(folder))
    for name in ("my-photo-1.png", f"{'long' * 20}.png", "\u00c9.png"):
        (folder / name).write_bytes(png_bytes(make_photo(8, 9)))
    ids = set(gallery(folder))
    assert before < ids
    assert len(ids) == len(before) + 3
    assert max(map(len, ids)) <= 48


def test_it_is_opened_by_its_name_and_a_lost_one_is_a_sentence(folder: Path) -> None:
    service = Service(Settings(pictures=folder), FakeRunner())
    found = service.photo("pictures/b.png")
    assert np.array_equal(found.pixels, make_photo(20, 30, seed=5))
    lost = next(id for id in service.gallery if id.startswith("pictures/my"))
    (folder / "My photo_1.PNG").unlink()
    with pytest.raises(Expired, match=r"My photo 1 is missing") as refused:
        service.photo(lost)
    assert str(folder) not in str(refused.value)


def test_a_table_of_credits_that_is_none_leaves_the_names(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for text in (b"\xff\xfe", b"picture,by\nb.png,me\n"):
        (folder / "credits.csv").write_bytes(text)
        with caplog.at_level(logging.WARNING):
            assert gallery(folder)["pictures/b.png"].title == "B"
        assert "credits.csv" in caplog.text
        caplog.clear()


def test_a_folder_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODE_PICTURES", "/no/such/folder")
    with pytest.raises(SystemExit, match="MODE_PICTURES"):
        Settings.from_environment()
