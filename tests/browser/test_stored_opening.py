"""The page with the pictures that are stored for its opening, which nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import served, watched
from tests.browser.viewer_page import SIX, settled, state_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served("page_server", tmp_path_factory.mktemp("stored"), "20", "stored") as site:
        yield site.url


def test_all_six_are_there_at_once_and_nothing_is_asked(chromium: Browser, url: str) -> None:
    page, trouble = watched(chromium, url)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "queue/join" in one.url else None)
    expect(page.locator("figure.pane[data-state=ready]")).to_have_count(6)
    assert [pane["id"] for pane in state_of(page)["panes"]] == SIX
    page.wait_for_timeout(300)  # after 60 ms a question would have been sent
    expect(page.locator("#viewer .status")).to_have_text("")
    assert asked == []
    assert trouble == []
    page.close()


def test_a_link_with_other_panes_of_the_same_picture_gets_them(chromium: Browser, url: str) -> None:
    page, trouble = watched(chromium, url, "#panes=original,elic,jpeg,elic@0.3")
    settled(page, 4)
    expect(page.locator("figure.pane[data-state=ready]")).to_have_count(4)
    assert trouble == []
    page.close()
