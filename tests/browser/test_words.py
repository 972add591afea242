"""What the words around the pictures say, and what can be taken away."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Opener
from tests.browser.viewer_page import settled, stage, state_of

pytestmark = pytest.mark.browser


def test_same_file_is_said_of_modes_two_anchors_only(visit: Opener) -> None:
    page = settled(visit())
    expect(page.get_by_text("same file", exact=True)).to_have_count(2)
    for id in ("mode-f", "mode-p"):
        expect(page.locator(f'.pane[data-id="{id}"] .same')).to_have_text("same file")


def test_every_pane_tells_its_real_rate_and_where_a_codec_ends(visit: Opener) -> None:
    page = settled(visit("bpp=0.02&panes=original,mode-f,jpeg"), 3)
    for pane in state_of(page)["panes"][1:]:
        assert pane["bpp"] == pytest.approx(8 * pane["bytes"] / 512**2)
        assert pane["bpp"] > 0.03
    off = page.locator('.pane[data-id="jpeg"] .off')
    expect(off).to_have_text(re.compile(r"^\+\d+ %$"))  # nothing is wrong, so no warning
    expect(off).not_to_have_class(re.compile("uneven"))
    expect(off).to_have_attribute("title", re.compile("the nearest it can do"))


def test_whose_weights_made_a_picture_stands_beside_it_and_leads_to_about(visit: Opener) -> None:
    page = settled(visit("panes=original,mode-f,jpeg"), 3)
    marks = {id: page.locator(f'.pane[data-id="{id}"] .mark') for id in ("mode-f", "jpeg")}
    expect(marks["mode-f"]).to_have_text("ours, small")
    expect(marks["jpeg"]).to_be_hidden()
    expect(page.locator(".numbers tbody th").first).to_contain_text("weights: ours, small")
    marks["mode-f"].click()
    expect(page.get_by_role("heading", name="How far our weights are")).to_be_in_viewport()


def test_a_codec_that_fails_says_so_in_its_own_pane(visit: Opener) -> None:
    page = settled(visit("panes=original,vq,jpeg"), 3)
    expect(page.locator('.pane[data-id="vq"] .word')).to_contain_text("vq has no weights <img")
    assert state_of(page)["panes"][2]["bytes"] > 0
    with page.expect_request(lambda one: '"picture":' in (one.post_data or "")):
        page.get_by_role("button", name="Try again").click()
    expect(page.locator('.pane[data-id="vq"] .word')).to_contain_text("vq has no weights <img")


def test_what_nobody_can_bring_back_is_not_tried_again(open_page: Opener) -> None:
    page = open_page(f"#image={'0' * 32}&panes=original,jpeg")
    expect(page.locator(".foot .status")).to_contain_text("open the file again")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()


def test_a_question_that_the_server_never_got_is_asked_again(visit: Opener) -> None:
    """Gradio's stream may end just as a question is sent; then no answer ever comes."""
    page = settled(visit("panes=original,jpeg"), 2)
    lost: list[str] = []

    def lose(route: Route) -> None:
        if lost or '"picture":' not in (route.request.post_data or ""):
            return route.continue_()
        lost.append(route.request.url)
        return route.fulfill(json={"event_id": "0" * 32})

    page.route("**/queue/join*", lose)
    page.locator("input.bpp").fill("0.3")
    page.keyboard.press("Enter")
    expect(page.locator("#viewer .status")).to_have_text("2 of 2 panes at 0.3 bpp.")
    assert lost


def test_the_anchor_slider_adds_a_blend_of_the_same_file(visit: Opener) -> None:
    page = settled(visit())
    page.locator("#anchor").fill("0.35")
    page = settled(page, 7)
    panes = {pane["id"]: pane for pane in state_of(page)["panes"]}
    assert state_of(page)["anchor"] == 0.35
    assert panes["mode-0.35"]["label"] == "MoDE 0.35"
    assert panes["mode-0.35"]["bytes"] == panes["mode-f"]["bytes"]
    page.locator("#anchor").fill("1")
    expect(page.locator("figure.pane")).to_have_count(6)


def test_the_rate_slider_keeps_the_view_and_changes_the_files(visit: Opener) -> None:
    page = settled(visit())
    before = state_of(page)
    page.get_by_role("button", name="0.5", exact=True).click()
    expect(page.locator("#viewer .status")).to_contain_text("6 of 6 panes at 0.5 bpp.")
    after = state_of(page)
    assert [after[key] for key in ("cx", "cy", "scale")] == [
        before[key] for key in ("cx", "cy", "scale")
    ]
    assert after["panes"][1]["bytes"] > 3 * before["panes"][1]["bytes"]
    expect(page.locator("output.size")).to_have_text("≈ 16.4 kB")


def test_region_metrics_follow_the_view(visit: Opener) -> None:
    page = settled(visit())
    words = page.locator('.pane[data-id="jpeg"] .metrics, .pane[data-id="elic"] .metrics')
    expect(words).to_have_text(re.compile(r"PSNR \d+\.\d\d dB"))
    before = words.inner_text()
    stage(page).press("0")
    expect(words).not_to_have_text(before)
    table = page.locator(".numbers-table tbody tr", has_text="ELIC").locator("td").nth(3)
    whole = table.inner_text().removeprefix("★").split()[0]
    expect(words).to_contain_text(whole)


def test_numbers_stand_in_a_real_table_with_downloads(visit: Opener) -> None:
    page = settled(visit())
    rows = page.get_by_role("table").first.get_by_role("row")
    expect(rows).to_have_count(6)
    with page.expect_download() as download:
        page.get_by_label("Download MoDE-F as .mode").click()
    assert download.value.suggested_filename.startswith("astronaut-mode-f-0.")
    assert download.value.path().read_bytes()[:4] == b"MODE"


def test_a_table_can_be_taken_away(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg,webp"), 3)
    page.context.grant_permissions(["clipboard-write", "clipboard-read"])
    page.get_by_role("button", name="Markdown").click()
    expect(page.locator("#viewer .status")).to_have_text(
        "Table of the whole picture copied as markdown"
    )
    page.wait_for_function(
        "async () => (await navigator.clipboard.readText()).startsWith('| Codec | Bytes |')"
    )
