"""What a new visitor tries first, and what the page says to it."""

from __future__ import annotations

import re
from base64 import b64encode

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mode_core.pictures.files import png_bytes
from tests.browser.conftest import Opener, watched
from tests.browser.viewer_page import settled, stage, state_of
from tests.conftest import make_photo

pytestmark = pytest.mark.browser
DROP = """([place, files]) => {
  const dataTransfer = new DataTransfer();
  for (const [name, type, text] of files) {
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    dataTransfer.items.add(new File([bytes], name, { type }));
  }
  const how = { dataTransfer, bubbles: true, cancelable: true };
  document.querySelector(place).dispatchEvent(new DragEvent("drop", how));
}"""
ASKED = '"picture":"'
"""What is sent to ask for panes; the plot sends what is known of the picture."""

COUNT_FRAMES = """const own = requestAnimationFrame;
window.frames_asked = [];
window.requestAnimationFrame = (step) => {
  frames_asked.push(String(step));
  return own.call(window, step);
};"""


def drop(page: Page, place: str, *files: tuple[str, str, bytes]) -> None:
    """Files by name, type and content, dropped on the first element of a selector."""
    coded = [[name, kind, b64encode(data).decode()] for name, kind, data in files]
    page.evaluate(DROP, [place, coded])


def photo(seed: int, height: int = 48, width: int = 64) -> bytes:
    return png_bytes(make_photo(height, width, seed=seed))


def test_keys_work_before_the_pictures_have_the_focus(open_page: Opener) -> None:
    page = settled(open_page("#panes=original,jpeg"), 2)
    page.keyboard.press("s")
    assert state_of(page)["mode"] == "swipe"
    page.get_by_role("button", name="Grid", exact=True).click()
    page.keyboard.down("2")
    expect(page.locator(".stage.held")).to_have_count(1)
    page.keyboard.up("2")
    expect(page.locator(".stage.held")).to_have_count(0)
    page.get_by_role("button", name="Fit", exact=True).click()
    page.keyboard.press("c")
    expect(page.get_by_role("button", name="pin 1", exact=True)).to_be_visible()


def test_a_page_at_rest_draws_nothing(open_page: Opener) -> None:
    page = settled(open_page("#panes=original,jpeg", first=COUNT_FRAMES), 2)
    assert page.evaluate("frames_asked.length") > 0
    for _ in range(10):  # what moved when the page came up takes its time to rest
        page.evaluate("frames_asked.length = 0")
        page.wait_for_timeout(1000)
        if not page.evaluate("frames_asked.length"):
            return
    pytest.fail(f"frames are still asked for: {page.evaluate('frames_asked[0]')}")


def test_what_has_the_focus_keeps_its_own_keys(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    before = state_of(page)
    for place in ("input.bpp", "select.picture"):
        page.locator(place).focus()
        for key in ("g", "z", "="):
            page.keyboard.press(key)
    page.keyboard.press("Escape")
    loupe = page.get_by_role("button", name="Loupe", exact=True)
    loupe.focus()
    page.keyboard.press("Space")
    expect(loupe).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")
    expect(page.locator(".stage.held")).to_have_count(0)
    page.locator("#anchor").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".scroller").focus()
    page.evaluate("viewer.scrollIntoView()")
    page.keyboard.press("ArrowRight")
    assert {**state_of(page), "image": ""} == {**before, "image": ""}


def test_away_from_the_pictures_arrows_and_space_scroll(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    stage(page)
    before = state_of(page)
    # the curves below come later, and only then there is room to scroll
    numbers, page_end = "viewer.querySelector('.numbers').offsetTop", "document.body.scrollHeight"
    page.wait_for_function(f"{page_end} - innerHeight > {numbers} + 200")
    page.evaluate(f"scrollTo(0, {numbers})")
    start = page.evaluate("scrollY")
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"scrollY > {start}")
    page.keyboard.press("Space")
    page.wait_for_function(f"scrollY > {start + 200}")
    expect(page.locator(".stage.held")).to_have_count(0)
    page.keyboard.press("d")
    assert state_of(page) == {**before, "mode": "diff"}
    page.evaluate("scrollTo(0, 0)")


