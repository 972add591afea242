"""Damaged files of every codec, hostile pictures, strange addresses, many posts at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from io import BytesIO
from time import monotonic, process_time
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image as Pillow
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.explorer.usercsv import read_user_csv
from app.http.routes import media_routes
from app.server.collection import sorted_out
from app.server.reader import Reader
from app.server.service import Service
from app.settings import MEBIBYTE, Settings
from mode_core.codecs.registry import CODECS, load_codec
from mode_core.errors import BitstreamError, ModeError, ResultsError
from mode_core.stream.container import Bitstream, Stream
from mode_core.types import Target
from tests.conftest import ROOT, make_photo
from tests.made_up.fake_runner import FakeRunner
from tests.made_up.pngs import raw_png
from tests.made_up.traps import TRAPS
from tests.made_up.zips import PICTURE, ZIPS, zip_of

pytestmark = pytest.mark.hostile
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "PPM", "JXL")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    running = Reader(Settings(read_seconds=60))
    yield running
    running.close()


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes overwritten, a piece cut out or doubled, most often near the start."""
    changed = bytearray(data)
    near = len(data) if rng.random() < 0.5 else min(len(data), 200)
    match int(rng.integers(0, 3)):
        case 0:
            for place in rng.integers(0, near, int(rng.integers(1, 9))):
                changed[place] = int(rng.integers(0, 256))
        case 1:
            start, stop = sorted(rng.integers(0, len(data), 2).tolist())
            del changed[start:stop]
        case _:
            start = int(rng.integers(0, near))
            changed[start:start] = changed[start : start + int(rng.integers(1, 500))]
    return bytes(changed)


@pytest.mark.weights
@pytest.mark.parametrize("id", CODECS)
def test_damaged_files_of_a_codec(id: str, count: int, rng: np.random.Generator) -> None:
    """A picture of the size that the file states, or a sentence; damage fits its checksum."""
    photo = make_photo(70, 90)
    codec = load_codec(id)
    honest = codec.encode(photo, Target(quality=2))
    for _ in range(count):
        streams = list(honest.streams)
        hit = int(rng.integers(0, len(streams)))
        payload = damaged(streams[hit].payload or b"\0", rng)
        streams[hit] = Stream(payload, int(rng.integers(0, 1 << 16)))
        file = replace(honest, streams=tuple(streams), quality=int(rng.integers(0, 256)))
        with suppress(BitstreamError):
            read = Bitstream.from_bytes(file.to_bytes())
            assert codec.decode(read).shape == photo.shape


