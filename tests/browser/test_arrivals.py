"""Weights that come to a running page, and leave it: menus follow without a reload."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from playwright.sync_api import Browser, expect

from mode_core.pictures.files import png_bytes
from tests.browser.conftest import Site, imported, served, watched
from tests.browser.viewer_page import settled
from tests.conftest import make_photo

pytestmark = pytest.mark.browser
PUBLIC = "ms-illm.public"
HURRY = "const wait = setInterval; setInterval = (f, ms) => wait(f, ms === 10000 ? 500 : ms)"
"""The page asks every half second for what has come. (A clock that a test puts forward lets timers
of the same moment pass each other, which Gradio's stream of answers does not survive.)"""
LOOKED_AT = "document.dispatchEvent(new Event('visibilitychange'))"


def test_an_open_page_follows_what_comes_and_goes(
    chromium: Browser, viewer: Site, tmp_path: Path
) -> None:
    page, trouble = watched(chromium, viewer.url, "#panes=original,ms-illm,jpeg", first=HURRY)
    settled(page, 3)
    offered = page.locator(f'select.add option[value="{PUBLIC}"]')
    about = page.locator("#about")
    here = re.compile("MS-ILLM public is here")
    before = page.locator("#viewer").get_attribute("data-state")
    assert offered.count() == 0
    with imported(viewer, "ms-illm-3"):
        expect(offered).to_have_count(1)
        expect(about).to_contain_text(here)
        assert page.locator("#viewer").get_attribute("data-state") == before
        page.locator("select.add").select_option(PUBLIC)
        settled(page, 4)
        pane = page.locator(f'.pane[data-id="{PUBLIC}"]')
        expect(pane.locator(".licence")).to_have_text("authors' weights: CC-BY-NC 4.0")
        photo = tmp_path / "photo.png"
        photo.write_bytes(png_bytes(make_photo(60, 84)))
        asked = {"image": handle_file(str(photo)), "bpp": 0.8, "codecs": [PUBLIC]}
        client = Client(viewer.url, verbose=False)
        (_, row) = client.predict(**asked, api_name="/compare")["rows"]
        assert (row["id"], row["error"], row["licence"]) == (PUBLIC, "", "CC-BY-NC 4.0")

    page.evaluate(LOOKED_AT)
    expect(about).not_to_contain_text(here)
    expect(offered).to_have_count(0)
    expect(pane).to_have_attribute("data-state", "ready")  # what is on the screen stays
    page.locator("select.add").select_option("webp")
    settled(page, 5)
    expect(pane.locator(".word")).to_contain_text("weights of MS-ILLM public are not on this")
    expect(page.locator(".pane[data-state=ready]")).to_have_count(4)
    (_, row) = client.predict(**asked, api_name="/compare")["rows"]
    assert "are not on this server" in row["error"]
    page.close()
    assert trouble == []


def test_the_panes_that_the_server_chose_stay_when_it_would_choose_others(
    chromium: Browser, tmp_path: Path
) -> None:
    with served("page_server", tmp_path, MODE_PROFILE="public") as site:
        page, trouble = watched(chromium, site.url)
        settled(page)
        assert page.locator(f'.pane[data-id="{PUBLIC}"]').count() == 0
        with imported(site, "ms-illm-3"):
            page.evaluate(LOOKED_AT)
            expect(page.locator(f'select.add option[value="{PUBLIC}"]')).to_have_count(1)
            page.get_by_role("button", name="0.2", exact=True).click()
            settled(page)
            ours = page.locator('.pane[data-id="ms-illm"]')
            expect(ours).to_have_attribute("data-state", "ready")
            page.close()
            page, more = watched(chromium, site.url)
            settled(page)
            theirs = page.locator(f'.pane[data-id="{PUBLIC}"]')
            expect(theirs).to_have_attribute("data-state", "ready")
            page.close()
        assert [*trouble, *more] == []
