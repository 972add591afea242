"""A click on a curve of theirs opens the picture that is kept beside their results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.explorer.library import load_library
from app.http.intake import Intake, Limits
from app.http.routes import media_routes
from app.http.uploads import Uploads
from app.panes.names import bytes_text
from app.server.service import Service
from app.settings import MEBIBYTE, Settings
from mode_core.evaluation.rows import kept_picture, read_rows
from mode_core.pictures.files import png_bytes
from tests.conftest import make_photo
from tests.made_up.fake_runner import FakeRunner
from tests.made_up.results import write_theirs

POINT = ["kodak", "vvc", "q2"]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    file = write_theirs(tmp_path, "vvc", kept=("q2",))
    for row in read_rows(file):
        place = kept_picture(file.parent, row)
        if place and place.exists():
            place.write_bytes(png_bytes(make_photo(16, 24)))
    monkeypatch.setattr("app.http.theirs.load_library", lambda: load_library(tmp_path))
    service = Service(Settings(), FakeRunner())
    routes = media_routes(service, Intake(Limits(8 * MEBIBYTE)), Uploads(8 * MEBIBYTE))
    return TestClient(Starlette(routes=routes))


def opened(client: TestClient, name: str, point: list[str], side: int = 16) -> dict[str, str]:
    photo = client.post("/mode/photo", content=png_bytes(make_photo(side, 24))).json()["key"]
    wish = {"picture": photo, "name": name, "point": point}
    found: dict[str, str] = client.post("/mode/pane", content=json.dumps(wish)).json()
    return found


def test_the_picture_of_what_is_on_the_screen_becomes_a_pane_with_its_size(
    client: TestClient, tmp_path: Path
) -> None:
    row = next(
        one for one in read_rows(tmp_path / "theirs" / "vvc-theirs.csv") if one.rate_name == "q2"
    )
    pane = opened(client, Path(row.image).stem.upper(), POINT)
    assert pane["label"] == "vvc q2"
    assert pane["bytes_text"] == bytes_text(row.bytes_file)


def test_what_cannot_be_opened_is_one_sentence(client: TestClient) -> None:
    assert "open the original of one of them first" in opened(client, "another", POINT)["error"]
    for point in (
        ["kodak", "vvc", "q1"],
        ["kodak", "../..", "q2"],
        ["x", "vvc", "q2"],
        ["kodak", "\ud800", "q2"],
    ):
        assert "are not here" in opened(client, "kodim01", point)["error"]


def test_a_picture_of_another_size_is_no_pane(client: TestClient, tmp_path: Path) -> None:
    row = read_rows(tmp_path / "theirs" / "vvc-theirs.csv")[0]
    told = opened(client, Path(row.image).stem, POINT, side=18)
    assert "the original is 24 x 18" in told["error"]
