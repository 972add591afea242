"""The blind test in a browser: nothing tells a codec before the end, all works by keyboard."""

from __future__ import annotations

import csv
import io
import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from app.panes.names import own_panes, pane_label
from mode_core.codecs.registry import CODECS
from mode_core.votes.sheet import Sheet, read_votes
from tests.browser.conftest import Opener, watched
from tests.browser.test_accessibility import bad_colours, findings
from tests.browser.viewer_page import settled

pytestmark = pytest.mark.browser

TRIALS = 10
PHONE = {"width": 390, "height": 844}
WISH = {
    "pictures": [{"id": "astronaut", "name": "astronaut", "spots": [[0.43, 0.23, 2]]}],
    "panes": ["mode-f", "mode-p", "jpeg", "webp@0.3"],
    "bpp": 0.3,
    "trials": TRIALS,
    "seed": 1,
    "question": "closer",
    "alone": False,
    "each": False,
    "across": True,
}


def asks(url: str, what: str, **asked: Any) -> dict[str, Any]:
    request = urllib.request.Request(f"{url}mode/blind/{what}", json.dumps(asked).encode())
    found: dict[str, Any] = json.load(urllib.request.urlopen(request, timeout=60))
    assert not found.get("error"), found
    return found


@pytest.fixture(scope="module")
def made(viewer_url: str) -> dict[str, Any]:
    """A test for others, whose pictures are there."""
    found = asks(viewer_url, "make", **WISH)
    while asks(viewer_url, "state", **found)["state"] == "preparing":
        time.sleep(0.1)
    return found


@pytest.fixture
def tabs(chromium: Browser, viewer_url: str) -> Iterator[Opener]:
    """Pages of tests in tabs of their own, in which nothing may complain."""
    opened: list[tuple[Page, list[str]]] = []

    def open_at(path: str, **options: Any) -> Page:
        opened.append(watched(chromium, viewer_url, path, **options))
        return opened[-1][0]

    yield open_at
    for page, _ in opened:
        page.close()
    assert [trouble for _, trouble in opened if trouble] == []


def screen(page: Page, name: str) -> Page:
    expect(page.locator("#blind")).to_have_attribute("data-screen", name)
    return page


def at_trial(page: Page, number: int) -> Page:
    """The page once this trial can be answered."""
    expect(page.locator(".progress")).to_have_text(f"{number} of {TRIALS}")
    expect(page.locator("#blind")).to_have_attribute("data-shown", "left")
    return page


def ready_to_answer(page: Page) -> None:
    """Both were painted, and the trial has been there for a moment."""
    expect(page.locator("[data-act=answer]").first).to_have_attribute("aria-disabled", "false")


def by_keys(page: Page, first: int, last: int) -> None:
    for number in range(first, last + 1):
        at_trial(page, number)
        page.keyboard.press("o")
        page.keyboard.press("Space")
        page.keyboard.press("Space")
        ready_to_answer(page)
        page.keyboard.press("120ab"[number % 5])


def needles(text: str) -> set[str]:
    """All that a file of votes knows, and what codecs are called: nobody may know it before."""
    found = {pane for pane in own_panes()} | {pane_label(pane) for pane in own_panes()}
    found |= {info.title for info in CODECS.values()} | {*CODECS} | {"original@", "check", "same"}
    for row in csv.DictReader(io.StringIO(text)):
        for side in ("left", "right"):
            size = row[f"{side}_bytes"]
            found |= {row[side], row[f"{side}_sha256"], row[f"{side}_weights"], size}
            found |= {row[f"{side}_psnr"]}
            if size:
                found |= {f"{8 * int(size) / 512**2:.{digits}f}" for digits in (3, 4)}
    # these two are words of addresses and of the page itself
    return {one for one in found if one} - {"mode", "MoDE", "original"}


def chunks_of(png: bytes) -> Iterator[bytes]:
    """The kinds of a PNG's chunks."""
    at = 8
    while at < len(png):
        yield png[at + 4 : at + 8]
        at += 12 + int.from_bytes(png[at : at + 4], "big")


def told_by(texts: list[str], words: set[str]) -> set[str]:
    whole = "\n".join(texts).lower()
    return {
        one for one in words if re.search(rf"(?<![\w.-]){re.escape(one.lower())}(?![\w-])", whole)
    }


