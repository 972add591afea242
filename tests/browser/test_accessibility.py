"""The page under axe, the accessibility checker: nothing serious, on a desk and on a phone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.viewer_page import settled

pytestmark = pytest.mark.browser
SIZES = [(1440, 900), (390, 844)]


def findings(page: Page, part: str = "html", rule: str = "") -> list[str]:
    """What axe calls serious or critical in a part of the page, with the elements concerned."""
    # what passes need not be told in full: that is a third of the time
    options: dict[str, list[str]] = {"resultTypes": ["violations"]}
    if rule:
        options["runOnly"] = [rule]
    found = Axe().run(page, part, options).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def bad_colours(page: Page, part: str) -> list[str]:
    """The same of all that another scheme can change."""
    page.emulate_media(color_scheme="dark")
    # on a busy machine the page may not have been drawn anew yet
    page.wait_for_function("matchMedia('(prefers-color-scheme: dark)').matches")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.evaluate("document.getAnimations().forEach((one) => one.finish())")
    found = findings(page, part, "color-contrast")
    page.emulate_media(color_scheme="light")
    return found


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_axe_finds_nothing_serious(open_page: Opener, width: int, height: int) -> None:
    size = {"width": width, "height": height}
    panes = "#panes=original,mode-f,mode-p@0.2,vq,jpeg"
    page = open_page(panes, viewport=size, color_scheme="light")
    settled(page, 5)
    # colours are the same at every width: a second look in the dark only on a desk
    bad_colours_too = bad_colours if width > 1000 else lambda page, part: []
    page.locator("#rd-plot").scroll_into_view_if_needed()
    expect(page.locator("#rd-plot .scatterlayer .trace").first).to_be_attached()
    page.locator(".rd-points summary").click()
    # hundreds of rows like the first ten take axe three quarters of its time
    page.evaluate(
        "document.querySelectorAll('.rd-points tr:nth-child(n+11)').forEach((row) => row.remove())"
    )
    assert findings(page) + bad_colours_too(page, "html") == []
    page.get_by_role("button", name="Plane", exact=True).click()
    expect(page.locator("[data-rd=places] tr").first).to_be_visible()
    assert findings(page, ".rd") + bad_colours_too(page, ".rd") == []
    for mode in ("Swipe", "Diff", "Single"):
        page.get_by_role("button", name=mode, exact=True).click()
        assert findings(page, "#viewer") + bad_colours_too(page, "#viewer") == [], mode
    page.get_by_role("button", name="Grid", exact=True).click()
    sizes = page.get_by_role("button", name="choose the size of MoDE-P at 0.2 bpp")
    figure = page.get_by_role("button", name="Figure…")
    for opener in (page.get_by_label("Keys and help"), sizes, figure):
        opener.click()
        assert findings(page, "dialog[open]") + bad_colours_too(page, "dialog[open]") == []
        page.keyboard.press("Escape")


def test_axe_would_have_found_something(open_page: Opener) -> None:
    page = settled(open_page("#panes=original,jpeg"), 2)
    page.evaluate("document.querySelector('[data-do=open]').style.color = '#ddd'")
    page.evaluate("document.querySelector('#rate').labels[0].remove()")
    ids = {one.partition(":")[0] for one in findings(page)}
    assert {"color-contrast", "label"} <= ids
    page.evaluate("document.querySelector('[data-do=open]').style.color = '#222'")
    page.evaluate("document.querySelector('[data-do=open]').style.background = ''")
    assert any("color-contrast" in one for one in bad_colours(page, "html"))
