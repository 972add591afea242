"""Opened pictures over plain HTTP: their panes, another size, and files that come together."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.http.intake import Intake, Limits
from app.http.routes import media_routes
from app.http.uploads import Uploads
from app.server.service import Service
from app.settings import MEBIBYTE, Settings
from mode_core.pictures.files import png_bytes
from tests.conftest import make_photo
from tests.made_up.fake_runner import FakeRunner
from tests.made_up.zips import ZIPS, zip_of

ORIGINAL, DECODED = png_bytes(make_photo(16, 24)), png_bytes(make_photo(16, 24) // 2)


@pytest.fixture
def client() -> TestClient:
    service = Service(Settings(upload_bytes=MEBIBYTE // 4), FakeRunner())
    routes = media_routes(service, Intake(Limits(8 * MEBIBYTE)), Uploads(8 * MEBIBYTE))
    return TestClient(Starlette(routes=routes))


def posted(client: TestClient, path: str, **how: Any) -> dict[str, Any]:
    answer = client.post(f"/mode/{path}", **how)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def sent(client: TestClient, files: dict[str, bytes]) -> dict[str, Any]:
    return posted(client, "collection", files=[("files", one) for one in files.items()])


def test_a_picture_becomes_a_pane_and_gets_a_size(client: TestClient) -> None:
    photo, made = (posted(client, "photo", content=data)["key"] for data in (ORIGINAL, DECODED))
    wish = {"picture": photo, "made": made, "name": "a\nb", "bytes": None}
    pane = posted(client, "pane", json=wish)
    assert (pane["label"], pane["bytes_text"]) == ("a b", "")
    key = pane["id"].removeprefix("opened-")
    assert client.get(f"/mode/media/{key}.png").content[:4] == b"\x89PNG"
    assert client.get(f"/mode/media/{key}.mode").status_code == 404
    sized = posted(client, "pane", json={"pane": key, "bytes": 12345})
    assert sized["bytes_text"] == "12.3 kB"
    assert "whole number" in posted(client, "pane", json={"pane": key, "bytes": "12"})["error"]
    assert "left the server" in posted(client, "pane", json={"pane": "0", "bytes": 1})["error"]


@pytest.mark.parametrize("wish", [[], {}, {"pane": 1, "bytes": 1}, {"picture": "x", "made": 1}])
def test_wishes_of_another_shape_are_refused(client: TestClient, wish: object) -> None:
    assert "expected" in posted(client, "pane", json=wish)["error"]
    assert "expected" in posted(client, "view", json=wish)["error"]


def test_files_that_come_together_are_told_apart(client: TestClient) -> None:
    files = {"original.png": ORIGINAL, "vvc.png": DECODED, "vvc.bin": bytes(48)}
    for form in (files, {"all.zip": zip_of(files)}):
        told = sent(client, form)
        facts = {"original": True, "pictures": 1, "width": 24, "height": 16}
        assert told["images"] == [{"name": "original"} | facts]
        wish = {"collection": told["key"], "image": "original", "picture": ""}
        (pane,) = posted(client, "view", json=wish)["panes"]
        assert (pane["label"], pane["bytes_text"]) == ("vvc", "48 B")


def test_what_is_wrong_is_one_sentence_and_no_failed_request(client: TestClient) -> None:
    assert "leads out of it" in sent(client, {"a.zip": ZIPS["up"][0]()})["error"]
    assert "more than 1 MB" in sent(client, {"a.zip": ZIPS["bomb"][0]()})["error"]
    assert "come as one form" in posted(client, "collection", content=b"no form")["error"]
    told = posted(client, "view", json={"collection": "a", "image": "", "picture": ""})
    assert "left the server's memory" in told["error"]


def test_more_than_may_come_together_is_refused(client: TestClient) -> None:
    assert "limit here" in sent(client, {"a.zip": bytes(3 * MEBIBYTE)})["error"]


def test_a_zip_for_the_api_may_be_larger_than_a_picture(client: TestClient) -> None:
    large = bytes(MEBIBYTE // 2)
    taken = client.post("/gradio_api/upload", files={"files": zip_of({"a.bin": b""}) + large})
    assert taken.status_code == 200
    with pytest.raises(Exception, match="limit here"):
        client.post("/gradio_api/upload", files={"files": large})