def test_each_number_says_what_it_is_of(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg&scale=4"), 2)
    pane = page.locator('.pane[data-id="jpeg"]')
    number = pane.locator(".metrics > span").first
    expect(pane.locator(".second .scope")).to_have_text("in view")
    expect(number).to_have_attribute("title", re.compile("in view"))
    expect(page.locator(".scope-of-all")).to_have_text("Captions: in view")
    page.get_by_role("button", name="Fit", exact=True).click()
    expect(pane.locator(".second .scope")).to_have_text("whole picture")
    expect(number).to_have_attribute("title", re.compile("whole picture"))
    expect(page.locator(".scope-of-all")).to_have_text("Captions: whole picture")
    told = page.locator(".numbers-table tbody td").nth(3).inner_text().split()[0]
    assert told in number.inner_text()


def test_in_a_narrow_caption_it_is_said_as_well(visit: Opener) -> None:
    page = settled(visit("scale=2", viewport={"width": 390, "height": 844}))
    pane = page.locator('.pane[data-id="elic"]')
    words = pane.locator(".scope").locator("visible=true")
    expect(words).to_have_text("in view")
    box, line = words.bounding_box(), pane.locator(".line").first.bounding_box()
    assert box is not None
    assert line is not None
    assert box["y"] + box["height"] <= line["y"] + line["height"] + 1


def test_a_very_wide_picture_opens_as_fit_shows_it(visit: Opener) -> None:
    page = settled(visit())
    drop(page, "#viewer", ("wide.png", "image/png", photo(3, 32, 2600)))
    expect(page.locator('.pane[data-id="original"] .time')).to_have_text("2600 \u00d7 32")
    settled(page)
    page.wait_for_function("JSON.parse(viewer.dataset.state).scale > 0")
    page.wait_for_timeout(300)  # whatever still changes the layout has done so
    opened = state_of(page)["scale"]
    assert opened == pytest.approx(1200 / 2600, rel=0.02)
    page.get_by_role("button", name="Fit", exact=True).click()
    assert state_of(page)["scale"] == opened


def test_a_single_pane_has_no_band_beside_a_picture_that_could_fill_it(visit: Opener) -> None:
    page = settled(visit("cx=0.43&cy=0.1&scale=2"))
    page.get_by_role("button", name="Single", exact=True).click()
    page.wait_for_timeout(300)
    top = """() => {
      const all = [...document.querySelectorAll("canvas[data-pane]")];
      const canvas = all.find((one) => one.offsetWidth);
      return [...canvas.getContext("2d").getImageData(canvas.width / 2, 2, 1, 1).data];
    }"""
    assert page.evaluate(top)[:3] != [0x77] * 3


def test_exact_pixels_are_claimed_only_where_they_are(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg&scale=2"), 2)
    said = page.locator(".exact")
    expect(said).to_have_text("exact pixels ✓")
    page.get_by_role("button", name="Smooth", exact=True).click()
    expect(said).to_have_text("smoothed")
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_role("button", name="Zoom out").click()
    expect(said).to_have_text("exact pixels ✓")
    page.get_by_role("button", name="Zoom out").click()
    expect(said).to_have_text("scaled down")


def test_their_pictures_stay_in_the_menu_until_the_server_forgets_them(
    chromium: Browser, viewer_url: str
) -> None:
    page, trouble = watched(chromium, viewer_url, "#panes=original,jpeg")
    settled(page, 2)
    drop(page, "#viewer", ("mine.png", "image/png", photo(5)))
    expect(page.locator('.pane[data-id="original"] .time')).to_have_text("64 \u00d7 48")
    key = state_of(settled(page, 2))["image"]
    menu = page.locator("select.picture")
    menu.select_option("coffee")
    settled(page, 2)
    page.wait_for_function("location.hash.includes('coffee')")
    page.reload()
    menu.select_option("mine")
    page.wait_for_function(f"JSON.parse(viewer.dataset.state).image === '{key}'")
    settled(page, 2)
    menu.select_option("rocket")
    settled(page, 2)
    page.route("**/mode/media/*.png", lambda route: route.fulfill(status=404), times=1)
    menu.select_option("mine")
    expect(page.locator(".status.bad")).to_contain_text("mine has left the server's memory")
    expect(menu).not_to_contain_text("mine")
    expect(menu).to_have_value("rocket")
    page.close()
    assert [one for one in trouble if "404" not in one] == []


def test_back_and_forward_go_through_views(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    seen = []
    for step in ("s", "diff", "webp", "0.2", "coffee"):
        seen.append(state_of(page))
        address = page.evaluate("location.hash")
        if step == "s":
            page.keyboard.press("s")
        elif step == "diff":
            page.keyboard.press("d")
            page.keyboard.press("ArrowRight")
            page.keyboard.press("+")
        elif step == "webp":
            page.get_by_label("Add a pane").select_option("webp")
            settled(page, 3)
        elif step == "0.2":
            page.get_by_role("button", name="0.2", exact=True).click()
            expect(page.locator("#viewer .status")).to_contain_text("at 0.2 bpp.")
        else:
            page.locator("select.picture").select_option("coffee")
        # two steps before the address tells of the first would be one
        page.wait_for_function("(before) => location.hash !== before", arg=address)
    same = ("image", "mode", "bpp")
    for before in reversed(seen):
        page.go_back()
        wanted = [before[name] for name in same] + [len(before["panes"])]
        page.wait_for_function(
            """(wanted) => {
              const { image, mode, bpp, panes } = JSON.parse(viewer.dataset.state);
              return JSON.stringify([image, mode, bpp, panes.length]) === JSON.stringify(wanted);
            }""",
            arg=wanted,
        )
    page.go_forward()
    page.wait_for_function("JSON.parse(viewer.dataset.state).mode === 'swipe'")


def test_an_unknown_pane_in_a_link_leaves_the_others(visit: Opener) -> None:
    page = settled(visit("panes=original,mode-f,foo"), 2)
    assert [pane["id"] for pane in state_of(page)["panes"]] == ["original", "mode-f"]
    expect(page.locator("#viewer .status")).to_contain_text("no such pane here: “foo”")
    expect(page.locator(".pane[data-state=ready]")).to_have_count(2)


def asked_by(page: Page) -> list[str]:
    """What the page asks for from now on; the list grows with every question."""
    asked: list[str] = []
    page.on(
        "request", lambda one: asked.append(one.url) if ASKED in (one.post_data or "") else None
    )
    return asked


def hold_and_drag(page: Page, slider: Locator, *shares: float) -> None:
    """Take a slider in its middle and move it on, slower than questions follow each other."""
    slider.hover()  # waits until it stands still and nothing covers it
    box = slider.bounding_box()
    assert box is not None
    page.mouse.down()
    for share in shares:
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
        page.wait_for_timeout(100)


def test_the_rate_slider_asks_once(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    asked = asked_by(page)
    slider, size = page.locator("#rate"), page.locator("output.size")
    before = size.inner_text()
    hold_and_drag(page, slider, *(0.5 + step / 20 for step in range(8)))
    expect(size).not_to_have_text(before)
    assert page.locator("input.bpp").input_value() != "0.1"
    assert asked == []
    with page.expect_request(lambda one: ASKED in (one.post_data or "")):
        page.mouse.up()
    expect(page.locator("#viewer .status")).to_contain_text("2 of 2 panes at 0.")
    page.wait_for_timeout(600)
    assert len(asked) == 1
    for _ in range(5):
        slider.press("ArrowLeft")
    with page.expect_request(lambda one: ASKED in (one.post_data or "")):
        pass
    page.wait_for_timeout(600)
    assert len(asked) == 2


def test_the_anchor_slider_tells_at_once_and_asks_once(visit: Opener) -> None:
    page = settled(visit("panes=original,mode-f&anchor=0"), 2)
    asked = asked_by(page)
    slider, place = page.locator("#anchor"), page.locator("output.anchor")
    hold_and_drag(page, slider, 0.4, 0.5, 0.6, 0.7, 0.8)
    expect(place).to_have_text(re.compile(r"^0\.\d\d$"))
    assert state_of(page)["anchor"] == 0
    assert asked == []
    with page.expect_request(lambda one: ASKED in (one.post_data or "")):
        page.mouse.up()
    told = settled(page, 3).locator("output.anchor").inner_text()
    shown = state_of(page)
    assert f"{shown['anchor']:.2f}" == told
    assert [one["id"] for one in shown["panes"]][2] == f"mode-{shown['anchor']}"
    assert len(asked) == 1
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(place).not_to_have_text(told)
    lower = round(shown["anchor"] - 0.15, 2)
    page.wait_for_function(f"JSON.parse(viewer.dataset.state).anchor === {lower}")
    settled(page, 3)
    assert len(asked) == 2


def test_a_rate_may_have_a_comma_and_a_word_is_none(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    field = page.locator("input.bpp")
    field.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("0,05")
    page.keyboard.press("Enter")
    expect(page.locator("#viewer .status")).to_contain_text("2 of 2 panes at 0.05 bpp.")
    field.press("ArrowUp")
    expect(page.locator("#viewer .status")).to_contain_text("2 of 2 panes at 0.0512 bpp.")
    page.keyboard.press("Control+A")
    page.keyboard.type("abc")
    page.keyboard.press("Enter")
    expect(page.locator(".status.bad")).to_contain_text("“abc” is no number")
    expect(field).to_have_value("0.0512")


def test_of_two_dropped_files_one_is_shown_and_both_are_there(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    first, second = ((f"{name}.png", "image/png", photo(seed)) for seed, name in enumerate("ab"))
    drop(page, "#viewer", first, ("c.csv", "text/csv", b"codec,bpp"), second)
    page.get_by_role("button", name="as new originals").click()  # they have one size
    expect(page.locator("#viewer .status")).to_contain_text(
        "Shown: a.png; in the menu of pictures: b.png; not opened: c.csv (drop a table"
    )
    menu = page.locator("select.picture")
    assert menu.evaluate("(one) => one.selectedOptions[0].text") == "a"
    shown = state_of(page)["image"]
    menu.select_option("b")
    page.wait_for_function(f"JSON.parse(viewer.dataset.state).image !== '{shown}'")
    settled(page, 2)


def test_a_picture_dropped_on_the_curves_opens_in_the_viewer(open_page: Opener) -> None:
    page = settled(open_page("#panes=original,jpeg"), 2)
    drop(page, ".rd", ("mine.png", "image/png", photo(9)))
    expect(page.locator('.pane[data-id="original"] .time')).to_have_text("64 \u00d7 48")
    expect(page.locator(".rd-status")).to_have_text("Opened in the viewer: mine.png")


def test_on_a_phone_held_sideways_no_number_is_covered(visit: Opener) -> None:
    page = settled(visit(viewport={"width": 844, "height": 390}))
    small = page.locator(".minimap")
    expect(small).to_be_visible()
    expect(page.locator(".pane .metrics > span").last).to_be_attached()
    covered = """() => {
      const rect = (one) => one.getBoundingClientRect();
      const { left, top, right, bottom } = rect(document.querySelector(".minimap"));
      return [...document.querySelectorAll("figcaption")].map(rect).filter((box) =>
        box.left < right && box.right > left && box.top < bottom && box.bottom > top).length;
    }"""
    assert page.evaluate(covered) == 0


def test_the_tools_stay_on_one_line_on_a_desk(visit: Opener) -> None:
    page = settled(visit("mode=diff", viewport={"width": 1440, "height": 900}))
    page.locator("[data-do=pin]").click()
    expect(page.get_by_role("button", name="pin 1", exact=True)).to_be_visible()
    tops = "[...document.querySelectorAll('.tools > .group')].filter((one) => one.offsetWidth)"
    for _ in ("difference", "FLIP"):
        assert len(page.evaluate(f"[...new Set({tops}.map((one) => one.offsetTop))]")) == 1
        page.keyboard.press("e")
