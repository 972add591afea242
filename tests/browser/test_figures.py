"""The dialog of a figure for a paper: by keyboard, with a preview, and what it saves."""

from __future__ import annotations

import json
import re
from io import BytesIO
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.viewer_page import settled, stage

pytestmark = pytest.mark.browser


def previewed(page: Page, said: str) -> None:
    """The dialog once its preview is of what the words say."""
    expect(page.locator(".figure-said")).to_contain_text(said)
    expect(page.locator("dialog.figure img")).to_be_visible()


def test_a_figure_is_chosen_and_saved_by_keyboard(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg,webp"), 3)
    page.evaluate("localStorage.removeItem('mode-figure'); viewer.scrollIntoView()")
    stage(page).press("c")  # a pin
    page.get_by_role("button", name="Figure…").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Figure for a paper")
    expect(dialog.get_by_label("Common widths")).to_be_focused()
    previewed(page, "3.25 \u00d7 ")
    page.keyboard.press("End")  # the last choice of the menu is another width
    expect(dialog.get_by_label("Width in inches")).to_be_focused()
    dialog.get_by_label("Width in inches").fill("99")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("status")).to_have_text("A figure is 2 to 10 inches wide.")
    dialog.get_by_label("Width in inches").fill("5,5")
    page.keyboard.press("Enter")
    previewed(page, "5.50 \u00d7 ")
    for metric in ("LPIPS", "MS-SSIM", "SSIMULACRA2"):  # which this server does not measure
        dialog.get_by_label(metric).set_checked(False)
    dialog.get_by_label("WebP").focus()
    page.keyboard.press("Space")
    expect(dialog.get_by_label("WebP")).not_to_be_checked()
    expect(dialog.get_by_label("pin 1")).to_be_checked()
    expect(dialog.get_by_role("img")).to_have_attribute("alt", "1 crop of Original, JPEG")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="All as a zip").press("Enter")
    assert download.value.suggested_filename == "mode-figure.zip"
    with ZipFile(BytesIO(download.value.path().read_bytes())) as archive:
        manifest = json.loads(archive.read("mode-figure/mode-figure.json"))
        assert archive.read("mode-figure/mode-figure.pdf").startswith(b"%PDF")
    assert manifest["options"]["width_in"] == 5.5
    assert [pane["label"] for pane in manifest["panes"]] == ["JPEG"]
    expect(dialog.get_by_role("status")).to_have_text("The figure is saved as mode-figure.zip.")
    dialog.get_by_label("JPEG").press("Space")
    expect(dialog.get_by_role("status")).to_have_text("Choose 1 to 12 panes.")
    dialog.get_by_label("JPEG").press("Space")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    # what was chosen is still chosen
    page.get_by_role("button", name="Figure…").press("Enter")
    expect(dialog.get_by_label("Width in inches")).to_have_value("5.5")
    expect(dialog.get_by_label("WebP")).not_to_be_checked()


def test_only_the_newest_preview_is_shown_and_a_phone_has_room_for_all(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg", {"width": 390, "height": 844}), 2)
    page.get_by_role("button", name="Figure…").click()
    previewed(page, "3.25 \u00d7 ")
    # The first answer is held back until the second has been shown.
    page.evaluate(
        """() => {
          const send = window.fetch;
          let first = true;
          window.fetch = async (...asked) => {
            const answer = await send(asked[0], { ...asked[1], signal: undefined });
            if (first) { first = false; await new Promise((done) => { window.letGo = done; }); }
            return answer;
          };
          window.putBack = () => { window.fetch = send; };
        }"""
    )
    width = page.get_by_label("Width in inches")
    width.fill("4")
    width.press("Enter")
    page.wait_for_function("Boolean(window.letGo)")
    width.fill("6")
    width.press("Enter")
    previewed(page, "6.00 \u00d7 ")
    page.evaluate("letGo(); putBack()")
    page.wait_for_timeout(300)
    previewed(page, "6.00 \u00d7 ")
    for name in (re.compile("^PDF$"), re.compile("All as a zip")):
        button = page.locator("dialog.figure").get_by_role("button", name=name)
        button.scroll_into_view_if_needed()
        expect(button).to_be_in_viewport(ratio=1)
    sizes = page.evaluate(
        "[...document.querySelectorAll('dialog.figure')].map((d) => [d.scrollWidth, d.clientWidth])"
    )
    assert sizes[0][0] <= sizes[0][1]
