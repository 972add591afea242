"""A pane's own size: its dialog, one codec at two sizes, links, and what is compared."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.viewer_page import settled, state_of

pytestmark = pytest.mark.browser


def panes_of(page: Page) -> list[str]:
    return [pane["id"] for pane in state_of(page)["panes"]]


def sizing(page: Page, pane: str) -> Page:
    """The page with the dialog of this pane's size open."""
    page.locator(f'figure[data-id="{pane}"] button.rate').click()
    expect(page.locator("dialog.sizing")).to_be_visible()
    return page


def test_one_codec_stands_twice_and_the_link_says_so(visit: Opener) -> None:
    page = settled(visit("panes=original,elic,jpeg&bpp=0.4"), 3)
    sizing(page, "elic").get_by_role("button", name="A second pane of it").click()
    settled(page, 4)
    assert panes_of(page) == ["original", "elic", "elic@0.2", "jpeg"]
    first, second = state_of(page)["panes"][1:3]
    assert second["label"] == "ELIC at 0.2 bpp"
    assert second["bytes"] < 0.7 * first["bytes"]
    expect(page.locator(".numbers .notes")).to_contain_text("What has a size of its own is not")
    page.wait_for_function("location.hash.includes('panes=original,elic,elic@0.2,jpeg')")
    # The common rate moves all but that one.
    before = second["bytes"]
    page.locator(".bpp").fill("0.3")
    page.locator(".bpp").press("Enter")
    page.wait_for_function("JSON.parse(viewer.dataset.state).panes[1].bytes")
    settled(page, 4)
    third, same = state_of(page)["panes"][1:3]
    assert same["bytes"] == before
    assert third["bytes"] != first["bytes"]
    # Another codec in its place takes its size over; and it can go back to the common one.
    page.locator('figure[data-id="elic@0.2"] .swap').select_option("webp")
    settled(page, 4)
    assert panes_of(page)[2] == "webp@0.2"
    sizing(page, "webp@0.2").get_by_role("button", name=re.compile("Follow the common")).click()
    settled(page, 4)
    assert panes_of(page) == ["original", "elic", "webp", "jpeg"]


def test_sizes_are_typed_taken_over_and_made_common_by_keyboard(visit: Opener) -> None:
    page = settled(visit("panes=original,elic,jpeg&bpp=0.4"), 3)
    page.locator('figure[data-id="elic"] button.rate').focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.sizing")
    field = dialog.get_by_role("textbox")
    expect(field).to_be_focused()
    for wrong, said in (("lots", "Write a rate"), ("9999999", "between 0.001 and 8")):
        field.fill(wrong)
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_contain_text(said)
    field.fill("0,25 bpp")
    page.keyboard.press("Enter")
    settled(page, 3)
    assert panes_of(page) == ["original", "elic@0.25", "jpeg"]
    # The bytes that the other pane has now, within what the codec can hit.
    page.locator('figure[data-id="elic@0.25"] button.rate').click()
    dialog.get_by_label("The bytes that another pane has now").select_option("jpeg")
    dialog.locator("form.another button").click()
    expect(page.locator('figure[data-id^="elic@0.4"], figure[data-id^="elic@0.3"]')).to_have_count(
        1
    )
    settled(page, 3)
    _, elic, jpeg = state_of(page)["panes"]
    assert abs(elic["bytes"] / jpeg["bytes"] - 1) < 0.03
    page.keyboard.press("Escape")
    # All at the size of one: the common rate becomes its own.
    sizing(page, "jpeg").get_by_role("button", name="Make it the common rate").click()
    page.wait_for_function("JSON.parse(viewer.dataset.state).bpp !== 0.4")
    assert abs(state_of(page)["bpp"] / jpeg["bpp"] - 1) < 1e-5
    settled(page, 3)


def test_where_a_pane_was_chosen_its_other_size_is(visit: Opener) -> None:
    page = settled(visit("panes=original,elic,jpeg&bpp=0.4&mode=swipe&a=elic&b=jpeg"), 3)
    sizing(page, "elic").locator("dialog.sizing input").fill("0.2")
    page.keyboard.press("Enter")
    settled(page, 3)
    expect(page.locator("select.swipe-a")).to_have_value("elic@0.2")
    expect(page.locator("select.swipe-a option:checked")).to_have_text("ELIC at 0.2 bpp")
    expect(page.locator("dialog.sizing")).to_be_hidden()


def test_the_original_has_no_size_to_choose(visit: Opener) -> None:
    page = settled(visit("panes=original,elic&bpp=0.4"), 2)
    expect(page.locator('figure[data-id="original"] button.rate')).to_be_hidden()
    expect(page.locator('figure[data-id="elic"] button.rate')).to_be_enabled()
