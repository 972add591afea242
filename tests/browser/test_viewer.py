"""The viewer in a real browser: exact pixels, panes in step, links, keys, and no way in."""

from __future__ import annotations

import io
import json
import re
import urllib.request
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Page, Playwright, expect

from app.work import png_bytes
from mode_core.types import Image
from tests.browser.conftest import CHROMIUM, PATIENCE_MS, QUIET, Opener
from tests.conftest import make_photo

pytestmark = pytest.mark.browser
SIX = ["original", "mode-f", "mode-p", "elic", "ms-illm", "dlf"]
TWINS = ["mode-f", "elic", "ms-illm", "dlf"]
"""Panes whose pictures are equal here: the stand-in plays all of them by the same JPEG."""
EVIL = "<img src=x onerror=document.documentElement.dataset.bad=1>"
GESTURES = """async (count) => {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const all = [...document.querySelectorAll("canvas[data-pane]")];
  for (let i = 0; i < count; i++) {
    const canvas = all[Math.floor(random() * all.length)];
    const box = canvas.getBoundingClientRect();
    const at = () => ({clientX: box.left + random() * box.width,
      clientY: box.top + random() * box.height, bubbles: true, cancelable: true});
    if (random() < 0.5) {
      const deltaY = (random() < 0.5 ? -1 : 1) * (random() < 0.5 ? 100 : 12);
      canvas.dispatchEvent(new WheelEvent("wheel", {...at(), deltaY}));
    } else {
      for (const type of ["pointerdown", "pointermove", "pointerup"]) {
        canvas.dispatchEvent(new PointerEvent(type, {...at(), pointerId: 1, isPrimary: true}));
      }
    }
    if (i % 100 === 0) await new Promise(requestAnimationFrame);
  }
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
}"""
CANVASES = """(ids) => ids.map((id) => {
  const canvas = document.querySelector(`canvas[data-pane="${id}"]`);
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum = (sum * 31 + data[i]) % 4294967291;
  return [canvas.width, canvas.height, sum];
})"""


def state_of(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.locator("#viewer").get_attribute("data-state") or "{}")
    return found


def settled(page: Page, panes: int = 6) -> Page:
    """The page once all panes are there and the status line has said so."""
    words = re.compile(rf"^(\d+) of {panes} panes at [\d.]+ bpp(, \d failed)?\.|pictures in this")
    expect(page.locator("#viewer .status")).to_have_text(words, timeout=PATIENCE_MS)
    expect(page.locator("figure.pane:not([data-state=waiting])")).to_have_count(panes)
    return page


def stage(page: Page) -> Any:
    found = page.locator("#viewer .stage")
    found.focus()
    return found


def canvases(page: Page, ids: list[str]) -> list[list[int]]:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found: list[list[int]] = page.evaluate(CANVASES, ids)
    return found


