"""The page where public weights are imported: a choice in every pane, their licence in sight."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, imported
from tests.browser.test_accessibility import findings
from tests.browser.viewer_page import settled, stage

pytestmark = pytest.mark.browser
WORDS = "weights: CC-BY-NC 4.0"
WHOSE = f"authors' {WORDS}"
LONG = "Creative Commons Attribution-NonCommercial 4.0 International; no licence stated"
IS_WHOLE = """(small) => {
  const [box, list] = [small, small.closest(".rd-list")].map((one) => one.getBoundingClientRect());
  return small.scrollWidth <= small.clientWidth && small.scrollHeight <= small.clientHeight
    && box.left >= list.left && box.right <= list.right;
}"""
SEEN_TWICE = """document.dispatchEvent(new CustomEvent("mode:result", {detail: {image: "astronaut",
  rows: [0.1, 0.2].map((bpp) => ({codec: "ms-illm.public", anchor: "", bpp, psnr: 30}))}}))"""
LEGEND_BOX = """(text) => {
  const place = document.body.appendChild(document.createElement("div"));
  place.innerHTML = text;
  const box = place.querySelector(".legend .scrollbox");
  const clip = place.querySelector(box.getAttribute("clip-path").match(/#[^'")]+/)[0]);
  const heights = [clip.firstElementChild.height.baseVal.value, box.getBBox().height];
  place.remove();
  return heights;
}"""
DOTTED = """() => document.querySelector("#rd-plot").data
  ?.filter(({marker}) => marker.symbol.endsWith("-open-dot")).length >= 3"""


@pytest.fixture(scope="module")
def address(viewer: Site) -> Iterator[str]:
    """A page that finds an imported set; its tensors are never read, as JPEG plays the codec."""
    with imported(viewer, "ms-illm-3"):
        yield viewer.url


def test_weights_that_are_not_here_fail_their_pane_alone(page: Page, address: str) -> None:
    page.evaluate("location.hash = '#panes=original,dlf.public,jpeg'")
    expect(page.locator("figure.pane[data-state=ready]")).to_have_count(2)
    pane = page.locator('.pane[data-id="dlf.public"]')
    expect(pane.locator("select option:checked")).to_have_text("DLF public")
    expect(pane.locator(".word")).to_contain_text("weights of DLF public are not on this server")
    expect(pane.locator(".licence")).to_have_text("")


def test_a_pane_offers_both_kinds_of_weights_and_shows_the_licence_of_one(page: Page) -> None:
    expect(page.locator("#viewer").get_by_text(WORDS)).to_have_count(0)
    swap = page.locator('.pane[data-id="ms-illm"] select')
    groups = swap.locator("optgroup").evaluate_all("all => all.map((one) => one.label)")
    assert groups[-1] == "public (authors' weights)"
    assert all(group.endswith(" (bundled)") for group in groups[:-1])
    assert len(groups) > 1
    swap.select_option(label="MS-ILLM public")
    settled(page, 3)
    pane = page.locator('.pane[data-id="ms-illm.public"]')
    expect(pane.locator(".licence")).to_have_text(WHOSE)
    expect(pane.locator(".mark")).to_have_text("authors' weights")
    assert "non-commercial" in (pane.locator(".licence").get_attribute("title") or "")
    expect(page.locator(".numbers-table").get_by_text(WHOSE)).to_be_visible()
    for mode in ("Swipe", "Diff", "Grid"):
        page.get_by_role("button", name=mode, exact=True).click()
    stage(page).press("h")
    expect(pane.locator("figcaption")).to_be_hidden()
    expect(pane.locator(".licence")).to_be_visible()
    page.keyboard.down("2")
    expect(page.locator("#viewer .status")).to_have_text(f"Showing MS-ILLM public ({WORDS})")
    page.keyboard.up("2")
    assert findings(page) == []


def test_both_sides_of_the_swipe_and_the_legend_and_about_say_it(page: Page) -> None:
    page.goto(page.url.split("#")[0] + "#panes=original,ms-illm.public&mode=swipe&rd-marks=1")
    settled(page, 2)
    badge = page.locator('.pane[data-id="ms-illm.public"] .licence')
    expect(badge).to_be_visible()
    box, edge = badge.bounding_box(), page.locator(".panes").bounding_box()
    assert box is not None
    assert edge is not None
    assert box["x"] > edge["x"] + edge["width"] / 2
    page.locator("#rd-plot").scroll_into_view_if_needed()
    entry = page.locator(".rd-entry", has_text="MS-ILLM public")
    expect(entry).to_contain_text("CC-BY-NC 4.0")
    licence = entry.locator(".rd-licence")
    expect(licence).to_have_text(WORDS)
    for width in (1440, 1100, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for words in (WORDS, f"weights: {LONG}"):
            licence.evaluate("(small, words) => { small.textContent = words }", words)
            assert licence.evaluate(IS_WHOLE), (width, words)
    expect(page.get_by_role("group", name="Measured here", exact=True)).to_contain_text("public")
    said = re.compile("MS-ILLM public is here.*CC-BY-NC 4.0")
    expect(page.locator("#about")).to_contain_text(said)


def test_every_public_curve_in_the_saved_plot_names_its_licence(page: Page) -> None:
    page.locator("#rd-plot").scroll_into_view_if_needed()
    expect(page.locator(".rd-entry").first).to_be_visible()
    page.evaluate(SEEN_TWICE)  # two points on screen, and the picture's curve through them
    page.get_by_label("This picture's points").check()
    page.wait_for_function(DOTTED)
    with page.expect_download() as download:
        page.locator("[data-rd=svg]").click()
    svg = ET.fromstring(Path(download.value.path()).read_text(encoding="utf-8"))
    texts = ["".join(one.itertext()) for one in svg.iter("{http://www.w3.org/2000/svg}text")]
    named = [text for text in texts if text.startswith("MS-ILLM public")]
    assert len(named) >= 3
    assert all(WORDS in text for text in named)
    # As tall as all its lines: what is longer Plotly cuts off, as if it could be scrolled.
    shown, whole = page.evaluate(LEGEND_BOX, Path(download.value.path()).read_text("utf-8"))
    assert whole <= shown
