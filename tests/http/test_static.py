"""What browsers may read of the folders of scripts, and for how long they may keep it."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.http.routes import STATIC, static_routes
from tests.conftest import ROOT

CLIENT = TestClient(Starlette(routes=static_routes()))
FILES = [path for one in STATIC for path in sorted((ROOT / "app" / one).iterdir())]


@pytest.mark.parametrize("suffix", [".js", ".css"])
def test_scripts_and_styles_are_asked_for_again_and_sent_once(suffix: str) -> None:
    """With an old module beside a new one the page would break after an update."""
    some = [path for path in FILES if path.suffix == suffix]
    assert some
    for path in some:
        address = f"/mode/static/{path.relative_to(ROOT / 'app')}"
        first = CLIENT.get(address)
        assert first.status_code == 200
        assert first.content == path.read_bytes()
        again = CLIENT.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for answer in (first, again):
            assert answer.headers["cache-control"] == "no-cache"


def test_nothing_else_in_these_folders_is_served() -> None:
    others = [path for path in FILES if path.suffix not in (".js", ".css")]
    assert {path.suffix for path in others} >= {".html", ".ts"}
    for path in others:
        assert CLIENT.get(f"/mode/static/{path.relative_to(ROOT / 'app')}").status_code == 404
    for address in ("", "shared", "shared/", "shared/..", "shared/%2e%2e/ui.py", "shared/no.js"):
        assert CLIENT.get(f"/mode/static/{address}").status_code == 404