@pytest.mark.weights
@pytest.mark.parametrize("id", CODECS)
def test_small_files_that_claim_25_megapixels(
    id: str, count: int, rng: np.random.Generator
) -> None:
    codec = load_codec(id)
    honest = codec.encode(make_photo(64, 64), Target(quality=0))
    for _ in range(max(1, count // 50)):
        streams = tuple(
            Stream(rng.bytes(int(rng.integers(1, 24))), one.check) for one in honest.streams
        )
        claim = replace(honest, width=5000, height=5000, streams=streams)
        with pytest.raises(BitstreamError):
            codec.decode(Bitstream.from_bytes(claim.to_bytes()))


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_pictures(
    format: str, reader: Reader, count: int, rng: np.random.Generator
) -> None:
    import pillow_jxl  # noqa: F401

    file = BytesIO()
    Pillow.fromarray(make_photo(67, 101)).save(file, format)
    for _ in range(count):
        with suppress(ModeError):
            assert reader.photo(damaged(file.getvalue(), rng)).pixels.ndim == 3


def test_damaged_zips(reader: Reader, count: int, rng: np.random.Generator) -> None:
    """Files of the sizes that there are, or a sentence; nothing unpacks to more than it may."""
    honest = zip_of(
        {f"codec/{at}/a.png": PICTURE for at in range(5)} | {"sizes.csv": b"name,bytes"}
    )
    for _ in range(count):
        with suppress(ModeError):
            _, files, _ = reader.call(sorted_out, [("a.zip", damaged(honest, rng))], MEBIBYTE)
            assert sum(map(len, files.values())) <= MEBIBYTE


@pytest.mark.parametrize("trap", ZIPS)
def test_zips_that_are_traps_leave_the_reader_alive(trap: str, reader: Reader) -> None:
    with pytest.raises(ModeError):
        reader.call(sorted_out, [("a.zip", ZIPS[trap][0]())], MEBIBYTE)
    assert reader.photo(PICTURE).pixels.size


@pytest.mark.parametrize("trap", TRAPS)
def test_traps_cost_the_page_next_to_nothing(trap: str, reader: Reader) -> None:
    data = TRAPS[trap]()
    before = process_time()
    with pytest.raises(ModeError):
        reader.photo(data)
    assert process_time() - before < 1


def test_pictures_of_few_bytes_and_25_megapixels(reader: Reader) -> None:
    """Allowed as they are: what bounds them is the process that reads them."""
    rows = b"\0" + bytes(15_000)
    picture = reader.photo(raw_png(5000, 5000, 8, 2, rows * 5000))
    assert picture.pixels.shape == (5000, 5000, 3)


@pytest.mark.parametrize(
    "text",
    [
        ",".join(["codec", "bpp", "psnr", *map(str, range(255_000))]),
        "codec,bpp,psnr\n" * 100_000,
        "\n" * 1_900_000,
        "codec,bpp,psnr\n" + '"' * 1_900_000,
        ";" * 1_900_000,
        "codec,bpp,psnr\n" + "".join(f"a,{i},1\n" for i in range(1, 90_000)),
    ],
    ids=["columns", "headers", "lines", "quotes", "cells", "rows"],
)
def test_hostile_csv_files(text: str, reader: Reader) -> None:
    with pytest.raises(ResultsError):
        reader.call(read_user_csv, text, "mine.csv")


TRAVERSALS = (
    "../../etc/passwd",
    "..%2f..%2fetc/passwd",
    "/etc/passwd",
    "....//pyproject.toml",
    "%2e%2e/%2e%2e/pyproject.toml",
    "shared/..\\..\\app.py",
    "key.mode/../../app.py",
)


@pytest.fixture
def page(reader: Reader) -> TestClient:
    runner = FakeRunner()
    runner.reader = reader  # type: ignore[assignment]
    service = Service(Settings(queue_length=8), runner)  # type: ignore[arg-type]
    return TestClient(Starlette(routes=media_routes(service)))


@pytest.mark.parametrize("path", TRAVERSALS)
@pytest.mark.parametrize("root", ["/mode/static/shared/", "/mode/static/", "/mode/media/", "/"])
def test_addresses_outside_the_page_hold_nothing(path: str, root: str, page: TestClient) -> None:
    for address in (root + path, root + quote(path, safe="")):
        answer = page.get(address)
        assert answer.status_code in (404, 405)
        assert str(ROOT) not in answer.text
        assert "root:" not in answer.text


def test_many_posts_at_once_leave_the_page_alive(
    page: TestClient, count: int, rng: np.random.Generator
) -> None:
    """Every one is answered with a picture or a sentence, and the page answers meanwhile."""
    file = BytesIO()
    Pillow.fromarray(make_photo(900, 1200)).save(file, "JPEG", progressive=True)
    whole, answers = file.getvalue(), list[int]()

    def post(data: bytes) -> None:
        answers.append(page.post("/mode/photo", content=data).status_code)

    bodies = [damaged(whole, rng) for _ in range(min(count, 60))]
    threads = [threading.Thread(target=partial(post, body)) for body in bodies]
    for thread in threads:
        thread.start()
    start = monotonic()
    assert page.get("/mode/static/shared/dom.js").status_code == 200
    meanwhile = monotonic() - start
    for thread in threads:
        thread.join(300)
    assert answers == [200] * len(bodies)
    assert meanwhile < monotonic() - start
    assert page.post("/mode/photo", content=whole).json()["width"] == 1200
