"""Pictures that take long: shown at once, coded as far as wanted, stopped at a word."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Browser, Page, expect

from mode_core.settings import ASSETS
from tests.browser.conftest import Opener, watched
from tests.browser.page_server import ENDLESS_ANCHOR, ENDLESS_BPP
from tests.browser.viewer_page import settled, state_of
from tests.conftest import make_photo

pytestmark = pytest.mark.browser
PANES = "panes=original,jpeg,elic"
WIDTH, HEIGHT = 1600, 1000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph above the limit, in few bytes."""
    path = tmp_path_factory.mktemp("large") / "holiday.jpg"
    tile = make_photo(100, 160)
    Pillow.fromarray(np.tile(tile, (10, 10, 1))).save(path, quality=80)
    return path


@pytest.fixture
def asked(visit: Opener, large: Path) -> Page:
    """The page after the photograph has been dropped, before anything is chosen."""
    page = settled(visit(PANES), 3)
    page.locator("#viewer .bar input[type=file]").set_input_files(large)
    expect(page.locator(".large")).to_be_visible()
    expect(page.locator("figure[data-id=original]")).to_have_attribute("data-state", "ready")
    return page


def choice(page: Page, kind: str) -> object:
    return page.locator(f".large [data-kind={kind}]")


def test_it_is_shown_and_nothing_is_coded_before_its_visitor_chooses(asked: Page) -> None:
    expect(asked.locator("figure[data-id=original]")).to_have_attribute("data-state", "ready")
    expect(asked.locator("figure[data-id=jpeg] .word")).to_have_text("not coded yet")
    expect(asked.locator(".large-size")).to_have_text(f"{WIDTH} \u00d7 {HEIGHT} pixels")
    expect(choice(asked, "scaled")).to_have_text("1 megapixel ≈ 40 s")
    expect(choice(asked, "whole")).to_have_text("All of it ≈ 64 s")
    expect(choice(asked, "part")).to_be_disabled()
    expect(asked.locator("[data-do=cancel]")).to_be_hidden()


def test_what_is_in_view_can_be_coded_alone_and_then_another_part(asked: Page) -> None:
    asked.get_by_role("button", name="4:1").click()
    expect(choice(asked, "part")).to_be_enabled()
    text = choice(asked, "part").inner_text()
    width, height = map(int, re.findall(r"(\d+) \u00d7 (\d+)", text)[0])
    choice(asked, "part").click()
    settled(asked, 3)
    said = f"{width}x{height} pixels cut out of {WIDTH}x{HEIGHT}"
    expect(asked.locator(".credit")).to_have_text(said)
    expect(asked.locator("select.picture option:checked")).to_have_text("holiday, part")
    choice(asked, "another").click()
    expect(asked.locator("figure[data-id=original] .time")).to_have_text(f"{WIDTH} \u00d7 {HEIGHT}")
    expect(asked.locator("figure[data-id=jpeg] .word")).to_have_text("not coded yet")
    expect(asked.locator("#viewer .stage")).to_be_focused()


def test_a_smaller_copy_is_coded_and_the_choice_holds_for_the_next_picture(
    asked: Page, large: Path
) -> None:
    choice(asked, "scaled").click()
    settled(asked, 3)
    expect(asked.locator("figure[data-id=original] .time")).to_have_text("1265 \u00d7 791")
    expect(choice(asked, "scaled")).to_have_attribute("aria-pressed", "true")
    asked.locator("#viewer .bar input[type=file]").set_input_files(
        {"name": "next.jpg", "mimeType": "image/jpeg", "buffer": turned(large)}
    )
    expect(asked.locator("select.picture option:checked")).to_have_text("next, smaller")
    settled(asked, 3)
    choice(asked, "whole").click()
    settled(asked, 3)
    expect(asked.locator("figure[data-id=original] .time")).to_have_text(f"{HEIGHT} \u00d7 {WIDTH}")
    expect(choice(asked, "whole")).to_have_attribute("aria-pressed", "true")


def test_nothing_says_that_it_is_coded_while_its_visitor_is_asked(asked: Page) -> None:
    rows = asked.locator(".numbers tbody tr td")
    expect(rows).to_have_text(["not coded yet", "not coded yet"])
    asked.get_by_role("button", name="Measure this picture").click()
    expect(asked.locator(".status")).to_contain_text("Choose first how much")
    expect(asked.get_by_text("Measuring this picture")).to_be_hidden()
    choice(asked, "scaled").click()
    settled(asked, 3)
    assert state_of(asked)["bpp"] == 0.1


