"""What the eye gets: exact pixels, panes in step, differences, swipes."""

from __future__ import annotations

import io
import urllib.request
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, Playwright, expect

from mode_core.types import Image
from tests.browser.conftest import CHROMIUM, QUIET, Opener
from tests.browser.viewer_page import SIX, canvases, painted, settled, stage, state_of

pytestmark = pytest.mark.browser
TWINS = ["mode-f", "elic", "ms-illm", "dlf"]
"""Panes whose pictures are equal here: the stand-in plays all of them by the same JPEG."""
GESTURES = """async (count) => {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const all = [...document.querySelectorAll("canvas[data-pane]")];
  for (let i = 0; i < count; i++) {
    const canvas = all[Math.floor(random() * all.length)];
    const box = canvas.getBoundingClientRect();
    const at = () => ({clientX: box.left + random() * box.width,
      clientY: box.top + random() * box.height, bubbles: true, cancelable: true});
    if (random() < 0.5) {
      const deltaY = (random() < 0.5 ? -1 : 1) * (random() < 0.5 ? 100 : 12);
      canvas.dispatchEvent(new WheelEvent("wheel", {...at(), deltaY}));
    } else {
      for (const type of ["pointerdown", "pointermove", "pointerup"]) {
        canvas.dispatchEvent(new PointerEvent(type, {...at(), pointerId: 1, isPrimary: true}));
      }
    }
    if (i % 100 === 0) await new Promise(requestAnimationFrame);
  }
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
}"""


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 2])
def test_screen_pixels_are_decoder_pixels(
    playwright: Playwright, open_page: Opener, viewer_url: str, ratio: float
) -> None:
    flags = [*QUIET, f"--force-device-scale-factor={ratio}", "--window-size=1100,760"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    link = "#image=chelsea&scale=1&cx=0.4987&cy=0.513&panes=original,mode-p,jpeg,webp"
    page = painted(settled(open_page(link, browser, viewport=None, no_viewport=True), 4))
    stage(page).press("m")
    pictures = {id: picture_of(page, viewer_url, id) for id in ("original", "mode-p", "webp")}
    for scale in (1, 2):
        page.evaluate(f"location.hash = location.hash.replace(/scale=\\d/, 'scale={scale}')")
        page.wait_for_function(f"JSON.parse(viewer.dataset.state).scale === {scale}")
        settled(page, 4)
        canvases(page, [])
        screen = np.asarray(Pillow.open(io.BytesIO(page.screenshot())).convert("RGB"))
        for id, picture in pictures.items():
            seen, wanted = compared(page, screen, picture, id, scale, ratio)
            assert seen.size > 50_000
            assert np.array_equal(seen, wanted), f"{id} at {scale}:1"
    browser.close()


def picture_of(page: Page, home: str, id: str) -> Image:
    """The decoder's own pixels, from the address that the page got them from."""
    if id == "original":
        from app.server.samples import gallery, sample_path

        path = sample_path(gallery()["chelsea"])
        assert path is not None
        return np.asarray(Pillow.open(path).convert("RGB"))
    label = {"mode-p": "MoDE-P", "webp": "WebP"}[id]
    link = page.get_by_label(f"Download {label} as PNG", exact=True).get_attribute("href")
    assert link is not None
    assert link.startswith(home)
    with urllib.request.urlopen(link) as answer:
        return np.asarray(Pillow.open(io.BytesIO(answer.read())))


def compared(
    page: Page, screen: Image, picture: Image, id: str, scale: int, ratio: float
) -> tuple[Image, Image]:
    """The picture as it is on the screen, and the part of it that should be there."""
    canvas = page.locator(f'canvas[data-pane="{id}"]')
    box = canvas.bounding_box()
    width, height = canvas.evaluate("(c) => [c.width, c.height]")
    assert box is not None
    # Chromium snaps boxes to whole pixels, halves upwards.
    left, top = int(box["x"] * ratio + 0.5), int(box["y"] * ratio + 0.5)
    view = state_of(page)
    large = picture.repeat(scale, 0).repeat(scale, 1)
    x = int(np.floor(width / 2 - view["cx"] * large.shape[1] + 0.5))
    y = int(np.floor(height / 2 - view["cy"] * large.shape[0] + 0.5))
    first = max(0, -y), max(0, -x)
    wanted = large[first[0] : height - y, first[1] : width - x]
    top, left = top + max(0, y), left + max(0, x)
    return screen[top : top + wanted.shape[0], left : left + wanted.shape[1]], wanted


def test_panes_are_in_step_after_a_thousand_gestures(visit: Opener) -> None:
    page = painted(settled(visit()))
    page.evaluate(GESTURES, 1000)
    found = canvases(page, TWINS)
    assert found[0] != canvases(page, ["original"])[0]
    assert all(one == found[0] for one in found)
    view = state_of(page)
    assert (view["cx"], view["cy"], view["scale"]) != (0.43, 0.23, 2)


def test_holding_a_number_shows_that_pane_everywhere(visit: Opener) -> None:
    page = painted(settled(visit()))
    before = canvases(page, SIX)
    stage(page)
    page.keyboard.down("1")
    held = canvases(page, SIX)
    page.keyboard.up("1")
    assert all(one == before[0] for one in held)
    assert canvases(page, SIX) == before


def test_the_difference_of_twins_is_black_and_of_others_is_not(visit: Opener) -> None:
    page = painted(settled(visit("mode=diff&against=elic&gain=8")))
    read = """(id) => Math.max(...document.querySelector(`canvas[data-pane="${id}"]`)
      .getContext("2d").getImageData(100, 100, 50, 50).data.filter((_, i) => i % 4 < 3))"""
    canvases(page, [])
    assert page.evaluate(read, "dlf") == 0
    assert page.evaluate(read, "mode-p") == 7 * 8


def test_swipe_shows_two_panes_on_one_canvas(visit: Opener) -> None:
    page = painted(settled(visit("mode=swipe&a=original&b=mode-p&split=0.25")))
    wide = canvases(page, ["original"])[0]
    expect(page.locator('canvas[data-pane="mode-p"]')).to_be_hidden()
    page.locator(".for-swipe input[type=range]").fill("0.75")
    assert canvases(page, ["original"])[0] != wide


def test_a_picture_that_the_server_dropped_is_asked_for_again(tab: Any, visit: Opener) -> None:
    page = settled(visit("panes=original"), 1)
    refused: list[str] = []

    def refuse_once(route: Any) -> None:
        refused.append(route.request.url)
        route.fulfill(status=404, body="{}")

    page.route("**/mode/media/*.png", refuse_once, times=1)
    page.get_by_label("Add a pane").select_option("jxl")
    settled(page, 2)
    expect(page.locator('.pane[data-id="jxl"] .word')).to_be_empty()
    assert len(refused) == 1
    assert canvases(painted(page), ["jxl"]) != canvases(page, ["original"])
    _, trouble = tab
    assert [one for one in trouble if "404" not in one] == []
    trouble.clear()
