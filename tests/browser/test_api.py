"""The endpoints as gradio_client and curl use them, on the running page."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from mode_core.metrics import measure
from mode_core.pictures.files import png_bytes
from tests.browser.conftest import Site
from tests.conftest import make_photo
from tests.made_up.zips import zip_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def client(viewer_url: str) -> Client:
    return Client(viewer_url, verbose=False)


def photo_file(folder: Path, height: int, width: int) -> Path:
    path = folder / f"{height}x{width}.png"
    path.write_bytes(png_bytes(make_photo(height, width, seed=width)))
    return path


def get(url: str | urllib.request.Request) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        data: bytes = answer.read()
    return data


def test_compare_and_decode_do_what_the_page_does(
    client: Client, viewer_url: str, tmp_path: Path
) -> None:
    photo = photo_file(tmp_path, 60, 84)
    answer = client.predict(
        image=handle_file(str(photo)),
        bpp=0.8,
        codecs=["mode-f", "jpeg", "jpeg@2"],
        api_name="/compare",
    )
    rows = {row["id"]: row for row in answer["rows"]}
    assert rows["jpeg"]["bpp"] == pytest.approx(8 * rows["jpeg"]["bytes"] / (60 * 84))
    assert rows["jpeg"]["own_bpp"] is None
    assert rows["jpeg@2"]["own_bpp"] == 2
    assert rows["jpeg@2"]["bytes"] > 1.5 * rows["jpeg"]["bytes"]
    file = tmp_path / "photo.mode"
    file.write_bytes(get(viewer_url + rows["mode-f"]["file_url"]))
    back = client.predict(file=handle_file(str(file)), anchor="perception", api_name="/decode")
    assert [row["id"] for row in back["rows"]] == ["mode-p"]
    assert get(viewer_url + back["rows"][0]["url"])[:4] == b"\x89PNG"


def test_view_measures_what_was_decoded_elsewhere_as_bench_does(
    client: Client, viewer_url: str, tmp_path: Path
) -> None:
    photo, coarse = make_photo(60, 84), make_photo(60, 84) // 2
    paths = {}
    for name, pixels in (("photo", photo), ("coarse", coarse), ("fine", photo ^ 1)):
        paths[name] = tmp_path / f"{name}.png"
        paths[name].write_bytes(png_bytes(pixels))
    files = {name: handle_file(str(path)) for name, path in paths.items()}
    answer = client.predict(
        original=files["photo"],
        pictures=[files["coarse"], files["fine"]],
        names=["=coarse", "fine"],
        bytes=[630, None],
        api_name="/view",
    )
    original, first, second = answer["rows"]
    assert (original["id"], first["label"], first["opened"]) == ("original", "=coarse", True)
    assert (first["bytes"], first["bpp"], first["deviation"]) == (630, 1.0, None)
    assert (second["bytes"], second["bpp"]) == (None, None)
    assert first["metrics"]["psnr"] == measure(photo, coarse, ["psnr"]).values["psnr"]
    assert get(viewer_url + first["url"])[:4] == b"\x89PNG"


def test_view_takes_a_zip_of_images(client: Client, tmp_path: Path) -> None:
    made = {f"vvc/1/{name}.png": png_bytes(make_photo(16, 16) ^ 1) for name in "ab"}
    originals = {f"original/{name}.png": png_bytes(make_photo(16, 16)) for name in "ab"}
    sizes = {"sizes.csv": b"codec,rate,image,bytes\nvvc,1,b,64\n"}
    path = tmp_path / "all.zip"
    path.write_bytes(zip_of({**made, **originals, **sizes}))
    sent = {"original": None, "pictures": [handle_file(str(path))], "api_name": "/view"}
    rows = client.predict(**sent)["rows"]
    assert [(row["image"], row["label"], row["bpp"]) for row in rows if row["opened"]] == [
        ("a", "vvc 1", None),
        ("b", "vvc 1", 2.0),
    ]
    assert [row["image"] for row in client.predict(image="b", **sent)["rows"]] == ["b", "b"]


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"names": ["one", "two"]}, "2 names came for 1 pictures"),
        ({"bytes": [0]}, "whole number above 0"),
        ({"bytes": ["12"]}, "whole number above 0"),
        ({"original": None}, "no original was sent"),
        ({"pictures": []}, "0 pictures were sent"),
        ({"pictures": ["/etc/passwd"]}, "not a file that was uploaded here"),
    ],
)
def test_view_refuses_with_a_sentence(
    client: Client, tmp_path: Path, named: dict[str, Any], words: str
) -> None:
    photo = handle_file(str(photo_file(tmp_path, 20, 30)))
    with pytest.raises(AppError, match=re.escape(words)):
        client.predict(**({"original": photo, "pictures": [photo]} | named), api_name="/view")


def test_endpoints_are_named_and_typed(client: Client) -> None:
    api: dict[str, Any] = client.view_api(return_format="dict", print_info=False)
    endpoints = api["named_endpoints"]
    assert set(endpoints) == {"/compare", "/decode", "/rd", "/view"}
    names = [one["parameter_name"] for one in endpoints["/compare"]["parameters"]]
    assert names == ["image", "bpp", "codecs"]
    returned = {name: one["returns"][0]["python_type"]["type"] for name, one in endpoints.items()}
    assert returned["/rd"].startswith("list[dict(codec: str, label: str")
    assert returned["/compare"] == returned["/decode"]
    assert "rows: list[dict(str, Any)]" in returned["/compare"]


def test_errors_are_sentences(client: Client, tmp_path: Path) -> None:
    text = tmp_path / "note.png"
    text.write_text("not a picture")
    with pytest.raises(AppError, match=r"picture|image"):
        client.predict(image=handle_file(str(text)), bpp=0.1, codecs=[], api_name="/compare")


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"bpp": "abc"}, "bpp is 'abc'; it must be a number"),
        ({"bpp": [0.1]}, "it must be a number"),
        ({"bpp": 99}, "must lie between"),
        ({"codecs": ["nonsense"]}, "no pane 'nonsense'; choose from mode-f"),
        ({"codecs": {"a": 1}}, "must be a list of names"),
        ({"metric": {"a": 1}}, "there is no metric"),
        ({"dataset": ["kodak"]}, "no results for dataset"),
    ],
)
def test_wrong_values_are_refused_with_a_sentence_and_no_traceback(
    viewer: Site, client: Client, tmp_path: Path, named: dict[str, Any], words: str
) -> None:
    if "codecs" in named or "bpp" in named:
        photo = handle_file(str(photo_file(tmp_path, 32, 40)))
        wish = {"image": photo, "bpp": 0.5, "codecs": ["jpeg"], "api_name": "/compare"}
    else:
        wish = {"api_name": "/rd"}
    before = viewer.log
    with pytest.raises(AppError, match=words):
        client.predict(**wish | named)
    assert "Traceback" not in viewer.log.removeprefix(before)


def test_without_codecs_the_usual_ones_answer_and_a_rate_may_be_text(
    client: Client, tmp_path: Path
) -> None:
    photo = handle_file(str(photo_file(tmp_path, 32, 40)))
    usual = client.predict(image=photo, bpp="0.5", codecs=None, api_name="/compare")
    left_out = client.predict(image=photo, bpp=0.5, api_name="/compare")
    ids = [row["id"] for row in usual["rows"]]
    assert ids == [row["id"] for row in left_out["rows"]]
    assert ids[:3] == ["original", "mode-f", "mode-p"]
    assert usual["bpp"] == 0.5


@pytest.mark.parametrize("path", ["/etc/passwd", "../../app.py", "http://127.0.0.1:9/x.png"])
def test_no_path_and_no_address_is_followed(viewer_url: str, path: str) -> None:
    for meta in ({}, {"meta": {"_type": "gradio.FileData"}}):
        body = json.dumps({"data": [{"path": path, **meta}, 0.1, ["jpeg"]]}).encode()
        said = call(viewer_url, body)
        assert "event: error" in said or "error" in said
        assert "root:" not in said


def call(home: str, body: bytes) -> str:
    """What curl would see: post, then read the stream of events."""
    url = f"{home}gradio_api/call/compare"
    post = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        id = json.loads(get(post))["event_id"]
        return get(f"{url}/{id}").decode()
    except urllib.error.HTTPError as error:
        return f"error {error.code}"


def test_twenty_at_once_are_each_answered_with_their_own(viewer_url: str, tmp_path: Path) -> None:
    photos = [photo_file(tmp_path, 32, width) for width in range(40, 60)]

    def ask(photo: Path) -> str:
        answer = Client(viewer_url, verbose=False).predict(
            image=handle_file(str(photo)), bpp=1, codecs=["jpeg"], api_name="/compare"
        )
        return f"{answer['height']}x{answer['width']}"

    with ThreadPoolExecutor(len(photos)) as users:
        assert list(users.map(ask, photos)) == [photo.stem for photo in photos]


@pytest.mark.parametrize(
    "path",
    [
        "mode/static/about.py",
        "mode/static/shared/../about.py",
        "mode/static/viewer/static/%2e%2e/%2e%2e/about.py",
        "mode/static/viewer/static/%2e%2e/%2e%2e/%2e%2e/tests/js/catalogue.js",
        "mode/media/../../app.py",
        "mode/media/0.png",
        "gradio_api/file=/etc/passwd",
        "gradio_api/file=app.py",
        "gradio_api/proxy=http://127.0.0.1:9/",
    ],
)
def test_nothing_but_what_is_offered_can_be_fetched(viewer_url: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(viewer_url + path)
    assert refused.value.code in (400, 403, 404)