def test_back_leads_to_the_whole_picture_although_its_smaller_copy_is_remembered(
    asked: Page,
) -> None:
    asked.wait_for_url(re.compile("image=(?!astronaut)"))
    whole = asked.url
    choice(asked, "scaled").click()
    settled(asked, 3)
    asked.wait_for_url(lambda url: url != whole)
    asked.go_back()
    size, word = "figure[data-id=original] .time", "figure[data-id=jpeg] .word"
    expect(asked.locator(size)).to_have_text(f"{WIDTH} \u00d7 {HEIGHT}")
    expect(asked.locator(word)).to_have_text("not coded yet")
    choice(asked, "scaled").click()
    settled(asked, 3)
    choice(asked, "another").click()
    expect(asked.locator(word)).to_have_text("not coded yet")
    asked.locator("[data-bpp='0.5']").click()
    asked.wait_for_url(re.compile("bpp=0.5"))
    expect(asked.locator(word)).to_have_text("not coded yet")
    expect(asked.locator(size)).to_have_text(f"{WIDTH} \u00d7 {HEIGHT}")


def turned(path: Path) -> bytes:
    """Another picture of the same content."""
    other = path.with_name("turned.jpg")
    Pillow.open(path).transpose(Pillow.Transpose.ROTATE_90).save(other, quality=80)
    return other.read_bytes()


def test_panes_tell_how_long_and_cancel_stops_within_a_second(visit: Opener) -> None:
    page = visit(f"{PANES}&bpp={ENDLESS_BPP}")
    word = page.locator("figure[data-id=jpeg] .word")
    expect(word).to_have_text(re.compile(r"^coding… about \d s$"))
    expect(word).to_have_text(re.compile(r"^coding… [3-9] s of about \d s$"))
    expect(page.locator("figure[data-id=elic] .word")).to_have_text(re.compile("^waits; about"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("figure[data-id=elic] .word")).to_have_text("cancelled")
    expect(page.locator(".status")).to_have_text("Cancelled.")
    expect(page.locator("#viewer .stage")).to_be_focused()
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    page.locator("[data-bpp='0.5']").click()
    settled(page, 3)
    assert state_of(page)["bpp"] == 0.5


def test_the_next_visitor_is_served_when_a_tab_is_closed_in_the_middle(
    chromium: Browser, viewer_url: str, visit: Opener
) -> None:
    gone, _ = watched(chromium, f"{viewer_url}#{PANES}&image=coffee&bpp={ENDLESS_BPP}")
    expect(gone.locator("figure[data-id=jpeg] .word")).to_have_text(re.compile("^coding"))
    waits = visit(f"{PANES}&bpp=0.21")
    expect(waits.locator(".status")).to_have_text(re.compile("^Busy, position 1: others"))
    gone.close()
    settled(waits, 3)


def test_a_file_that_is_being_decoded_says_so_in_its_panes_and_in_the_status(
    visit: Opener,
) -> None:
    page = settled(visit("panes=original,mode-p"), 2)
    with page.expect_download() as download:
        page.get_by_label("Download MoDE-P as .mode").click()
    data = download.value.path().read_bytes()
    file = {"name": "own.mode", "mimeType": "application/octet-stream", "buffer": data}
    page.locator("#viewer .bar input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(page.locator(".status")).to_contain_text("2 pictures in this file")
    page.locator("#anchor").fill(ENDLESS_ANCHOR)
    word = page.locator(f"figure[data-id='mode-{ENDLESS_ANCHOR}'] .word")
    expect(word).to_have_text(re.compile("^decoding…"))
    expect(page.locator(".status")).to_have_text(re.compile("^Decoding…"))
    expect(page.locator("figure[data-id=mode-f]")).to_have_attribute("data-state", "ready")
    page.get_by_role("button", name="Cancel").click()
    expect(word).to_have_text("cancelled")


def test_a_file_that_waits_can_be_cancelled_and_what_is_shown_stays(
    visit: Opener, chromium: Browser, viewer_url: str
) -> None:
    page = settled(visit(PANES), 3)
    works, _ = watched(chromium, f"{viewer_url}#{PANES}&image=coffee&bpp={ENDLESS_BPP}")
    expect(works.locator("figure[data-id=jpeg] .word")).to_have_text(re.compile("^coding"))
    page.locator("#viewer .bar input[type=file]").set_input_files(ASSETS / "opening" / "mode.mode")
    expect(page.locator(".status")).to_have_text(re.compile("^Busy, position 1"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".status")).to_have_text("Cancelled.")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    expect(page.locator("figure[data-id=jpeg]")).to_have_attribute("data-state", "ready")
    works.close()
