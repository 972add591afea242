"""Keys, hands, and everybody: what can be done to the panes, and by whom."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opener
from tests.browser.viewer_page import SMALL, painted, settled, stage, state_of

pytestmark = pytest.mark.browser


def test_everything_works_by_keyboard(visit: Opener) -> None:
    page = settled(visit())
    where = stage(page)
    for key, field, value in (
        ("s", "mode", "swipe"),
        ("d", "mode", "diff"),
        ("Escape", "mode", "grid"),
        ("z", "scale", 1),
        ("+", "scale", 1.5),
        ("]", "mode", "single"),
        ("g", "mode", "grid"),
        ("p", "anchor", 0),
    ):
        where.press(key)
        assert state_of(page)[field] == value, key
    painted(page)  # in frames of the size that panes have now
    before = state_of(page)["cx"]
    where.press("ArrowRight")
    assert state_of(page)["cx"] > before
    where.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    where.focus()
    page.keyboard.press("Tab")
    expect(where).not_to_be_focused()


def test_the_wheel_zooms_where_the_pointer_is(visit: Opener) -> None:
    page = settled(visit())
    box = page.locator('canvas[data-pane="elic"]').bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    page.mouse.wheel(0, -100)
    page.wait_for_function("JSON.parse(viewer.dataset.state).scale === 3")
    assert state_of(page)["cx"] < 0.43


def test_two_fingers_zoom_about_their_middle(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg&scale=1&cx=0.5&cy=0.5"), 2)
    box = page.locator('canvas[data-pane="jpeg"]').bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    hand = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 40), ("touchMove", 120)):
        fingers = [{"x": x - apart, "y": y, "id": 1}, {"x": x + apart, "y": y, "id": 2}]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    hand.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    seen = state_of(page)
    assert seen["scale"] == pytest.approx(3, rel=0.05)
    assert (seen["cx"], seen["cy"]) == pytest.approx((0.5, 0.5), abs=0.02)


def test_panes_can_be_swapped_added_and_removed(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    page.locator('.pane[data-id="jpeg"] select').select_option("webp")
    settled(page, 2)
    assert [pane["id"] for pane in state_of(page)["panes"]] == ["original", "webp"]
    page.get_by_label("Add a pane").select_option("avif")
    settled(page, 3)
    page.get_by_label("Remove WebP").click()
    assert [pane["id"] for pane in state_of(page)["panes"]] == ["original", "avif"]


def test_pins_come_and_go(visit: Opener) -> None:
    page = settled(visit())
    where = stage(page)
    where.press("c")
    where.press("ArrowRight")
    where.press("c")
    second = state_of(page)["cx"]
    page.get_by_role("button", name="Remove pin 1").click()
    expect(page.get_by_role("button", name=re.compile("^pin"))).to_have_count(1)
    where.press("ArrowRight")
    assert state_of(page)["cx"] != second
    page.get_by_role("button", name="pin 1", exact=True).click()
    assert state_of(page)["cx"] == second
    for _ in range(12):
        where.press("c")
    expect(page.locator("#viewer .status")).to_have_text("12 pins are the most; remove one first")
    expect(page.get_by_role("button", name=re.compile("^pin"))).to_have_count(12)


def test_until_panes_are_chosen_the_server_chooses(open_page: Opener) -> None:
    """So that its sentence on what has no weights comes with the answer."""
    page = settled(open_page())
    for chosen, bpp in ((False, "0.2"), (True, "0.5")):
        if chosen:
            page.get_by_label("Remove DLF").click()
        with page.expect_request(lambda one: '"picture":' in (one.post_data or "")) as sent:
            page.get_by_role("button", name=bpp, exact=True).click()
        assert ('"panes":[]' in (sent.value.post_data or "")) is not chosen


def test_a_phone_gets_all_of_it(visit: Opener) -> None:
    page = visit(
        viewport={"width": 390, "height": 844}, color_scheme="dark", reduced_motion="reduce"
    )
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator('canvas[data-pane="dlf"]').bounding_box()
    assert box is not None
    assert box["width"] > 120
    assert page.evaluate(SMALL) == []
    page.get_by_role("button", name="Flip", exact=True).click()
    expect(page.locator("#viewer .status")).to_contain_text("less motion")


def test_every_control_has_a_name(visit: Opener) -> None:
    page = settled(visit())
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("#viewer button, #viewer select, #viewer input")]
      .filter((one) => !one.closest("[hidden]"))
      .filter((one) => !(one.ariaLabel || one.labels?.length || one.innerText))
      .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    expect(page.locator("canvas[data-pane]").first).to_have_attribute("aria-label", "Original")


def test_a_pane_that_shows_another_says_so_until_it_is_let_go(visit: Opener) -> None:
    page = settled(visit())
    where, badges = stage(page), page.locator(".view[data-held=ELIC]")
    page.keyboard.down("4")
    expect(badges).to_have_count(6)
    expect(page.locator(".stage.held")).to_have_count(1)
    page.keyboard.up("4")
    expect(badges).to_have_count(0)
    for end, field, value in (("Escape", "mode", "grid"), ("g", "mode", "single")):
        where.press(" ")
        expect(page.locator(".stage.held")).to_have_count(1)
        where.press(end)
        expect(page.locator(".stage.held")).to_have_count(0)
        assert state_of(page)[field] == value


def test_a_rate_that_cannot_be_is_refused_and_taken_back(visit: Opener) -> None:
    page = settled(visit())
    for wish in ("50", "-1", "0", ""):
        page.locator("input.bpp").fill(wish)
        page.locator("input.bpp").press("Enter")
        expect(page.locator(".status.bad")).to_have_text(re.compile("between 0.001 and 8"))
        expect(page.locator("input.bpp")).to_have_value("0.1")
    assert state_of(page)["bpp"] == 0.1


def test_choosing_what_is_there_already_exchanges_it(visit: Opener) -> None:
    page = settled(visit())
    page.locator('.pane[data-id="mode-f"] .swap').select_option("dlf")
    names = [pane["id"] for pane in state_of(page)["panes"]]
    assert names == ["original", "dlf", "mode-p", "elic", "ms-illm", "mode-f"]
    stage(page).press("s")
    left, right = (page.locator(f".swipe-{side}") for side in "ab")
    before = left.input_value(), right.input_value()
    left.select_option(before[1])
    assert (left.input_value(), right.input_value()) == before[::-1]


def test_the_loupe_shows_what_lies_under_it(visit: Opener) -> None:
    """In swipe its square over the right half is made of the right picture alone."""
    seen = []
    for left in ("original", "mode-p"):
        page = painted(settled(visit(f"mode=swipe&a={left}&b=elic&loupe=1&scale=1&split=0.3")))
        canvas = page.locator(f'canvas[data-pane="{left}"]')
        box = canvas.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
        page.wait_for_timeout(100)
        seen.append(
            canvas.evaluate(
                """(canvas) => {
                  const {width, height} = canvas;
                  const box = [0.8 * width - 40, height / 2 - 40, 80, 80].map(Math.round);
                  return [...canvas.getContext("2d").getImageData(...box).data].join();
                }"""
            )
        )
    assert seen[0] == seen[1]


def test_flipping_is_announced_once(visit: Opener) -> None:
    page = settled(visit())
    page.evaluate(
        """() => {
          window.said = [];
          const status = document.querySelector("#viewer .status");
          new MutationObserver(() => said.push(status.textContent))
            .observe(status, {childList: true, characterData: true, subtree: true});
        }"""
    )
    stage(page).press("f")
    page.wait_for_timeout(2200)
    stage(page).press("Escape")
    said = page.evaluate("said")
    assert [words for words in said if "Flipping" in words] == said[:1]
    assert len(said) == 2  # the start, and "View: grid"


def test_files_dropped_beside_the_viewer_do_not_leave_the_page(visit: Opener) -> None:
    page = settled(visit())
    drop = """(name) => {
      const data = new DataTransfer();
      data.items.add(new File(["codec,bpp"], name));
      const event = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
      document.body.dispatchEvent(event);
      return event.defaultPrevented;
    }"""
    assert page.evaluate(drop, "mine.csv")
    expect(page.locator(".status.bad")).to_contain_text("drop a table on the curves")


def test_who_has_selected_a_number_types_over_it_even_if_it_changes_meanwhile(
    visit: Opener,
) -> None:
    page = settled(visit("panes=original,jpeg&bpp=0.15"), 2)
    field = page.locator("#viewer input.bpp")
    field.focus()
    field.select_text()
    page.wait_for_timeout(600)  # the page writes its address a moment after the last change
    page.evaluate("location.hash = location.hash.replace('bpp=0.15', 'bpp=0.25')")
    expect(field).to_have_value("0.25")
    page.keyboard.type("0.4")
    page.keyboard.press("Enter")
    page.wait_for_function("JSON.parse(viewer.dataset.state).bpp === 0.4")
    settled(page, 2)
