"""How late followers of a meeting see what its leader shows, over a walk through ten crops.

python tools/meeting_lag.py [FOLDER FOR SCREENSHOTS]

Three windows of Chromium on this machine: who leads and one who follows at 1920x1080, and a phone.
A crop counts as there when the canvases of all panes have their last pixels; its pictures have been
coded before, as by somebody who has gone through the list once.
"""

from __future__ import annotations

import json
import sys
from os import getloadavg
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.browser.conftest import CHROMIUM, QUIET, served  # noqa: E402
from tests.browser.viewer_page import settled  # noqa: E402

SCREENS = {"leader": (1920, 1080), "follower": (1920, 1080), "phone": (390, 844)}
SIX = "original,mode-f,mode-p,jpeg,webp,avif"
WALK = [
    f"image=astronaut&bpp=0.2&cx=0.43&cy=0.33&scale=2&panes={SIX}",
    f"image=astronaut&bpp=0.2&cx=0.6&cy=0.6&scale=4&panes={SIX}",
    "image=rocket&bpp=0.1&fit=1&panes=original,mode-p,jpeg",
    "image=rocket&bpp=0.1&cx=0.5&cy=0.4&scale=2&mode=swipe&a=original&b=jpeg&panes=original,mode-p,jpeg",
    f"image=coffee&bpp=0.2&cx=0.4&cy=0.5&scale=2&panes={SIX}",
    f"image=coffee&bpp=0.2&cx=0.4&cy=0.5&scale=2&mode=diff&panes={SIX}",
    "image=chelsea&bpp=0.1&cx=0.4&cy=0.4&scale=3&panes=original,mode-f,mode-p,webp",
    "image=chelsea&bpp=0.4&cx=0.4&cy=0.4&scale=3&panes=original,mode-f,mode-p,webp",
    "image=chelsea&bpp=0.4&cx=0.4&cy=0.4&scale=3&mode=single&pick=mode-p&panes=original,mode-f,mode-p,webp",
    f"image=astronaut&bpp=0.05&cx=0.43&cy=0.33&scale=3&panes={SIX}",
]  # fmt: skip
WATCH = """() => {
  window.seen = [];
  const look = () => {
    const shown = [...document.querySelectorAll("figure.pane.front:not([hidden]) canvas")];
    const sums = shown.map((canvas) => {
      const {width, height} = canvas;
      if (!width || !height) return 0;
      const {data} = canvas.getContext("2d").getImageData(0, height >> 1, width, 2);
      return data.reduce((sum, value) => (sum * 31 + value) % 4294967291, 7);
    });
    const now = JSON.stringify([shown.map(({dataset}) => dataset.pane), sums]);
    if (now !== window.seen.at(-1)?.[1]) window.seen.push([Date.now(), now]);
  };
  setInterval(look, 50);
}"""


def main() -> None:
    """Walk, and print what it took."""
    shots = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with (
        TemporaryDirectory() as folder,
        served("page_server", Path(folder)) as site,
        sync_playwright() as running,
    ):
        browser = running.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        pages = {name: window(browser, site.url, size) for name, size in SCREENS.items()}
        begin(pages, Path(folder))
        # nine forward, and one back
        rows = [step(pages, at, shots) for at in [*range(1, len(WALK)), 0]]
        browser.close()
    report(rows)


def window(browser: Browser, url: str, size: tuple[int, int]) -> Page:
    """One visitor."""
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(f"{url}#image=astronaut&panes=original,jpeg")
    return settled(page, 2)


def begin(pages: dict[str, Page], folder: Path) -> None:
    """The leader opens the list and a meeting, and the others join it."""
    crops = [
        {"name": f"Crop {at}", "note": "What to look at here", "view": view}
        for at, view in enumerate(WALK, 1)
    ]
    (folder / "crops.json").write_text(json.dumps({"mode-crops": 1, "crops": crops}))
    leader = pages["leader"]
    leader.get_by_role("button", name="Meet", exact=True).click()
    leader.locator(".meeting-panel input[type=file]").set_input_files(folder / "crops.json")
    leader.get_by_role("button", name="Start a meeting").click()
    leader.wait_for_function("document.querySelector('.meeting-link').value.includes('#meet=')")
    link = leader.locator(".meeting-link").input_value()
    leader.keyboard.press("Escape")
    leader.keyboard.press("Shift+M")
    for _ in WALK:
        leader.keyboard.press("PageDown")
        leader.wait_for_timeout(300)
        leader.wait_for_function("document.querySelector('[data-do=cancel]').hidden")
    leader.keyboard.press("Shift+M")
    leader.get_by_role("button", name="Meet", exact=True).click()
    leader.get_by_role("button", name="Show it: crop 1", exact=True).click()
    leader.keyboard.press("Shift+M")
    leader.keyboard.press("+")  # so that the first crop of the walk changes something, too
    for name in ("follower", "phone"):
        pages[name].evaluate("link => { location.href = link }", link)
        pages[name].locator(".meeting-line", has_text="Following").wait_for()
    pages["follower"].locator(".stage").focus()
    pages["follower"].keyboard.press("Shift+M")
    leader.wait_for_timeout(8000)
    for page in pages.values():
        page.evaluate(WATCH)


def step(pages: dict[str, Page], at: int, shots: Path | None) -> dict[str, Any]:
    """One press of the key; when each screen had its last pixels, in milliseconds after it."""
    leader = pages["leader"]
    pressed = leader.evaluate("Date.now()")
    leader.keyboard.press("PageDown" if at else "PageUp")
    leader.wait_for_timeout(6000)
    seen = {name: page.evaluate("window.seen.at(-1)") for name, page in pages.items()}
    found: dict[str, Any] = {name: max(0, time - pressed) for name, (time, _) in seen.items()}
    found["same"] = seen["leader"][1] == seen["follower"][1]
    for name, page in pages.items() if shots else ():
        page.screenshot(path=shots / f"{at + 1:02}-{name}.png")
    return found


def report(rows: list[dict[str, Any]]) -> None:
    """A line for each crop, then the median and the worst."""
    print("processes that wanted a core at the end:", round(getloadavg()[0], 1))
    for at, row in enumerate(rows, 1):
        print(f"step {at}: {row}")
    for name in ("follower", "phone"):
        late = [row[name] - row["leader"] for row in rows]
        after = [row[name] for row in rows]
        print(
            f"{name}: median {median(late):.0f} ms after the leader, worst {max(late)}; "
            f"after the key: median {median(after):.0f}, worst {max(after)}"
        )


if __name__ == "__main__":
    main()
