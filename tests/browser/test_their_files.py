"""What visitors open: photos, `.mode` files, and what is neither."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from mode_core.codecs.registry import CODECS
from mode_core.pictures.files import png_bytes
from mode_core.stream.container import Bitstream, Stream
from tests.browser.conftest import Opener
from tests.browser.viewer_page import EVIL, canvases, painted, settled, state_of
from tests.conftest import make_photo

pytestmark = pytest.mark.browser


def upload(page: Page, name: str, data: bytes) -> None:
    files = [{"name": name, "mimeType": "application/octet-stream", "buffer": data}]
    page.locator("#viewer .bar input[type=file]").set_input_files(files)  # type: ignore[arg-type]


def test_their_photo_is_shown_exactly_and_coded(visit: Opener) -> None:
    page = settled(visit())
    upload(page, f"{EVIL}.png", png_bytes(make_photo(64, 96)))
    expect(page.locator('.pane[data-id="original"] .time')).to_have_text("96 \u00d7 64")
    settled(page)
    assert re.fullmatch("[0-9a-f]{32}", state_of(page)["image"])
    expect(page.locator("select.picture")).to_contain_text(EVIL)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("note.txt", b"hello", "not"),
        ("bomb.png", b"\x89PNG\r\n\x1a\n" + bytes(50), "picture|image|read"),
        ("huge.png", bytes(2 << 20), "1 MB"),
        ("cut.mode", b"MODE\x01\x01", "cut off"),
        ("old.mode", b"MODE\x09" + bytes(40), "version 9"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_a_sentence(
    visit: Opener, name: str, data: bytes, words: str
) -> None:
    page = settled(visit("panes=original"), 1)
    upload(page, name, data)
    expect(page.locator(".status.bad")).to_have_text(re.compile(words))
    assert state_of(page)["image"] == "astronaut"


def test_a_damaged_file_leaves_the_page_as_it_was(visit: Opener) -> None:
    """Well-formed, so that only the decoder can tell that it holds nothing."""
    codec = CODECS["jpeg"].wire_id
    damaged = Bitstream(codec, bytes(4), 50, 64, 64, (Stream(b"no JPEG" * 40, 0),), 0.1).to_bytes()
    page = settled(visit("panes=original,jpeg&scale=2"), 2)
    painted(page)
    status, names = page.locator("#viewer .status"), page.locator("select.picture")
    before = state_of(page), names.inner_text(), canvases(page, ["original", "jpeg"])
    upload(page, "broken.mode", damaged)
    expect(status).to_have_text(re.compile("Not opened: .*JPEG.* damaged"))
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    painted(page)
    after = state_of(page), names.inner_text(), canvases(page, ["original", "jpeg"])
    assert after == before
    expect(page.locator('.pane[data-id="jpeg"]')).to_have_attribute("data-state", "ready")
    # What it interrupted is finished all the same, and the refusal stays said.
    page.get_by_role("button", name="0.5", exact=True).click()
    upload(page, "broken.mode", damaged)
    expect(status).to_have_text(re.compile("Not opened"))
    expect(page.locator("figure.pane[data-state=ready]")).to_have_count(2)
    expect(page.locator('.pane[data-id="jpeg"] .rate')).to_contain_text("bpp")
    expect(status).to_have_text(re.compile("Not opened"))
    page.get_by_role("button", name="0.2", exact=True).click()
    settled(page, 2)


def test_a_mode_file_opens_at_both_anchors(visit: Opener) -> None:
    page = settled(visit())
    with page.expect_download() as download:
        page.get_by_label("Download MoDE-P as .mode").click()
    upload(page, f"{EVIL}.mode", download.value.path().read_bytes())
    expect(page.locator("#viewer .status")).to_contain_text("2 pictures in this file")
    assert [pane["id"] for pane in state_of(page)["panes"]] == ["mode-f", "mode-p"]
    page.locator("#anchor").fill("0.4")
    expect(page.locator("#viewer .status")).to_contain_text("3 pictures in this file")
    expect(page.locator('.pane[data-id="mode-p"] .same')).to_have_text("same file")


def test_a_download_does_not_count_as_leaving_the_page(visit: Opener) -> None:
    """At that Gradio's client would close, and whatever was on its way would be lost."""
    page = settled(visit())
    upload(page, "mine.png", png_bytes(make_photo(64, 96)))
    expect(page.locator("select.picture")).to_contain_text("mine")
    page.wait_for_function("!location.hash.includes('astronaut')")
    visit()
    page.wait_for_function("JSON.parse(viewer.dataset.state).image === 'astronaut'")
    settled(page)
    page.evaluate("window.left = 0; addEventListener('beforeunload', () => window.left++)")
    for kind in ("PNG", ".mode"):
        with page.expect_download() as download:
            page.get_by_label(f"Download MoDE-P as {kind}").click()
        assert download.value.suggested_filename.startswith("astronaut-mode-p-0.")
    assert page.evaluate("window.left") == 0


def test_what_a_mode_file_cannot_give_is_said(visit: Opener) -> None:
    page = settled(visit())
    with page.expect_download() as download:
        page.get_by_label("Download MoDE-P as .mode").click()
    upload(page, "own.mode", download.value.path().read_bytes())
    status = page.locator("#viewer .status")
    expect(status).to_contain_text("2 pictures in this file")
    expect(page.locator(".numbers-table tbody")).not_to_contain_text("…")
    expect(page.locator(".numbers .notes")).to_contain_text("brings no original")
    before = state_of(page)["bpp"]
    page.get_by_role("button", name="0.2", exact=True).click()
    expect(status).to_contain_text("has the size that it has")
    assert state_of(page)["bpp"] == before
    for button, words in (("Link", "pass the file itself on"), ("Figure…", "open its photo")):
        page.get_by_role("button", name=button, exact=True).click()
        expect(status).to_contain_text(words)
    assert state_of(page)["image"] not in page.url
    page.get_by_label("Add a pane").select_option("elic")
    expect(page.locator('.pane[data-id="elic"] .word')).to_have_text("this file does not hold it")


def test_the_same_photo_again_has_its_numbers_again(visit: Opener) -> None:
    page = settled(visit("panes=original,elic"), 2)
    photo, metrics = png_bytes(make_photo(64, 96)), page.locator('.pane[data-id="elic"] .metrics')
    upload(page, "one.png", photo)
    expect(page.locator("select.picture")).to_contain_text("one")
    expect(metrics).to_contain_text("PSNR")
    upload(page, "two.png", photo)
    expect(page.locator("select.picture")).to_contain_text("two")
    expect(metrics).to_contain_text("PSNR")
