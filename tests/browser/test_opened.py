"""Pictures that visitors decoded elsewhere, in panes beside ours."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from mode_core.metrics.fidelity import psnr
from mode_core.pictures.files import png_bytes
from tests.browser.conftest import Opener
from tests.browser.viewer_page import (
    EVIL,
    PATIENCE_MS,
    SMALL,
    canvases,
    painted,
    settled,
    state_of,
)
from tests.conftest import make_photo
from tests.made_up.zips import zip_of

pytestmark = pytest.mark.browser

PHOTO = make_photo(96, 128)
FINE, COARSE = PHOTO ^ 3, PHOTO // 2
ORIGINAL = png_bytes(PHOTO)


def choose(page: Page, files: dict[str, bytes]) -> None:
    page.locator("#viewer .bar input[type=file]").set_input_files(
        [
            {"name": name, "mimeType": "application/octet-stream", "buffer": data}
            for name, data in files.items()
        ]  # type: ignore[arg-type]
    )


def pane(page: Page, name: str) -> Locator:
    return page.locator("figure.pane").filter(has=page.get_by_label(f"Pane: {name}."))


def line_of(page: Page, name: str) -> Locator:
    return page.locator(".numbers-table tbody tr").filter(has_text=name)


def asked(page: Page) -> Locator:
    bar = page.locator("#viewer .beside")
    expect(bar).to_be_visible()
    return bar


def test_an_original_and_two_pictures_with_their_sizes(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    sizes = b"name,bytes\nfine,9000\ncoarse,154\n"
    files = {"photo.png": ORIGINAL, "fine.png": png_bytes(FINE), "coarse.png": png_bytes(COARSE)}
    choose(page, {**files, "sizes.csv": sizes})
    settled(page, 4)
    assert [one["label"] for one in state_of(page)["panes"]] == [
        "Original",
        "JPEG",
        "fine",
        "coarse",
    ]
    coarse = pane(page, "coarse")
    expect(coarse.locator(".mark")).to_have_text("opened")
    expect(coarse.locator("input.given")).to_have_value("154 B")
    expect(coarse.locator(".rate")).to_have_text("0.1003 bpp")
    expect(line_of(page, "coarse")).to_contain_text(f"{psnr(PHOTO, COARSE):.2f}")
    expect(line_of(page, "fine")).to_contain_text("9\u202f000")
    ids = [one["id"] for one in state_of(page)["panes"]]
    painted(page)
    assert len({tuple(one) for one in canvases(page, ids)}) == 4
    page.get_by_role("button", name="Figure…").click()
    page.locator("dialog.figure input[value=lpips]").uncheck()  # nothing here measures it
    expect(page.locator("dialog.figure img")).to_be_visible()
    with page.expect_download() as download:
        page.locator("[data-figure=png]").click()
    assert download.value.path().read_bytes()[:4] == b"\x89PNG"


def test_without_a_size_none_is_shown_until_its_visitor_types_one(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    choose(page, {"original.png": ORIGINAL, "theirs.png": png_bytes(FINE)})
    asked(page).get_by_role("button", name="as its panes").click()
    settled(page, 3)
    field = pane(page, "theirs").locator("input.given")
    expect(field).to_have_value("")
    expect(field).to_have_attribute("placeholder", "size unknown")
    expect(pane(page, "theirs").locator(".rate")).to_be_empty()
    expect(line_of(page, "theirs")).to_contain_text("unknown")
    expect(page.locator(".numbers .notes")).to_contain_text("no known size")
    field.fill("15 apples")
    field.press("Enter")
    expect(page.locator(".status.bad")).to_contain_text("is no size; write it as 12345 or 12.3 kB")
    field.fill("15.4 kB")
    field.press("Enter")
    expect(pane(page, "theirs").locator(".rate")).to_have_text("10.026 bpp")
    expect(line_of(page, "theirs")).to_contain_text("15\u202f400")
    settled(page, 3)
    assert page.evaluate("document.activeElement.value") == "15.4 kB"


def test_a_second_picture_of_the_same_size_asks_what_it_is(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    choose(page, {"first.png": ORIGINAL})
    expect(page.locator('.pane[data-id="original"] .time')).to_have_text("128 \u00d7 96")
    settled(page, 2)
    first = state_of(page)["image"]
    choose(page, {f"{EVIL}.png": png_bytes(FINE)})
    expect(asked(page)).to_contain_text(EVIL)
    expect(asked(page).get_by_role("button").first).to_be_focused()
    page.keyboard.press("Enter")  # a pane
    settled(page, 3)
    assert state_of(page)["image"] == first
    choose(page, {"third.png": png_bytes(COARSE)})
    asked(page).get_by_role("button", name="as a new original").click()
    page.wait_for_function(f"JSON.parse(viewer.dataset.state).image !== '{first}'")
    settled(page, 2)
    choose(page, {"other.png": png_bytes(make_photo(40, 60))})  # cannot be a pane
    expect(page.locator('.pane[data-id="original"] .time')).to_have_text("60 \u00d7 40")
    expect(page.locator("#viewer .beside")).to_be_hidden()
    page.locator("select.picture").select_option("first")
    settled(page, 3)  # what was opened beside it comes back with it
    assert page.evaluate("document.documentElement.dataset.bad") is None


def test_a_zip_of_several_images_stands_in_the_menu(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    names = ("north", "south")  # other tests may have left an "a" in the menu of this tab
    files = {f"original/{name}.png": png_bytes(PHOTO ^ at) for at, name in enumerate(names)}
    for codec in ("vvc", "elic"):
        files |= {f"{codec}/0.5/{name}.png": png_bytes(FINE) for name in names}
    sizes = "codec,rate,image,bytes\nvvc,0.5,north,768\nelic,0.5,north,700\nvvc,0.5,z,1\n"
    choose(page, {"set.zip": zip_of({**files, "sizes.csv": sizes.encode()})})
    settled(page, 4)
    expect(page.locator("#viewer .status")).to_contain_text("sizes.csv names vvc/0.5/z")
    expect(pane(page, "vvc 0.5").locator("input.given")).to_have_value("768 B")
    menu = page.locator("select.picture")
    assert menu.evaluate("(one) => one.selectedOptions[0].text") == "north"
    menu.select_option("south")
    chosen = "viewer.querySelector('select.picture').selectedOptions[0].text"
    page.wait_for_function(f"{chosen} === 'south'")
    settled(page, 4)
    expect(pane(page, "elic 0.5").locator("input.given")).to_have_value("")


def test_what_is_wrong_with_files_is_one_remark_and_leaves_the_page_as_it_was(
    visit: Opener,
) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    before = state_of(page)
    choose(page, {"trap.zip": zip_of({"../a.png": ORIGINAL})})
    expect(page.locator(".status.bad")).to_contain_text("'../a.png' leads out of it")
    choose(page, {"none.zip": zip_of({"a.txt": b"text"})})
    expect(page.locator(".status.bad")).to_contain_text("no picture among these files")
    assert state_of(page) == before


def test_pictures_are_opened_as_panes_from_the_menu_and_by_key(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    page.on("filechooser", lambda _: None)  # in time: asked for just before the key it came late
    choose(page, {"photo.png": png_bytes(PHOTO ^ 8)})
    expect(page.locator('.pane[data-id="original"] .time')).to_have_text("128 \u00d7 96")
    settled(page, 2)
    page.locator("#viewer .stage").focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("o")
    both = [
        {"name": f"{name}.png", "mimeType": "image/png", "buffer": png_bytes(pixels)}
        for name, pixels in (("one", FINE), ("two", COARSE), ("small", make_photo(9, 9)))
    ]
    chooser.value.set_files(both)  # type: ignore[arg-type]
    settled(page, 4)  # nobody is asked
    expect(page.locator("#viewer .status")).to_contain_text("small is 9 x 9 pixels")
    expect(page.get_by_label("Add a pane")).to_contain_text("Open pictures")


def test_nobody_else_sees_it_without_its_key_and_a_link_says_when_it_is_gone(
    open_page: Opener, visit: Opener
) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    choose(page, {"original.png": ORIGINAL, "a.png": png_bytes(FINE), "a.bin": bytes(99)})
    settled(page, 3)
    page.wait_for_function("location.hash.includes('opened-')")
    hash = page.evaluate("location.hash")
    other = settled(open_page(hash), 3)
    expect(pane(other, "a").locator("input.given")).to_have_value("99 B")
    guess = re.sub("opened-[0-9a-f]{32}", "opened-" + 32 * "a", hash)
    stranger = settled(open_page(guess), 3)
    gone = stranger.locator("figure.pane[data-state=failed] .word")
    expect(gone).to_have_text(
        "this opened picture has left the server's memory; drop or open its file again"
    )
    assert "99" not in re.sub("[0-9a-f]{32}", "", json.dumps(state_of(stranger)))


def test_on_a_phone_its_name_mark_and_size_are_seen_and_the_size_is_typed(
    visit: Opener,
) -> None:
    page = settled(visit("panes=original,jpeg,webp", viewport={"width": 390, "height": 844}), 3)
    name = "a long name of some learned codec at a rate"
    files = {"original.png": ORIGINAL, f"{name}.png": png_bytes(FINE), "sizes.csv": b"name,bytes"}
    choose(page, files)
    settled(page, 4)
    theirs = page.locator("figure.pane").nth(3)
    assert page.evaluate(SMALL) == []
    for typed, rate in (("154", "0.1003 bpp"), ("15.4 kB", "10.026 bpp"), ("", "")):
        box = theirs.locator(".line").first.bounding_box()
        assert box
        for part in (".swap", ".mark", "input.given"):
            seen = theirs.locator(part).bounding_box()
            assert seen
            assert box["x"] <= seen["x"]
            assert seen["x"] + seen["width"] <= box["x"] + box["width"] + 1
            assert box["y"] <= seen["y"]
            assert seen["y"] + seen["height"] <= box["y"] + box["height"] + 1
        field = theirs.locator("input.given")
        field.click()
        field.fill(typed)
        field.press("Enter")
        expect(theirs.locator(".rate")).to_have_text(rate)
        settled(page, 4)


def test_what_the_server_has_lost_comes_back_where_it_was_when_it_is_dropped_again(
    open_page: Opener, visit: Opener
) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    files = {"original.png": ORIGINAL, "a.png": png_bytes(FINE), "b.png": png_bytes(COARSE)}
    choose(page, {**files, "sizes.csv": b"name,bytes\na,99"})
    settled(page, 4)
    page.wait_for_function("location.hash.includes('opened-')")
    link = page.evaluate("location.hash")
    gone = "opened-" + 32 * "a"
    lost = settled(open_page(re.sub("opened-[0-9a-f]{32}", gone, link, count=1)), 4)
    again = lost.get_by_role("button", name="Try again")
    expect(lost.locator("figure.pane[data-state=failed] .word")).to_contain_text("drop or open")
    expect(again).to_be_hidden()
    choose(lost, {"Opened picture.png": png_bytes(FINE)})
    asked(lost).get_by_role("button", name="as a pane").click()
    expect(lost.locator("figure.pane[data-state=failed]")).to_have_count(0)
    labels = [one["label"] for one in state_of(settled(lost, 4))["panes"]]
    assert labels == ["Original", "JPEG", "Opened picture", "b"]


def test_with_a_known_size_it_is_a_point_of_the_plot(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg"), 2)
    files = {
        "original.png": ORIGINAL,
        "theirs.png": png_bytes(FINE),
        "other.png": png_bytes(COARSE),
    }
    choose(page, {**files, "sizes.csv": b"name,bytes\ntheirs,154\n"})
    settled(page, 4)
    page.locator("#rd-plot").scroll_into_view_if_needed()
    page.get_by_label("This picture's points").check()
    section = page.get_by_role("group", name="Opened pictures")
    expect(section.locator(".rd-entry")).to_have_text(["theirs"])
    field = pane(page, "other").locator("input.given")
    for size in ("300", "400"):  # another size is another point, and the one before it is gone
        field.fill(size)
        field.press("Enter")
        expect(pane(page, "other").locator(".rate")).to_have_text(f"{int(size) / 1536:.4f} bpp")
    settled(page, 4)
    expect(section.locator(".rd-entry")).to_have_count(2)
    page.locator(".rd-points summary").click()
    lines = page.locator(".rd-points tr").filter(has_text=re.compile("theirs|other"))
    expect(lines).to_have_count(2)
    expect(lines.filter(has_text="other")).to_contain_text("0.26")


def let_go(page: Page, held: list[Route]) -> None:
    """Let the server have the next question, once the page has asked it."""
    for _ in range(PATIENCE_MS // 20):
        if held:
            break
        page.wait_for_timeout(20)
    held.pop().continue_()


def test_sizes_that_are_typed_fast_lose_nothing(visit: Opener) -> None:
    """The server answers late: the last size holds, and what is half typed goes on."""
    page = settled(visit("panes=original,jpeg"), 2)
    choose(page, {"photo.png": ORIGINAL, "other.png": png_bytes(COARSE)})
    asked(page).get_by_role("button", name="as its panes").click()
    other = pane(page, "other")
    field, rate = other.locator("input.given"), other.locator(".rate")
    expect(field).to_be_visible()
    held: list[Route] = []
    page.route("**/mode/pane", lambda route: held.append(route))
    for size in ("300", "400", "300", "500"):
        field.fill(size)
        field.press("Enter")
    expect(field).to_be_focused()
    page.keyboard.type("6")
    for _ in range(4):
        let_go(page, held)
    expect(rate).to_have_text("0.3255 bpp")
    expect(field).to_have_value("5006")
    field.press("Backspace")
    page.keyboard.press("Enter")
    let_go(page, held)
    settled(page, 3)
    expect(rate).to_have_text("0.3255 bpp")
    expect(field).to_have_value("500 B")
