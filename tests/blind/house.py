"""A server with blind tests over plain HTTP, and raters who always prefer one candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.http.intake import Intake, Limits
from app.http.routes import media_routes
from app.http.uploads import Uploads
from app.server.service import Service
from app.settings import MEBIBYTE, Settings
from mode_core.pictures.files import load_picture, png_bytes
from mode_core.types import Image
from tests.conftest import make_photo
from tests.made_up.fake_runner import FakeRunner

WISH: Mapping[str, Any] = {
    "pictures": [],
    "panes": ["mode-f", "mode-p", "elic"],
    "bpp": 0.1,
    "trials": 20,
    "seed": 7,
    "question": "closer",
    "alone": True,
    "each": False,
    "across": False,
}


class House:
    """One server, and what its visitors do."""

    def __init__(self, votes: Path | None = None, cache_bytes: int = 64 * MEBIBYTE) -> None:
        self.runner = FakeRunner()
        settings = Settings(votes=votes, cache_bytes=cache_bytes, upload_bytes=MEBIBYTE)
        self.service = Service(settings, self.runner)
        routes = media_routes(self.service, Intake(Limits(64 * MEBIBYTE)), Uploads(MEBIBYTE))
        self.client = TestClient(Starlette(routes=routes))
        self.scenes = [self.brings(f"photo{at}.png", seed=at) for at in range(4)]
        self.wish = {**WISH, "pictures": self.scenes[:1]}

    def brings(self, name: str, seed: int = 0) -> dict[str, Any]:
        """A small picture of a visitor, as a scene of a test."""
        data = png_bytes(make_photo(48, 64, seed))
        key = self.client.post("/mode/photo", content=data).json()["key"]
        return {"id": key, "name": name, "spots": [[0.4, 0.2, 2]]}

    def asks(self, what: str, **asked: Any) -> dict[str, Any]:
        """What the server answers."""
        answer = self.client.post(f"/mode/blind/{what}", json=asked)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    def makes(self, **changed: Any) -> dict[str, Any]:
        """A test whose pictures are there; id and host's secret, as they are sent."""
        made = self.asks("make", **self.wish | changed)
        assert "error" not in made, made
        until = monotonic() + 120
        while (state := self.asks("state", **made))["state"] == "preparing":
            assert monotonic() < until
            sleep(0.01)
        assert state["state"] == "open", state["error"]
        return made

    def image(self, test: str, name: str) -> Image:
        """A picture as the rater's browser gets it."""
        answer = self.client.get(f"/mode/blind/{test}/{name}.png")
        assert answer.headers["cache-control"] == "no-store"
        return load_picture(answer.content).pixels

    def answers(
        self, test: str, joined: Mapping[str, Any], prefers: Callable[[Image], float]
    ) -> list[dict[str, Any]]:
        """What somebody answers to all trials who likes most what `prefers` makes most of."""
        found = []
        for trial in joined["trials"]:
            left, right = (prefers(self.image(test, trial[side])) for side in ("left", "right"))
            found.append(answer("unsure" if left == right else "left" if left > right else "right"))
        return found


def answer(what: str, **changed: Any) -> dict[str, Any]:
    """An answer as browsers send it."""
    usual = {"seconds": 3.25, "flips": 4, "zoom": 2, "ratio": 1.5, "screen": "390x844"}
    return {"answer": what, **usual, "side": False, "time": "2026-11-28T10:00:00.000Z"} | changed


def brightness(image: Image) -> float:
    """The fake runner darkens pictures: the original is brightest."""
    return float(np.mean(image))