# What the eye gets


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 2])
def test_screen_pixels_are_decoder_pixels(
    playwright: Playwright, open_page: Opener, viewer_url: str, ratio: float
) -> None:
    flags = [*QUIET, f"--force-device-scale-factor={ratio}", "--window-size=1100,760"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    link = "#image=chelsea&scale=1&cx=0.4987&cy=0.513&panes=original,mode-p,jpeg,webp"
    page = settled(open_page(link, browser, viewport=None, no_viewport=True), 4)
    stage(page).press("m")
    pictures = {id: picture_of(page, viewer_url, id) for id in ("original", "mode-p", "webp")}
    for scale in (1, 2):
        page.evaluate(f"location.hash = location.hash.replace(/scale=\\d/, 'scale={scale}')")
        page.wait_for_function(f"JSON.parse(viewer.dataset.state).scale === {scale}")
        settled(page, 4)
        canvases(page, [])
        screen = np.asarray(Pillow.open(io.BytesIO(page.screenshot())).convert("RGB"))
        for id, picture in pictures.items():
            seen, wanted = compared(page, screen, picture, id, scale, ratio)
            assert seen.size > 50_000
            assert np.array_equal(seen, wanted), f"{id} at {scale}:1"
    browser.close()


def picture_of(page: Page, home: str, id: str) -> Image:
    """The decoder's own pixels, from the address that the page got them from."""
    if id == "original":
        from app.gallery import sample_path

        path = sample_path("chelsea")
        assert path is not None
        return np.asarray(Pillow.open(path).convert("RGB"))
    label = {"mode-p": "MoDE-P", "webp": "WebP"}[id]
    link = page.get_by_label(f"Download {label} as PNG", exact=True).get_attribute("href")
    assert link is not None
    assert link.startswith(home)
    with urllib.request.urlopen(link) as answer:
        return np.asarray(Pillow.open(io.BytesIO(answer.read())))


def compared(
    page: Page, screen: Image, picture: Image, id: str, scale: int, ratio: float
) -> tuple[Image, Image]:
    """The picture as it is on the screen, and the part of it that should be there."""
    canvas = page.locator(f'canvas[data-pane="{id}"]')
    box = canvas.bounding_box()
    width, height = canvas.evaluate("(c) => [c.width, c.height]")
    assert box is not None
    # Chromium snaps boxes to whole pixels, halves upwards.
    left, top = int(box["x"] * ratio + 0.5), int(box["y"] * ratio + 0.5)
    view = state_of(page)
    large = picture.repeat(scale, 0).repeat(scale, 1)
    x = int(np.floor(width / 2 - view["cx"] * large.shape[1] + 0.5))
    y = int(np.floor(height / 2 - view["cy"] * large.shape[0] + 0.5))
    first = max(0, -y), max(0, -x)
    wanted = large[first[0] : height - y, first[1] : width - x]
    top, left = top + max(0, y), left + max(0, x)
    return screen[top : top + wanted.shape[0], left : left + wanted.shape[1]], wanted


def test_panes_are_in_step_after_a_thousand_gestures(visit: Opener) -> None:
    page = settled(visit())
    page.evaluate(GESTURES, 1000)
    found = canvases(page, TWINS)
    assert found[0] != canvases(page, ["original"])[0]
    assert all(one == found[0] for one in found)
    view = state_of(page)
    assert (view["cx"], view["cy"], view["scale"]) != (0.43, 0.23, 2)


def test_holding_a_number_shows_that_pane_everywhere(visit: Opener) -> None:
    page = settled(visit())
    before = canvases(page, SIX)
    stage(page)
    page.keyboard.down("1")
    held = canvases(page, SIX)
    page.keyboard.up("1")
    assert all(one == before[0] for one in held)
    assert canvases(page, SIX) == before


def test_the_difference_of_twins_is_black_and_of_others_is_not(visit: Opener) -> None:
    page = settled(visit("mode=diff&against=elic&gain=8"))
    read = """(id) => Math.max(...document.querySelector(`canvas[data-pane="${id}"]`)
      .getContext("2d").getImageData(100, 100, 50, 50).data.filter((_, i) => i % 4 < 3))"""
    canvases(page, [])
    assert page.evaluate(read, "dlf") == 0
    assert page.evaluate(read, "mode-p") == 7 * 8


def test_swipe_shows_two_panes_on_one_canvas(visit: Opener) -> None:
    page = settled(visit("mode=swipe&a=original&b=mode-p&split=0.25"))
    wide = canvases(page, ["original"])[0]
    expect(page.locator('canvas[data-pane="mode-p"]')).to_be_hidden()
    page.locator(".for-swipe input[type=range]").fill("0.75")
    assert canvases(page, ["original"])[0] != wide


def test_a_picture_that_the_server_dropped_is_asked_for_again(tab: Any, visit: Opener) -> None:
    page = settled(visit("panes=original"), 1)
    refused: list[str] = []

    def refuse_once(route: Any) -> None:
        refused.append(route.request.url)
        route.fulfill(status=404, body="{}")

    page.route("**/mode/media/*.png", refuse_once, times=1)
    page.get_by_label("Add a pane").select_option("jxl")
    settled(page, 2)
    expect(page.locator('.pane[data-id="jxl"] .word')).to_be_empty()
    assert len(refused) == 1
    assert canvases(page, ["jxl"]) != canvases(page, ["original"])
    _, trouble = tab
    assert [one for one in trouble if "404" not in one] == []
    trouble.clear()


# What the words say


def test_same_file_is_said_of_modes_two_anchors_only(visit: Opener) -> None:
    page = settled(visit())
    expect(page.get_by_text("same file", exact=True)).to_have_count(1)
    expect(page.locator('.pane[data-id="mode-p"] .same')).to_have_text("same file")


def test_every_pane_tells_its_real_rate_and_warns_when_unequal(visit: Opener) -> None:
    page = settled(visit("bpp=0.02&panes=original,mode-f,jpeg"), 3)
    for pane in state_of(page)["panes"][1:]:
        assert pane["bpp"] == pytest.approx(8 * pane["bytes"] / 512**2)
        assert pane["bpp"] > 0.03
    warning = page.locator('.pane[data-id="jpeg"] .off')
    expect(warning).to_have_class(re.compile("uneven"))
    expect(warning).to_contain_text("⚠ +")


def test_a_codec_that_fails_says_so_in_its_own_pane(visit: Opener) -> None:
    page = settled(visit("panes=original,vq,jpeg"), 3)
    expect(page.locator('.pane[data-id="vq"] .word')).to_contain_text("vq has no weights <img")
    assert state_of(page)["panes"][2]["bytes"] > 0
    with page.expect_request(lambda one: '"picture":' in (one.post_data or "")):
        page.get_by_role("button", name="Try again").click()
    expect(page.locator('.pane[data-id="vq"] .word')).to_contain_text("vq has no weights <img")


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


def test_a_figure_and_a_table_can_be_taken_away(open_page: Opener) -> None:
    page = settled(
        open_page("#panes=original,jpeg,webp", permissions=["clipboard-write", "clipboard-read"]), 3
    )
    for kind, start in (("PNG", b"\x89PNG"), ("PDF", b"%PDF")):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Figure {kind}").click()
        assert download.value.path().read_bytes().startswith(start)
    page.get_by_role("button", name="Markdown").click()
    expect(page.locator("#viewer .status")).to_have_text("Table copied as markdown")
    assert page.evaluate("navigator.clipboard.readText()").startswith("| Codec | Bytes |")


# Links


def test_a_link_brings_back_the_screen(open_page: Opener) -> None:
    link = (
        "#image=coffee&bpp=0.2&anchor=0.5&mode=swipe&cx=0.61&cy=0.7&scale=3"
        "&panes=original,webp,mode-0.5&a=webp&b=mode-0.5&split=0.3"
    )
    page = settled(open_page(link), 3)
    page.wait_for_function(f"location.hash.length > {len(link) - 30}")
    again = settled(open_page(page.evaluate("location.hash")), 3)
    assert state_of(again) == state_of(page)
    assert canvases(again, ["webp"]) == canvases(page, ["webp"])


def test_any_state_survives_its_link(visit: Opener) -> None:
    page = visit()
    broken = page.evaluate(
        """async () => {
      const {START, MODES, LINK} = await import("./mode/static/state.js");
      const rd = await import("./mode/static/explorer-data.js");
      let seed = 11;
      const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
      const maybe = () => random() < 0.5;
      const name = () => "a" + Math.floor(random() * 1e9).toString(36);
      const some = (most, make) => [...Array(Math.floor(random() * most))].map(make);
      const ends = () => [random() * 9 - 5, random() * 60];
      const evil = () => name() + "&=#%,~/<>\u00e4 " + name();
      for (let i = 0; i < 500; i++) {
        const state = {...START, image: name(), bpp: 0.001 + random() * 7, anchor: random(),
          mode: MODES[Math.floor(random() * 4)], cx: random(), cy: random(),
          scale: 0.04 + random() * 31, panes: [name(), ...some(11, name)],
          pick: name(), a: name(), b: name(), split: random(), against: name(),
          gain: 1 + random() * 31, signed: maybe(), smooth: maybe(), loupe: maybe(),
          minimap: maybe(), captions: maybe(),
          pins: some(12, () => [random(), random(), 0.04 + random() * 31])};
        const curves = {...rd.START, dataset: evil(), metric: evil(), anchor: evil(), log: maybe(),
          range: ["all", "usual", "low", "ultra"][Math.floor(random() * 4)], own: maybe(),
          on: some(20, () => `published/${name()}`), off: some(9, () => `${name()}/`)};
        if (maybe()) Object.assign(curves, {range: "custom", zoom: [ends(), ends()]});
        const link = rd.LINK.into(LINK.into("", state), curves);
        const turned = LINK.into(rd.LINK.into("", curves), state);
        const back = [LINK.read(link), rd.LINK.read(link), turned];
        const wanted = [state, curves, link];
        if (JSON.stringify(back) !== JSON.stringify(wanted)) return [wanted, back];
        if (!LINK.says(link, state) || !rd.LINK.says(link, curves)) return link;
      }
      return null;
    }"""
    )
    assert broken is None


CURVES = """() => {
  const plot = document.querySelector("#rd-plot");
  const ends = ({range}) => range.map((end) => Number(end.toPrecision(5)));
  const told = (name) => document.querySelector(`[data-rd=${name}]`).value;
  const legend = [...document.querySelectorAll(".rd-entry")];
  return {
    drawn: plot.data.flatMap((one, i) => (one.visible ? i : [])),
    axes: [plot.layout.xaxis.type, ...ends(plot.layout.xaxis), ...ends(plot.layout.yaxis)],
    chosen: ["dataset", "metric", "anchor"].map(told),
    ticked: legend.filter((one) => one.querySelector("input").checked).map((one) => one.innerText),
    rates: document.querySelector("[data-rd=bd]").innerText,
  };
}"""


def drawn(page: Page) -> dict[str, Any]:
    """What the rate-distortion plot shows, once it is drawn and has settled."""
    page.locator("#rd-plot").scroll_into_view_if_needed()
    expect(page.locator("#rd-plot .scatterlayer .trace").first).to_be_attached()
    page.wait_for_function("!document.querySelector('.rd-status').textContent.includes('Opening')")
    found: dict[str, Any] = page.evaluate(CURVES)
    return found


def test_a_link_brings_back_the_curves_beside_the_pictures(open_page: Opener) -> None:
    page = settled(open_page("#image=coffee&panes=original,webp"), 2)
    before = drawn(page)
    page.locator("[data-rd=metric]").select_option("lpips")
    expect(page.locator("#rd-plot .ytitle")).to_contain_text("LPIPS (Alex)")
    page.locator("[data-rd=log]").uncheck()
    page.locator("[data-rd=anchor]").select_option(index=1)
    page.locator(".rd-entry", has_text="JPEG").first.locator("input").uncheck()
    page.locator(".rd-entry input:not(:checked)").last.click()
    box = page.locator("#rd-plot .nsewdrag").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    page.wait_for_function("location.hash.includes('rd-zoom') && location.hash.includes('rd-on')")
    page.locator("#viewer .stage").focus()
    page.keyboard.press("c")
    page.wait_for_function("location.hash.includes('pins')")
    shown = drawn(page)
    again = settled(open_page(page.evaluate("location.hash")), 2)
    assert drawn(again) == shown
    assert shown["ticked"] != before["ticked"]
    assert shown["axes"] != before["axes"]
    expect(again.get_by_role("button", name="pin 1")).to_be_visible()
    assert state_of(again) == state_of(page)


# Keys and hands


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


def test_two_fingers_zoom_about_their_middle(open_page: Opener) -> None:
    page = settled(open_page("#panes=original,jpeg&scale=1&cx=0.5&cy=0.5", has_touch=True), 2)
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


def test_a_point_of_the_plot_opens_in_the_viewer(visit: Opener) -> None:
    page = settled(visit())
    page.evaluate(
        """document.dispatchEvent(new CustomEvent("mode:open-point", {detail:
      {image: "coffee", codec: "mode", anchor: "perception", bpp: 0.3}}))"""
    )
    expect(page.locator("#viewer .status")).to_contain_text("panes at 0.3 bpp.")
    assert (state_of(page)["image"], state_of(page)["bpp"]) == ("coffee", 0.3)


def test_the_plot_hears_of_pictures_that_were_there_before_it(open_page: Opener) -> None:
    page = settled(open_page("#image=coffee&panes=original,jpeg"), 2)
    late: list[Any] = []
    page.route("**/mode/static/explorer.js", lambda route: late.append(route))
    page.reload()
    settled(page, 2)
    late.pop().continue_()
    expect(page.get_by_role("button", name="Measure this picture")).to_be_visible()


def test_a_picture_gets_curves_of_its_own(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg,webp"), 3)
    page.locator("#rd-plot").scroll_into_view_if_needed()
    page.get_by_role("button", name="Measure this picture").click()
    expect(page.get_by_label("Its own curves")).to_be_visible()
    rates = """() => document.querySelector("#rd-plot").data
      .filter((one) => one.line.width === 1).map((one) => one.x.length)"""
    page.wait_for_function(f"({rates})().filter((count) => count >= 3).length === 2")
    expect(page.locator("#viewer .status")).to_contain_text("3 panes at 0.1 bpp.")
    assert state_of(page)["bpp"] == 0.1


def test_until_panes_are_chosen_the_server_chooses(open_page: Opener) -> None:
    """So that its sentence on what has no weights comes with the answer."""
    page = settled(open_page())
    for chosen, bpp in ((False, "0.2"), (True, "0.5")):
        if chosen:
            page.get_by_label("Remove DLF").click()
        with page.expect_request(lambda one: '"picture":' in (one.post_data or "")) as sent:
            page.get_by_role("button", name=bpp, exact=True).click()
        assert ('"panes":[]' in (sent.value.post_data or "")) is not chosen


# Their files


def upload(page: Page, name: str, data: bytes) -> None:
    files = [{"name": name, "mimeType": "application/octet-stream", "buffer": data}]
    page.locator("#viewer input[type=file]").set_input_files(files)  # type: ignore[arg-type]


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
    tab: Any, visit: Opener, name: str, data: bytes, words: str
) -> None:
    page = settled(visit("panes=original"), 1)
    upload(page, name, data)
    expect(page.locator(".status.bad")).to_have_text(re.compile(words))
    assert state_of(page)["image"] == "astronaut"
    # A refusal is an HTTP 422, which Chromium itself notes in the console.
    _, trouble = tab
    assert [one for one in trouble if "422" not in one] == []
    trouble.clear()


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


EVIL_LINKS = [
    f"#image={EVIL}&panes={EVIL}",
    "#image=${document.documentElement.dataset.bad=1}&mode={{bad}}",
    "#image=astronaut&panes=original,x${alert(1)},javascript:alert(1)",
    "#bpp=NaN&scale=-1&cx=1e999&gain=%00&panes=,,,&image=__proto__",
]


def test_nothing_in_the_address_is_executed(open_page: Opener) -> None:
    page = open_page(EVIL_LINKS[0])
    page.wait_for_selector("#viewer[data-state]")
    for link in EVIL_LINKS:
        page.evaluate("(link) => { location.hash = link }", link)
        page.wait_for_function("JSON.parse(viewer.dataset.state).image === 'astronaut'")
    settled(page)
    assert page.evaluate("document.documentElement.dataset.bad") is None


# Everybody


def test_a_phone_gets_all_of_it(open_page: Opener) -> None:
    page = open_page(
        viewport={"width": 390, "height": 844}, color_scheme="dark", reduced_motion="reduce"
    )
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator('canvas[data-pane="dlf"]').bounding_box()
    assert box is not None
    assert box["width"] > 120
    page.get_by_role("button", name="Flip", exact=True).click()
    expect(page.locator("#viewer .status")).to_contain_text("less motion")


def test_every_control_has_a_name(visit: Opener) -> None:
    page = settled(visit())
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("#viewer button, #viewer select, #viewer input")]
      .filter((one) => !one.hidden && !(one.ariaLabel || one.labels?.length || one.innerText))
      .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    expect(page.locator("canvas[data-pane]").first).to_have_attribute("aria-label", "Original")
