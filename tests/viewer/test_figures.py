"""Figures as the page asks for them: checked wishes, previews, files, and what they cost."""

from __future__ import annotations

import json
from base64 import b64decode
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image as Pillow
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.http.intake import Intake, Limits
from app.http.routes import media_routes
from app.http.uploads import Uploads
from app.server.demands import BadRequest
from app.server.elsewhere import Elsewhere
from app.server.process import always
from app.server.service import Service
from app.settings import Settings
from app.viewer.figures import KINDS, Figures, Wish
from app.viewer.region import region_metrics
from mode_core.errors import ModeError
from mode_core.figures.manifest import read_record
from mode_core.figures.record import file_hash, pixels_hash
from mode_core.metrics import Measured
from mode_core.pictures.files import png_bytes, read_image
from mode_core.types import Image
from tests.conftest import make_photo
from tests.made_up.fake_runner import FakeRunner, last

Asked = dict[str, Any]
PHOTO = make_photo(90, 120)


class Counting(FakeRunner):
    """Counts what is measured, and can be too busy for it."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, int]] = []
        self.busy = False

    def measure(self, reference: Image, decoded: Image, names: Any, wanted: Any = None) -> Measured:
        self.sizes.append((reference.shape[1], reference.shape[0]))
        if self.busy:
            return Measured({}, dict.fromkeys(names, "busy with other pictures"))
        return super().measure(reference, decoded, names)


@pytest.fixture
def runner() -> Counting:
    return Counting()


@pytest.fixture
def service(runner: Counting) -> Service:
    return Service(Settings(), runner)


@pytest.fixture
def asked(service: Service) -> Asked:
    """A figure of two panes and an opened picture, with a crop."""
    photo = service.add_photo(png_bytes(PHOTO))
    elsewhere = Elsewhere(service)
    other = service.add_photo(png_bytes(PHOTO // 2))
    theirs = elsewhere.open(photo, other, "VVC <b>", 99, "")
    end = last(service.compare(photo.key, ["original", "mode-p", "jpeg"], 0.5))
    keys = [slot.key for slot in end.slots[1:]]
    return {
        "kind": "preview",
        "picture": photo.key,
        "keys": [*keys, theirs.key],
        "crops": [[10, 5, 60, 45]],
        "bpp": 0.5,
        "name": "my photo\n.png",
        "options": {"metrics": ["psnr"]},
    }


def answer(service: Service, asked: Asked, kind: str = "preview", **more: Any) -> bytes:
    return Figures(service).answer(Wish.parse(asked | {"kind": kind} | more), "me", always)


def test_a_preview_is_a_small_picture_and_what_there_is_to_know(
    service: Service, asked: Asked
) -> None:
    shown = json.loads(answer(service, asked))
    picture = Pillow.open(BytesIO(b64decode(shown["png"])))
    assert picture.width <= 1000
    assert shown["inches"][0] == 3.25
    assert picture.width / picture.height == pytest.approx(
        shown["inches"][0] / shown["inches"][1], rel=0.01
    )
    assert shown["alt"] == "1 crop of Original, modeperception, jpeg, VVC <b> (opened)"


def test_each_file_is_what_it_is_called(service: Service, asked: Asked) -> None:
    starts = {"pdf": b"%PDF", "png": b"\x89PNG", "tex": b"\\begin", "json": b"{", "zip": b"PK"}
    assert {*starts, "preview"} == {*KINDS}
    for kind, start in starts.items():
        assert answer(service, asked, kind).startswith(start), kind


def test_the_zip_holds_all_that_the_manifest_names(service: Service, asked: Asked) -> None:
    with ZipFile(BytesIO(answer(service, asked, "zip"))) as archive:
        files = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    record = read_record(files["mode-figure.json"])
    assert record.title == "my photo .png"
    for ending in ("pdf", "png", "tex"):
        assert file_hash(files[f"mode-figure.{ending}"]) == record.files[ending]
    assert pixels_hash(read_image(files["original.png"])) == record.original
    mode, jpeg, opened = record.panes
    assert (mode.source.codec, mode.source.anchor, mode.source.target_bpp) == (
        "mode",
        "perception",
        0.5,
    )
    assert file_hash(files["mode-0.5.mode"]) == mode.source.file
    assert file_hash(files["jpeg-0.5.mode"]) == jpeg.source.file
    assert pixels_hash(read_image(files["opened-3.png"])) == opened.source.pixels
    assert opened.source.codec == ""
    assert all("/" not in name for name in files)


def test_the_same_wish_gives_the_same_bytes(service: Service, asked: Asked) -> None:
    for kind in ("pdf", "json", "zip"):
        assert answer(service, asked, kind) == answer(service, asked, kind)


def test_its_numbers_are_those_of_the_region(service: Service, asked: Asked) -> None:
    record = read_record(answer(service, asked, "json", options={"metrics": ["psnr"], "rows": 1}))
    keys, box = asked["keys"], asked["crops"][0]
    found = region_metrics(service, asked["picture"], keys, box, slow=False)
    wanted = [f"{found[key]['metrics']['psnr']:.2f}" for key in keys]
    assert [pane["psnr"] for pane in record.numbers[0]] == wanted


def test_what_was_measured_and_drawn_is_not_done_again(
    service: Service, runner: Counting, asked: Asked
) -> None:
    figures = Figures(service)
    wish = Wish.parse(asked)
    runner.sizes.clear()
    first = figures.answer(wish, "me", always)
    assert runner.sizes == [(60, 45)] * 3
    assert figures.answer(wish, "me", always) is first
    figures.answer(Wish.parse(asked | {"kind": "pdf"}), "me", always)
    whole = {"metrics": ["psnr"], "of": "picture"}
    figures.answer(Wish.parse(asked | {"options": whole}), "me", always)
    assert runner.sizes[3:] == [(120, 90)]  # of the opened picture: the others were known


def test_a_number_that_is_not_to_be_had_now_is_told_and_no_file_goes_without_it(
    service: Service, runner: Counting, asked: Asked
) -> None:
    runner.busy = True
    shown = json.loads(answer(service, asked))
    assert "No PSNR: busy with other pictures." in shown["hints"]
    with pytest.raises(BadRequest, match="no PSNR: busy with other pictures; leave it out, or"):
        answer(service, asked, "pdf")
    runner.busy = False
    assert json.loads(answer(service, asked))["hints"] == []


def test_more_than_can_be_measured_is_refused(
    service: Service, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.viewer.figures.MAX_SLOW_PIXELS", 400)
    answer(service, asked)  # PSNR is quick
    with pytest.raises(BadRequest, match="too much to measure for a figure"):
        answer(service, asked, options={"metrics": ["lpips"]})


def test_a_zip_of_too_many_bytes_is_refused(runner: Counting) -> None:
    service = Service(Settings(upload_bytes=1 << 10), runner)
    photo = service._keep_photo(service.runner.reader.photo(png_bytes(make_photo(200, 200))))
    end = last(service.compare(photo.key, ["jpeg"], 0.5))
    wish = {"picture": photo.key, "keys": [end.slots[0].key], "crops": [[0, 0, 90, 90]]}
    with pytest.raises(BadRequest, match="save the PDF and the manifest"):
        answer(service, wish | {"options": {"metrics": []}}, "zip")


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "exe"},
        {"kind": 1},
        {"picture": None},
        {"keys": "all"},
        {"keys": []},
        {"keys": [1]},
        {"keys": ["0" * 32] * 13},
        {"crops": []},
        {"crops": [[0, 0, 9, 9]] * 5},
        {"crops": [[0, 0, "9", 9]]},
        {"crops": [[0, 0, 9]]},
        {"crops": [[True, 0, 9, 9]]},
        {"options": {"width_in": 99}},
        {"options": []},
    ],
)
def test_wishes_of_another_shape_are_refused(asked: Asked, more: Asked) -> None:
    with pytest.raises(ModeError):
        Wish.parse(asked | more)


def test_pictures_that_are_gone_or_crops_outside_are_a_sentence(
    service: Service, asked: Asked
) -> None:
    for more, said in (
        ({"keys": [*asked["keys"], "0" * 32]}, "some of these pictures are not in memory"),
        ({"keys": ["0" * 32]}, "none of these pictures is in memory"),
        ({"crops": [[100, 0, 60, 45]]}, "is not inside the picture"),
        ({"crops": [[-(2**70), 0, 2**80, 45]]}, "is not inside the picture"),
        ({"picture": "nobody"}, "not in the server's memory"),
    ):
        with pytest.raises(ModeError, match=said):
            answer(service, asked, **more)


def test_over_http_a_refusal_is_json_and_a_file_has_its_kind(
    service: Service, asked: Asked
) -> None:
    routes = media_routes(service, Intake(Limits(1 << 20)), Uploads(1 << 20))
    client = TestClient(Starlette(routes=routes))
    for kind, media in KINDS.items():
        got = client.post("/mode/figure", json=asked | {"kind": kind})
        assert got.headers["content-type"].startswith(media), kind
    got = client.post("/mode/figure", json=asked | {"crops": []})
    assert (got.status_code, got.json()) == (422, {"error": "a figure takes 1 to 4 crops"})
    assert "error" in client.post("/mode/figure", content=b"[" * 9999).json()


def test_the_gallery_is_credited_and_its_file_named(service: Service) -> None:
    end = last(service.compare("chelsea", ["jpeg"], 0.5))
    wish = {"picture": "chelsea", "keys": [end.slots[0].key], "crops": [[100, 50, 90, 60]]}
    record = read_record(answer(service, wish | {"options": {"metrics": []}}, "json"))
    assert (record.title, record.credit) == ("Cat", "S. van der Walt, CC0")
    assert record.original_file
    assert np.prod(record.size) == service.photo("chelsea").pixels.size // 3
