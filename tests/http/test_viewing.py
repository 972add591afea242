"""What /view of the API measures, what it refuses before any work, and what one failure costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from app.http.uploads import Uploads
from app.http.viewing import MOST_IMAGES, Wish, viewed
from app.server.demands import BadRequest
from app.server.queue import ANYONE
from app.server.service import Service
from app.settings import MEBIBYTE, Settings
from mode_core.pictures.files import png_bytes
from tests.conftest import ROOT, make_photo
from tests.made_up.fake_runner import FakeRunner
from tests.made_up.zips import zip_of


def png(step: int = 0, side: int = 16) -> bytes:
    return png_bytes(make_photo(side, side) // 2 + step)


def images_of(count: int, original: str = "original/") -> dict[str, bytes]:
    names = [f"{at:02}.png" for at in range(count)]
    return {f"{original}{name}": png() for name in names} | {
        f"vvc/{name}": png(1) for name in names
    }


@pytest.fixture
def service() -> Service:
    return Service(Settings(), FakeRunner())


@pytest.fixture
def tasks(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what the reader is asked to do, one after the other."""
    done: list[str] = []
    call = service.runner.reader.call

    def counted(task: Callable[..., Any], *args: Any, **how: Any) -> Any:
        done.append(task.__name__)
        return call(task, *args, **how)

    monkeypatch.setattr(service.runner.reader, "call", counted)
    return done


def view(service: Service, *sent: Mapping[str, bytes] | bytes, **more: object) -> dict[str, Any]:
    uploads = Uploads(64 * MEBIBYTE)
    datas = [one if isinstance(one, bytes) else zip_of(one) for one in sent]
    names: Sequence[str] = [uploads.put("", data) for data in datas]
    given = dict.fromkeys(("original", "names", "sizes", "image")) | more
    if isinstance(given["original"], bytes):
        given["original"] = uploads.put("", given["original"])
    return viewed(service, Wish(uploads=uploads, pictures=names, **given), ANYONE)


def rows_of(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(row["image"], row["label"]) for row in answer["panes"] if row["opened"]]


def test_as_many_images_as_one_call_takes_are_measured(service: Service) -> None:
    answer = view(service, images_of(MOST_IMAGES))
    assert rows_of(answer) == [(f"{at:02}", "vvc") for at in range(MOST_IMAGES)]
    assert all(row["metrics"]["psnr"] for row in answer["panes"] if row["opened"])
    assert answer["note"] == ""


def test_more_images_are_refused_before_any_of_them_is_read(
    service: Service, tasks: list[str]
) -> None:
    many = images_of(MOST_IMAGES + 1)
    words = "25 images were sent, and 24 is the most for one call; send fewer, or ask .* image: 00,"
    with pytest.raises(BadRequest, match=words):
        view(service, many)
    assert tasks == ["sorted_out"]
    assert rows_of(view(service, many, image="03")) == [("03", "vvc")]
    assert tasks.count("picture_size") == 2  # of the one that is asked for


def test_pictures_that_do_not_fit_into_memory_are_refused_before_any_is_measured() -> None:
    service = Service(Settings(cache_bytes=4 * MEBIBYTE), FakeRunner())
    files = {path: png(path[0] == "v", 200) for path in images_of(4)}
    with pytest.raises(
        BadRequest, match=r"have 0\.3 megapixels, and 0\.2 is the most for one call"
    ):
        view(service, files)
    assert service.metrics.size == 0
    assert rows_of(view(service, files, image="01")) == [("01", "vvc")]


def test_without_any_original_nothing_is_read(service: Service, tasks: list[str]) -> None:
    with pytest.raises(BadRequest, match="no original came with 00, 01; put it beside them"):
        view(service, images_of(2, original="elic/"))
    assert tasks == ["sorted_out"]


def test_one_image_that_fails_does_not_cost_the_others(service: Service) -> None:
    files = images_of(3)
    del files["original/02.png"]
    answer = view(service, files)
    assert rows_of(answer) == [("00", "vvc"), ("01", "vvc")]
    assert answer["note"] == "no original came with 02; open it first"


def test_several_zips_are_a_codec_each_by_the_names_that_are_given(service: Service) -> None:
    zips = [{"a.png": png(step)} for step in range(3)]
    named = view(service, *zips, names=["original", "elic", "vvc"])
    assert rows_of(named) == [("a", "elic"), ("a", "vvc")]
    unnamed = view(service, *zips[1:], original=png())
    assert rows_of(unnamed) == [("a", "zip 1"), ("a", "zip 2")]


def test_a_picture_that_is_alone_in_its_zip_has_the_name_that_is_given(service: Service) -> None:
    apart = {"names": ["elic"], "original": png()}
    assert rows_of(view(service, {"k1.png": png(1)}, **apart)) == [("", "elic")]
    both = {"original.png": png(), "k1.png": png(1)}
    assert rows_of(view(service, both, names=["elic"])) == [("original", "elic")]
    two = {"k1_a.png": png(1), "k1_b.png": png(2)}
    assert rows_of(view(service, two, **apart)) == [("", "k1_a"), ("", "k1_b")]
    assert rows_of(view(service, {"vvc/22/k1.png": png(1)}, **apart)) == [("k1", "vvc 22")]


def test_zips_and_pictures_do_not_come_in_one_call(service: Service) -> None:
    with pytest.raises(BadRequest, match="send them in a call each"):
        view(service, {"a.png": png()}, png(1), original=png())


@pytest.mark.parametrize("place", ["docs/hosting.md", "app/http/api.py"])
def test_the_most_is_said_where_people_read_of_it(place: str) -> None:
    assert f"{MOST_IMAGES} images" in (ROOT / place).read_text("utf-8")