def test_nothing_tells_a_codec_before_the_end(
    tabs: Opener, viewer_url: str, made: dict[str, Any]
) -> None:
    page = tabs("mode/static/shared/arithmetic.js")  # anything, so that all comes after it
    received: list[APIResponse] = []

    def passes(route: Route) -> None:
        received.append(route.fetch())
        route.fulfill(response=received[-1])

    page.route("**/*", passes)
    page.goto(f"{viewer_url}mode/blind/{made['test']}")
    screen(page, "start")
    page.keyboard.press("Enter")
    seen: list[str] = []
    for number in range(1, TRIALS + 1):
        by_keys(page, number, number)
        seen.append(page.content())
        seen.append(page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])"))
        seen.append(json.dumps([page.title(), page.url]))
    screen(page, "end")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    seen.append(page.content())
    with page.expect_download() as download:
        page.get_by_role("button", name="Save your answers").click()
    seen += [download.value.suggested_filename, download.value.path().read_text()]
    pictures = [one for one in received if one.headers.get("content-type") == "image/png"]
    assert len(pictures) == 3 * TRIALS
    # a proxy's log has addresses, and nobody who reads it may rate
    secret = json.loads(download.value.path().read_text())["rater"]
    assert [one.url for one in received if secret in one.url] == []
    for one in received:
        seen += [one.url, json.dumps(one.headers)]
        if one in pictures:
            assert {*chunks_of(one.body())} == {b"IHDR", b"IDAT", b"IEND"}
        else:
            seen.append(one.text())
    page.unroute_all()
    asks(viewer_url, "close", **made)
    files = [{"name": "a.json", "text": download.value.path().read_text()}]
    joint = asks(viewer_url, "result", **made, files=files)
    words = needles(joint["csv"])
    assert {"mode-p@0.3", "webp@0.3", "jpeg@0.03"} <= words
    assert told_by(seen, words - {"check", "same"}) == set()  # which are words of scripts
    assert told_by([joint["csv"]], words) >= {"mode-p@0.3", "webp@0.3"}  # it would have been seen
    page.reload()
    screen(page, "end")
    expect(page.get_by_role("heading", name="The result")).to_be_visible()
    expect(page.locator("#blind")).to_contain_text("webp@0.3")


def test_by_keyboard_alone_from_the_screen_to_a_file_of_votes(
    open_page: Opener, tmp_path: Path
) -> None:
    page = settled(open_page("#image=astronaut&bpp=0.3&panes=original,mode-f,mode-p,jpeg"), 4)
    page.locator("#viewer .stage").focus()
    page.keyboard.press("b")
    dialog = page.locator("dialog.blind-making")
    expect(dialog.get_by_role("button", name="Start")).to_be_focused()
    assert findings(page, "dialog[open]") + bad_colours(page, "dialog[open]") == []
    trials = dialog.get_by_label("Trials")
    trials.fill("7")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("10 to 120 trials")
    trials.fill(str(TRIALS))
    page.keyboard.press("Enter")
    screen(page, "start")
    assert findings(page) + bad_colours(page, "html") == []
    expect(page.get_by_role("button", name="Begin")).to_be_focused()
    page.keyboard.press("Enter")
    at_trial(page, 1)
    assert findings(page) + bad_colours(page, "html") == []
    page.keyboard.press("1")  # nobody answers before both were seen
    expect(page.locator(".status")).to_contain_text("Look at both first")
    by_keys(page, 1, 4)
    at_trial(page, 5)
    page.keyboard.press("Backspace")
    by_keys(page, 4, 5)
    at_trial(page, 6)
    page.reload()
    by_keys(page, 6, 7)
    at_trial(page, 8)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Go on")).to_be_focused()
    assert findings(page, "dialog[open]") == []
    page.keyboard.press("Enter")
    by_keys(page, 8, TRIALS)
    screen(page, "end")
    assert findings(page) + bad_colours(page, "html") == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").press("Enter")
    votes, wrong = read_votes([Sheet("saved", download.value.path().read_text())])
    assert wrong == []
    assert len(votes) == TRIALS
    assert {vote.answer for vote in votes} == {"left", "right", "unsure"}
    page.get_by_role("button", name="Back to the pictures").press("Enter")
    expect(page).to_have_url(re.compile("image=astronaut"))


def test_a_phone_and_the_host_s_page(tabs: Opener, viewer_url: str) -> None:
    found = asks(viewer_url, "make", **WISH)
    while asks(viewer_url, "state", **found)["state"] == "preparing":
        time.sleep(0.1)
    host = tabs(f"mode/blind/{found['test']}#host={found['host']}", viewport=PHONE)
    screen(host, "host")
    assert findings(host) + bad_colours(host, "html") == []
    link = host.get_by_label("Link for raters").input_value()
    assert "host" not in link
    phone = tabs(
        link.removeprefix(viewer_url), viewport=PHONE, has_touch=True, device_scale_factor=3
    )
    screen(phone, "start")
    assert asks(viewer_url, "state", **found)["joined"] == 0  # a look takes no seat
    phone.get_by_role("button", name="Begin").tap()
    at_trial(phone, 1)
    assert findings(phone) + bad_colours(phone, "html") == []
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for number in range(1, TRIALS + 1):
        at_trial(phone, number)
        phone.get_by_role("button", name="Flip").tap()
        expect(phone.locator("#blind")).to_have_attribute("data-shown", "right")
        ready_to_answer(phone)
        phone.get_by_role("group", name=re.compile("closer")).get_by_role(
            "button", name="Left"
        ).tap()
    screen(phone, "end")
    with phone.expect_download() as download:
        phone.get_by_role("button", name="Save your answers").tap()
    expect(host.locator(".count")).to_have_text("1 rater joined, 1 finished.")
    host.get_by_role("button", name="Close the test…").click()
    host.get_by_role("button", name="Close it").click()
    host.get_by_label("Files of raters").set_input_files(download.value.path())
    expect(host.locator(".joint table").first).to_contain_text("mode-p@0.3")
    assert findings(host) + bad_colours(host, "html") == []
