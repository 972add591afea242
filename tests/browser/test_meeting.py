"""A meeting of two pages, a list of crops, and the presenter's screen."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.test_accessibility import bad_colours, findings
from tests.browser.viewer_page import settled, state_of

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
WALK = [
    ("Face", "image=astronaut&bpp=0.5&cx=0.43&cy=0.33&scale=4&panes=original,jpeg"),
    ("Cup", "image=coffee&bpp=0.5&cx=0.4&cy=0.5&scale=3&mode=swipe&panes=original,jpeg,webp"),
    ("All", "image=coffee&bpp=0.3&fit=1&panes=original,jpeg,webp"),
]
EVIL_NOTE = "<img src=x onerror=document.documentElement.dataset.bad=1>"


def crops_file(folder: Path) -> Path:
    crops = [{"name": name, "note": EVIL_NOTE, "view": view} for name, view in WALK]
    path = folder / "crops.json"
    path.write_text(json.dumps({"mode-crops": 1, "crops": crops}))
    return path


def panel(page: Page) -> Page:
    page.get_by_role("button", name="Meet", exact=True).click()
    expect(page.get_by_role("dialog", name="Crops, and a meeting")).to_be_visible()
    return page


def open_list(page: Page, folder: Path) -> None:
    panel(page).locator(".meeting-panel input[type=file]").set_input_files(crops_file(folder))
    expect(page.locator(".list-said")).to_have_text("3 crops opened.")


def names(page: Page) -> list[str]:
    fields = page.locator(".crops input.name")
    return [fields.nth(at).input_value() for at in range(fields.count())]


def in_step(leader: Page, follower: Page) -> None:
    """Both show the same place of the same pictures, in the same mode."""
    state = state_of(leader)
    panes = [pane["id"] for pane in state["panes"]]
    follower.wait_for_function(
        """([want, panes]) => {
          const state = JSON.parse(viewer.dataset.state);
          const near = (a, b) => Math.abs(a - b) < 0.02;
          return state.image === want.image && state.bpp === want.bpp && state.mode === want.mode
            && state.panes.map(({id}) => id).join() === panes.join()
            && state.panes.slice(1).every(({bytes}) => bytes > 0)
            && near(state.cx, want.cx) && near(state.cy, want.cy);
        }""",
        arg=[state, panes],
    )


def test_followers_see_what_is_shown_look_around_and_come_back(
    open_page: Opener, tmp_path: Path
) -> None:
    leader = settled(open_page("#image=rocket&panes=original,jpeg"), 2)
    open_list(leader, tmp_path)
    leader.get_by_role("button", name="Start a meeting").click()
    field = leader.get_by_label("Link for those who follow")
    leader.wait_for_function("document.querySelector('.meeting-link').value.includes('#meet=')")
    meet = field.input_value().partition("#")[2]
    leader.keyboard.press("Escape")
    follower = open_page(f"#{meet}", viewport=PHONE)
    line = follower.locator(".meeting-line [role=status]")
    expect(line).to_contain_text("Following · 1 here")
    assert "meet=" not in follower.url
    expect(leader.locator(".meeting-line [role=status]")).to_have_text("Your meeting · 1 follows")
    for at, (name, _) in enumerate(WALK, 1):
        leader.keyboard.press("PageDown")
        expect(line).to_contain_text(f"{at}/3 {name}")
        leader.wait_for_function(
            f"JSON.parse(viewer.dataset.state).image === '{'astronaut' if at == 1 else 'coffee'}'"
        )
        in_step(leader, follower)
    leader.keyboard.press("z")
    in_step(leader, follower)

    follower.locator(".stage").focus()
    follower.keyboard.press("d")
    expect(line).to_contain_text("Looking around")
    leader.keyboard.press("PageUp")
    expect(leader.locator("#viewer .status")).to_contain_text("of 3 panes")
    assert state_of(follower)["mode"] == "diff"
    follower.keyboard.press("Escape")
    expect(line).to_contain_text("Following · 1 here · 2/3 Cup")
    in_step(leader, follower)

    leader.keyboard.down("2")
    expect(follower.locator("figure.pane.shown")).to_have_attribute("data-id", "jpeg")
    leader.keyboard.up("2")
    expect(follower.locator("figure.pane.shown")).to_have_count(0)

    leader.evaluate("location.hash = 'meet=' + '0'.repeat(32)")
    expect(leader.locator("#viewer .status")).to_contain_text("You lead a meeting in this tab")
    with leader.expect_popup() as opened:  # the browser copies what the tab keeps
        leader.evaluate("void window.open(location.href)")
    copy = opened.value
    expect(copy.locator(".meeting-line [role=status]")).to_contain_text("led from another tab")
    copy.close()

    leader.reload()
    expect(leader.locator(".meeting-line [role=status]")).to_have_text("Your meeting · 1 follows")
    expect(line).to_contain_text("Following · 1 here")
    follower.reload()
    expect(line).to_contain_text("Following · 1 here")
    expect(leader.locator(".meeting-line [role=status]")).to_have_text("Your meeting · 1 follows")
    assert findings(follower, "#viewer") + bad_colours(follower, "#viewer") == []
    leader.locator(".meeting-line").get_by_role("button", name="End").click()
    expect(line).to_have_text("Who led the meeting has ended it.")
    expect(leader.locator(".meeting-line")).to_be_hidden()
    assert follower.evaluate("document.documentElement.dataset.bad") is None


def test_the_presenters_screen_has_large_labels_and_no_tools(visit: Opener, tmp_path: Path) -> None:
    page = settled(visit("panes=original,mode-f,mode-p,jpeg"), 4)
    open_list(page, tmp_path)
    page.keyboard.press("Escape")
    page.locator(".stage").focus()
    page.keyboard.press("Shift+M")
    for part in (".bar", ".tools", ".foot", ".swap >> nth=0", "#rd-panel"):
        expect(page.locator(part)).to_be_hidden()
    sign = page.locator('[data-id="mode-p"] .sign')
    expect(sign).to_have_text(re.compile(r"^MoDE-P0\.\d+ bppperception$"))
    size = "document.querySelector('.sign').computedStyleMap().get('font-size').value"
    assert page.evaluate(size) >= 24
    frames = page.evaluate(
        "[...document.querySelectorAll('canvas[data-pane]')].map((one) => one.clientHeight)"
    )
    assert len(set(frames)) == 1
    corner = """document.querySelector('canvas[data-pane]').getContext('2d')
      .getImageData(0, 0, 1, 1).data[0]"""
    page.keyboard.press("PageDown")
    page.keyboard.press("0")
    title = page.locator(".crop-line")
    expect(title).to_have_text(f"1/3 Face {EVIL_NOTE}")
    page.wait_for_function(f"({corner}) === 0x22")
    page.keyboard.press("Shift+G")
    page.wait_for_function(f"({corner}) === 0x77")
    page.keyboard.press("Shift+G")
    page.keyboard.press("Shift+T")
    expect(title).to_be_hidden()
    page.keyboard.press("Shift+T")
    page.keyboard.press("PageUp")
    expect(title).to_contain_text("1/3")  # there is none before it
    assert findings(page, "#viewer") == []
    page.set_viewport_size(PHONE)
    assert 14 <= page.evaluate(size) < 24
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Escape")
    expect(page.locator(".tools")).to_be_visible()
    page.wait_for_function(f"({corner}) !== 0x22")


def test_a_list_is_made_moved_and_passed_on_by_keyboard(visit: Opener, open_page: Opener) -> None:
    page = settled(visit("bpp=0.5&panes=original,jpeg&pins=0.2~0.3~4,0.6~0.7~2"), 2)
    panel(page)
    while page.locator(".crops li").count():
        page.get_by_role("button", name="Take out: crop 1", exact=True).press("Enter")
    for button in ("Add my pins", "Add my pins", "Add what is on the screen"):
        page.get_by_role("button", name=button).press("Enter")
    three = ["Astronaut, pin 1", "Astronaut, pin 2", "Astronaut"]
    assert names(page) == three
    page.get_by_label("Name of crop 3").fill("Whole")
    page.keyboard.press("Tab")
    page.keyboard.type("the helmet")
    page.get_by_role("button", name="Move up: crop 3").press("Enter")
    expect(page.get_by_role("button", name="Move up: crop 2")).to_be_focused()
    assert names(page) == ["Astronaut, pin 1", "Whole", "Astronaut, pin 2"]
    handle = page.locator(".crops .handle").first.bounding_box()
    last = page.locator(".crops li").last.bounding_box()
    assert handle is not None
    assert last is not None
    page.mouse.move(handle["x"] + 5, handle["y"] + 5)
    page.mouse.down()
    page.mouse.move(last["x"] + 5, last["y"] + last["height"] / 2, steps=4)
    page.mouse.up()
    assert names(page) == ["Whole", "Astronaut, pin 2", "Astronaut, pin 1"]
    assert findings(page, "dialog[open]") + bad_colours(page, "dialog[open]") == []
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    page.get_by_role("button", name="Copy link with the list").press("Enter")
    link = page.wait_for_function("window.copied").json_value().partition("#")[2]
    assert len(link) < 600
    other = open_page(f"#{link}", viewport=PHONE, color_scheme="dark")
    expect(other.locator(".list-said")).to_have_text("3 crops came with the link")
    assert names(other) == names(page)
    assert other.get_by_label("Note of crop 1").input_value() == "the helmet"
    assert other.evaluate("document.documentElement.scrollWidth") <= 390
    assert findings(other, "dialog[open]") == []
    other.get_by_role("button", name="Show it: crop 3").click()
    other.wait_for_function("JSON.parse(viewer.dataset.state).scale === 4")
