"""Perceptual maps in the difference view: exact where one looks, there while one pans, in links."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.test_accessibility import bad_colours, findings
from tests.browser.viewer_page import settled, stage

pytestmark = pytest.mark.browser
LINK = "image=chelsea&mode=diff&against=webp&scale=2&cx=0.41&cy=0.37&panes=jpeg,webp"
MEAN = re.compile(r"FLIP 0\.\d{3}")
OFF = """async () => {
  const own = (name) => import(new URL(`mode/static/viewer/static/${name}.js`, document.baseURI));
  const {seen, flip, coloured} = await own("flip");
  const {originOf, visibleRegion} = await own("geometry");
  const eye = async (label) => {
    const file = document.querySelector(`[aria-label="Download ${label} as PNG"]`).href;
    const bitmap = await createImageBitmap(await (await fetch(file)).blob());
    const {width, height} = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d", {alpha: false});
    context.drawImage(bitmap, 0, 0);
    return seen(context.getImageData(0, 0, width, height).data, width, height);
  };
  const [a, b] = [await eye("WebP"), await eye("JPEG")];
  const whole = coloured(flip(a, b));
  const canvas = document.querySelector("canvas[data-pane=jpeg]");
  const view = JSON.parse(viewer.dataset.state);
  const framed = {picture: a, frame: canvas};
  const [{x, y, width, height}, origin] = [visibleRegion(view, framed), originOf(view, framed)];
  const shown = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let worst = 0;
  for (let row = y + 1; row < y + height - 1; row++) {
    for (let column = x + 1; column < x + width - 1; column++) {
      const at = (origin.y + row * view.scale) * canvas.width + origin.x + column * view.scale;
      for (let c = 0; c < 3; c++) {
        const off = Math.abs(whole[4 * (row * a.width + column) + c] - shown[4 * at + c]);
        worst = Math.max(worst, off);
      }
    }
  }
  return {worst, part: width < a.width};
}"""
"""How far the map on the screen is from that of the whole pictures, in levels of colour."""
GREY = """() => {
  const {width, height} = document.querySelector("canvas[data-pane=jpeg]");
  const {data} = document.querySelector("canvas[data-pane=jpeg]").getContext("2d")
    .getImageData(0, height / 2, width / 2, 1);
  return data.every((value, i) => i % 4 === 3 || value === 0x77);
}"""


def caption(page: Page) -> Any:
    return page.locator("figure[data-id=jpeg] .metrics")


def test_maps_are_exact_in_view_stay_while_one_pans_and_are_in_links(visit: Opener) -> None:
    page = settled(visit(LINK), 2)
    expect(page.locator("figure[data-id=jpeg] .compared")).to_have_text(re.compile("vs WebP .4"))
    stage(page).press("e")
    expect(page.locator("#viewer .status")).to_have_text("Map: FLIP")
    expect(caption(page)).to_contain_text(MEAN)
    assert page.evaluate(OFF) == {"worst": 0, "part": True}
    canvas = page.locator("canvas[data-pane=jpeg]")
    before = canvas.get_attribute("aria-label") or ""
    assert before.startswith("FLIP map of JPEG vs WebP, mean 0.")
    page.keyboard.press("ArrowRight")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert not page.evaluate(GREY), "the last map stays until the new one is there"
    expect(canvas).not_to_have_attribute("aria-label", before)
    assert page.evaluate(OFF) == {"worst": 0, "part": True}
    page.wait_for_function("location.hash.includes('map=flip')")
    expect(page.get_by_label("Colours of the map")).to_be_visible()
    expect(page.locator("select.gain")).to_be_hidden()
    assert findings(page, "#viewer") + bad_colours(page, "#viewer") == []
    stage(page).press("e")
    expect(page.locator("figure[data-id=jpeg] .compared")).to_have_text(re.compile("vs WebP .4"))
    expect(caption(page)).not_to_contain_text("FLIP")
    page.wait_for_function("!location.hash.includes('map=')")
