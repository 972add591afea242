"""Weights that come and go while the page is up: who asks next is told, and nobody looks often."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.http import arrivals
from app.settings import Settings
from app.ui import build_demo, front
from tests.made_up.fake_runner import FakeRunner
from tests.made_up.sets import put_set

PUBLIC = "ms-illm.public"
SAID = ("/", "/config", "/gradio_api/info")


class Looks:
    """How often the folders of weights were looked into, by a clock that moves only by hand."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.count, self.now, look = 0, 100.0, arrivals.weights_stamp

        def counted() -> Any:
            self.count += 1
            return look()

        patch.setattr(arrivals, "weights_stamp", counted)
        patch.setattr(arrivals, "monotonic", lambda: self.now)

    def later(self) -> None:
        self.now += arrivals.LOOK_S


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(monkeypatch)


@pytest.fixture
def page(home: Path, looks: Looks) -> Iterator[TestClient]:
    home.mkdir()
    demo = build_demo(Settings(), FakeRunner())
    app = gr.mount_gradio_app(FastAPI(openapi_url=None), demo, path="/", app_kwargs=front(demo))
    with TestClient(app) as client:
        looks.later()
        yield client


def news(page: TestClient, seen: str = "") -> dict[str, Any]:
    answer = page.get(f"/mode/catalogue?seen={seen}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def makers(told: dict[str, Any]) -> set[str]:
    return {one["codec"] for one in told["catalogue"]["choices"]}


def naming(page: TestClient, word: str) -> list[str]:
    """The addresses whose answers have this word."""
    return [path for path in SAID if word in page.get(path).text]


def test_a_set_that_comes_is_offered_and_one_that_goes_is_not(
    page: TestClient, looks: Looks, home: Path
) -> None:
    first = news(page)
    assert PUBLIC not in makers(first)
    assert naming(page, PUBLIC) == []
    put_set(home / "ms-illm-3")
    looks.later()
    then = news(page, first["stamp"])
    assert PUBLIC in makers(then)
    assert naming(page, PUBLIC) == [*SAID]
    props = [one["props"] for one in page.get("/config").json()["components"]]
    (about,) = [one["value"] for one in props if one.get("elem_id") == "about"]
    assert "**MS-ILLM public** is here" in about
    (viewer,) = [one["props"] for one in props if "stamp" in one.get("props", {})]
    assert {name: viewer[name] for name in then} == then
    shutil.rmtree(home / "ms-illm-3")
    looks.later()
    assert news(page, then["stamp"]) == first
    assert naming(page, PUBLIC) == []


def test_who_knows_it_already_is_told_nothing(page: TestClient, looks: Looks, home: Path) -> None:
    stamp = news(page)["stamp"]
    (home / "README.md").write_text("no set")
    looks.later()
    answer = page.get(f"/mode/catalogue?seen={stamp}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"


def test_however_many_ask_nobody_looks_twice_in_a_second(
    page: TestClient, looks: Looks, home: Path
) -> None:
    before = looks.count
    for _ in range(20):
        for path in (*SAID, "/mode/catalogue"):
            page.get(path)
    assert looks.count == before + 1
    looks.later()
    assert looks.count == before + 1  # nobody has asked
    page.get("/mode/catalogue")
    assert looks.count == before + 2


def test_nothing_is_made_anew_while_the_weights_stay(
    page: TestClient, looks: Looks, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = news(page)["stamp"]
    monkeypatch.setattr("app.ui.about_page", lambda: pytest.fail("made anew"))
    for _ in range(3):
        looks.later()
        assert news(page)["stamp"] == stamp


def test_a_set_that_is_being_copied_is_offered_once_it_is_whole(
    page: TestClient, looks: Looks, home: Path, tmp_path: Path
) -> None:
    whole = put_set(tmp_path / "ms-illm-3", shards=2)
    slow = home / "ms-illm-3"
    slow.mkdir()
    last = (whole / "01.safetensors").read_bytes()
    for step in ("00.safetensors", "half", "card.json", "01.safetensors"):
        assert PUBLIC not in makers(news(page))
        if step == "half":
            (slow / "01.safetensors").write_bytes(last[: len(last) // 2])
        else:
            (slow / step).write_bytes((whole / step).read_bytes())
        looks.later()
    assert PUBLIC in makers(news(page))


def test_a_file_that_grows_in_place_is_noticed(home: Path, tmp_path: Path) -> None:
    """Its folder's time stays as it is then."""
    put_set(home / "ms-illm-3")
    seen = arrivals.weights_stamp()
    with (home / "ms-illm-3" / "00.safetensors").open("ab") as file:
        file.write(b"\0")
    assert arrivals.weights_stamp() != seen


@pytest.mark.parametrize("asked", ["", "?page=", "?all_endpoints=true"])
def test_the_api_says_what_can_be_asked_for_by_now(
    page: TestClient, looks: Looks, home: Path, asked: str
) -> None:
    def names() -> list[str]:
        told = json.loads(page.get(f"/gradio_api/info{asked}").text)["named_endpoints"]["/compare"]
        wanted = next(one for one in told["parameters"] if one["parameter_name"] == "codecs")
        known, rated = wanted["type"]["items"]["anyOf"]
        assert re.fullmatch(rated["pattern"], "elic@0.05")
        found: list[str] = known["enum"]
        return found

    before = names()
    put_set(home / "dlf-2", "dlf")
    looks.later()
    assert set(names()) - set(before) == {"dlf.public"}
