"""A crowd at the real page, whose learned codecs are played: everybody gets their own pictures."""

from __future__ import annotations

import json

import pytest

from tests.browser.conftest import Site
from tests.conftest import Shell

pytestmark = pytest.mark.browser


def test_a_crowd_of_which_half_leaves_gets_its_own_pictures(viewer: Site, shell: Shell) -> None:
    more = "--pause 0 --size 96x80 --codecs mode-f,jpeg@0.5 --leave 0.5 --json"
    found = json.loads(shell.does(f"load --users 6 --rounds 2 --url {viewer.url} {more}"))
    questions = found["questions"]
    assert questions["asked"] == 12
    assert questions["answered"] + questions["left in mid-job"] == 12
    assert questions["answered"] >= 3
    assert found["memory"]["at the start"] > 50
    assert found["memory"]["processes"] >= 2  # the page and its reader


def test_a_refusal_is_told_in_the_servers_words(viewer: Site, shell: Shell) -> None:
    more = "--size 96x80 --codecs no-such-codec --json --minutes 1"
    found = json.loads(shell.does(f"load --users 1 --rounds 1 --url {viewer.url} {more}"))
    (said,) = found["words"]
    assert said["kind"] in ("refused", "answered in part")
    assert "no-such-codec" in said["words"]
