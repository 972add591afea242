"""What tests of the viewer ask of a page."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Page, expect

PATIENCE_MS = 60_000

SIX = ["original", "mode-f", "mode-p", "elic", "ms-illm", "dlf"]
EVIL = "<img src=x onerror=document.documentElement.dataset.bad=1>"
CANVASES = """(ids) => ids.map((id) => {
  const canvas = document.querySelector(`canvas[data-pane="${id}"]`);
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum = (sum * 31 + data[i]) % 4294967291;
  return [canvas.width, canvas.height, sum];
})"""
SMALL = """() => [...document.querySelectorAll("figcaption :is(button, select, input)")]
  .filter((one) => one.checkVisibility())
  .map((one) => {
    const both = [one, one.closest(".line, figcaption")];
    const [box, clip] = both.map((it) => it.getBoundingClientRect());
    const height = Math.min(box.bottom, clip.bottom) - Math.max(box.top, clip.top);
    return [one.ariaLabel || one.innerText || one.title, box.width, height];
  })
  .filter(([, width, height]) => width < 24 || height < 24)"""
"""What a finger may miss in captions: WCAG 2.2 asks for 24 pixels each way."""


def state_of(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.locator("#viewer").get_attribute("data-state") or "{}")
    return found


def settled(page: Page, panes: int = 6) -> Page:
    """The page once all panes are there and the status line has said so."""
    sizes = r"( at [\d.]+ bpp)?(, \d+ with [a-z ]+)?"
    words = re.compile(rf"^(\d+) of {panes} panes{sizes}(, \d failed)?\.|pictures in this")
    expect(page.locator("#viewer .status")).to_have_text(words, timeout=PATIENCE_MS)
    expect(page.locator("figure.pane:not([data-state=waiting])")).to_have_count(panes)
    return page


def painted(page: Page) -> Page:
    """The page once every pane shows a picture: those come after the status line has spoken."""
    page.wait_for_function(
        """() => {
          const line = viewer.querySelector(".split-line");
          const split = Number(line.style.getPropertyValue("--split"));
          const ends = line.hidden ? [0, 1] : [0, split, 1];
          const isPainted = (canvas, from, to) => canvas.getContext("2d")
            .getImageData(from, canvas.height / 2, to - from, 1).data
            .some((value, i) => i % 4 < 3 && value !== 0x77);
          // what a mode hides is not painted, and may be grey from before
          const canvases = [...document.querySelectorAll("canvas[data-pane]")];
          return canvases.filter((canvas) => canvas.offsetParent).every((canvas) =>
            ends.slice(1).every((end, i) =>
              isPainted(canvas, Math.ceil(ends[i] * canvas.width), Math.floor(end * canvas.width))
            ));
        }"""
    )
    return page


def stage(page: Page) -> Any:
    found = page.locator("#viewer .stage")
    found.focus()
    return found


def canvases(page: Page, ids: list[str]) -> list[list[int]]:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found: list[list[int]] = page.evaluate(CANVASES, ids)
    return found
