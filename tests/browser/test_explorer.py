"""The rate-distortion explorer in a real browser."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.explorer.usercsv import read_user_csv
from tests.browser.conftest import PATIENCE_MS, served, watched
from tests.made_up.results import write_results, write_theirs

pytestmark = pytest.mark.browser
DRAWN = "#rd-plot .scatterlayer .trace"
LIVE = """document.dispatchEvent(new CustomEvent("mode:result", {detail: {
  image: "kodim02.png",
  rows: [{label: "MoDE-P", codec: "mode", anchor: "perception", bpp: 0.1, psnr: 29}]
}}))"""
NO_PICTURE = """document.querySelector(".rd-points").open = false;
document.dispatchEvent(new CustomEvent("mode:result", {detail: {image: "", rows: []}}))"""
EVIL = "<img src=x onerror=window.bad=1>"
EVIL_CSV = (
    "codec,bpp,psnr,source_ref,note\n"
    + "".join(f'"{EVIL}",{0.1 * step},{27 + step},"{EVIL}","{EVIL}"\n' for step in (1, 2, 3, 4))
    + '"<a href=""javascript:window.bad=1"">%{x}</a>",0.1,30,x,\n'
    + '"${window.bad=1}{{bad}}",0.2,31,x,\n'
    + "=HYPERLINK(1),0.3,32,x,\n"
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def address(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served("rd_page", tmp_path_factory.mktemp("explorer"), str(results)) as site:
        yield site.url


@pytest.fixture(scope="module")
def tab(chromium: Browser, address: str) -> Iterator[tuple[Page, list[str]]]:
    """One page for all tests: loading it, and the plotting library, is what takes long."""
    page, trouble = watched(chromium, address, viewport={"width": 1440, "height": 900})
    page.evaluate("document.addEventListener('mode:open-point', (e) => opened.push(e.detail))")
    expect(page.locator(DRAWN)).to_have_count(8, timeout=4 * PATIENCE_MS)
    yield page, trouble
    page.close()


@pytest.fixture
def page(tab: tuple[Page, list[str]]) -> Iterator[Page]:
    """The drawn page; a console error, a page error or a request elsewhere fails the test."""
    page, trouble = tab
    page.evaluate("opened = []")
    expect(page.locator(DRAWN)).to_have_count(8)
    yield page
    assert trouble == []
    # The next test starts at the start, whatever this one left.
    page.mouse.move(0, 0)
    drawn_by(page, NO_PICTURE)
    while (remove := page.locator("[data-rd=files] button")).count():
        remove.first.click()
        expect(page.locator(".rd-status")).to_contain_text("is removed")
        page.evaluate("document.querySelector('.rd-status').textContent = ''")
    if "rd-" in page.evaluate("location.hash"):
        drawn_by(page, "location.hash = '#start=1'")


def drawn_by(page: Page, script: str) -> None:
    """Run it until the plot has been drawn anew."""
    page.evaluate(f"document.querySelector('.rd-status').textContent = ''; {script}")
    expect(page.locator(".rd-status")).to_contain_text(" points in view.")


def marked(page: Page) -> None:
    """The picture on screen has numbers, and its points stand over the means."""
    page.evaluate(LIVE)
    page.get_by_label("This picture's points").check()
    expect(page.locator(DRAWN)).to_have_count(8 + 1 + 7)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def status(page: Page) -> str:
    return page.locator(".rd-status").inner_text()


def test_curves_switch_off_and_on_with_their_bd_rates(page: Page) -> None:
    expect(page.locator("[data-rd=bd] tr")).to_have_count(7)
    page.get_by_role("checkbox", name="MoDE-P").uncheck()
    expect(page.locator(DRAWN)).to_have_count(7)
    expect(page.locator("[data-rd=bd] tr")).to_have_count(6)
    page.get_by_role("checkbox", name="MoDE-P").check()
    expect(page.locator(DRAWN)).to_have_count(8)


def test_a_curve_of_theirs_shows_toggles_and_says_what_of_it_can_be_opened(
    page: Page, results: Path
) -> None:
    """It is called as one of ours, and stays apart."""
    file = write_theirs(results, "elic", kept=("q2",))
    try:
        drawn_by(page, NO_PICTURE)
        expect(page.locator(DRAWN)).to_have_count(9)
        section = page.get_by_role("group", name="Theirs: measured here from their pictures")
        box = section.get_by_role("checkbox", name="elic", exact=True)
        expect(page.locator("[data-rd=bd] tr", has_text="theirs: measured here")).to_have_count(1)
        page.evaluate(
            """() => { const plot = document.querySelector('#rd-plot');
            const i = plot.data.findIndex(({line}) => line.color === '#690fff');
            for (const pointNumber of [0, 1]) {
              const [x, y] = [plot.data[i].x[pointNumber], plot.data[i].y[pointNumber]];
              const points = [{curveNumber: i, pointNumber, x, y}];
              plot.emit('plotly_hover', {points});
              plot.emit('plotly_click', {points});
            } }"""
        )
        assert page.evaluate("opened") == [
            {"kind": "theirs", "dataset": "kodak", "codec": "elic", "rate": "q2"}
        ]
        assert status(page).startswith("Opening elic at ")
        told = page.locator(".rd-tip").inner_text()
        assert "theirs: measured here from their pictures" in told
        assert "q2" in told
        box.uncheck()
        expect(page.locator(DRAWN)).to_have_count(8)
        box.check()
        expect(page.locator(DRAWN)).to_have_count(9)
    finally:
        file.unlink()


def test_the_metric_and_its_direction_follow_the_choice(page: Page) -> None:
    expect(page.locator("#rd-plot .ytitle")).to_have_text("PSNR [dB] — higher is better")
    page.locator("[data-rd=metric]").select_option(label="LPIPS (AlexNet)")
    expect(page.locator("#rd-plot .ytitle")).to_have_text("LPIPS (AlexNet) — lower is better")


def test_the_ultra_low_range_shows_only_low_rates(page: Page) -> None:
    page.get_by_role("button", name="Ultra-low").click()
    expect(page.get_by_role("button", name="Ultra-low")).to_have_attribute("aria-pressed", "true")
    high = page.evaluate("10 ** document.querySelector('#rd-plot').layout.xaxis.range[1]")
    assert 0.05 <= high < 0.06
    page.locator("[data-rd=log]").uncheck()
    page.wait_for_function("document.querySelector('#rd-plot').layout.xaxis.type === 'linear'")
    page.wait_for_function(
        "Math.abs(document.querySelector('#rd-plot').layout.xaxis.range[1] - 0.0515) < 0.001"
    )


def test_the_picture_on_screen_is_a_ring_on_the_plot_where_asked_for(page: Page) -> None:
    page.evaluate(LIVE)
    expect(page.get_by_label("This picture's points")).to_be_visible()
    expect(page.locator(DRAWN)).to_have_count(8)
    marked(page)
    expect(page.locator("[data-rd=caption]")).to_contain_text("one picture, the one on screen")
    page.get_by_label("Its own curves").uncheck()
    expect(page.locator(DRAWN)).to_have_count(8 + 1)


def test_the_keyboard_walks_to_a_point_and_opens_it(page: Page) -> None:
    marked(page)
    page.locator("#rd-plot").focus()
    for _ in range(20):
        page.keyboard.press("ArrowDown")
        if status(page).startswith("MoDE-P"):
            break
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    (detail,) = page.evaluate("opened")
    assert (detail["codec"], detail["anchor"]) == ("mode", "perception")
    assert detail["image"] == "kodim02.png"
    assert 0.04 < detail["bpp"] < 0.9


def test_a_click_on_a_point_of_ours_opens_it_and_on_a_published_one_does_not(page: Page) -> None:
    for label, count in (("ELIC · ours", 1), ("ELIC · published", 1)):
        kind = label.split(" · ")[1]
        page.evaluate(
            """kind => { const plot = document.querySelector('#rd-plot');
            const i = [...plot.data.keys()].find(i => plot.data[i].visible
              && (plot.data[i].line.dash === 'solid') === (kind === 'ours'));
            plot.emit('plotly_click', {points: [{curveNumber: i, pointNumber: 0,
              x: plot.data[i].x[0], y: plot.data[i].y[0]}]}); }""",
            kind,
        )
        assert len(page.evaluate("opened")) == count
    assert "no pictures to open" in status(page)


def test_hover_tells_the_source_as_plain_text(page: Page) -> None:
    place = page.evaluate(
        """() => {
        const plot = document.querySelector('#rd-plot'), box = plot.getBoundingClientRect();
        const trace = plot.data.find(t => t.visible && t.line.dash !== 'solid' && t.x.length === 5);
        const {xaxis, yaxis} = plot._fullLayout;
        const x = xaxis._offset + xaxis.d2p(trace.x[1]), y = yaxis._offset + yaxis.d2p(trace.y[1]);
        return [box.x + x, box.y + y]; }"""
    )
    page.mouse.move(place[0] - 40, place[1])
    page.mouse.move(*place, steps=4)
    expect(page.locator(".rd-tip")).to_contain_text(re.compile("bpp · PSNR"))


def test_nothing_in_a_users_file_is_executed_or_becomes_markup(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "<img src=x onerror=bad=1>.csv"
    file.write_text(EVIL_CSV, encoding="utf-8")
    page.locator("[data-rd=file]").set_input_files(file)
    expect(page.locator("[data-rd=files] li")).to_contain_text("4 curves, 7 points")
    expect(page.locator(".rd-entry", has_text="onerror").first).to_be_visible()
    page.locator(".rd-points summary").click()
    page.locator("#rd-plot").focus()
    for _ in range(14):
        page.keyboard.press("ArrowDown")
        if "onerror" in page.locator(".rd-tip").inner_text():
            break
    assert "onerror" in page.locator(".rd-tip").inner_text()
    assert page.evaluate("window.bad") is None
    assert page.locator(".rd img, .rd a:not([href='mode/sample.csv']), .rd script").count() == 0


def test_the_svg_is_the_visible_curves_and_safe(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "evil.csv"
    file.write_text(EVIL_CSV, encoding="utf-8")
    page.locator("[data-rd=file]").set_input_files(file)
    expect(page.locator(DRAWN)).to_have_count(12)
    with page.expect_download() as download:
        page.locator("[data-rd=svg]").click()
    svg = ET.fromstring(Path(download.value.path()).read_text(encoding="utf-8"))
    text = "".join(svg.itertext())
    assert EVIL in text
    assert "MoDE-F (ours)" in text
    tags = {element.tag.rpartition("}")[2] for element in svg.iter()}
    assert not tags & {"script", "img", "image", "a", "foreignObject"}


def test_the_csv_is_what_is_seen_and_comes_back(page: Page) -> None:
    page.get_by_role("button", name="Ultra-low").click()
    expect(page.get_by_role("button", name="Ultra-low")).to_have_attribute("aria-pressed", "true")
    with page.expect_download() as download:
        page.locator("[data-rd=csv]").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    curves, _ = read_user_csv(text, "again.csv")
    rates = [point.bpp for curve in curves for point in curve.points]
    assert f"Saved {len(rates)} points" in status(page)
    assert max(rates) < 0.06


def test_a_wrong_file_is_refused_in_the_page_and_can_be_removed(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("a,b\n1,2\n", encoding="utf-8")
    page.locator("[data-rd=file]").set_input_files(file)
    expect(page.get_by_role("alert")).to_contain_text("wrong.csv: the header has no 'codec'")
    page.get_by_role("button", name="remove").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_good_file_stays_whatever_is_refused_after_it(page: Page, tmp_path: Path) -> None:
    good = write(tmp_path, "good.csv", "codec,bpp,psnr\nMine,0.1,30\n")
    wrong = [write(tmp_path, f"wrong{i}.csv", "a,b\n1,2\n") for i in range(6)]
    page.locator("[data-rd=file]").set_input_files(good)
    expect(page.get_by_role("checkbox", name="Mine")).to_be_visible()
    for file in wrong[:5]:
        page.locator("[data-rd=file]").set_input_files(file)
        expect(page.get_by_role("alert")).to_contain_text(file.name)
    page.locator("[data-rd=file]").set_input_files(wrong)
    expect(page.locator(".rd-status")).to_contain_text(
        "left out, 4 are the most at once: wrong4.csv, wrong5.csv"
    )
    expect(page.get_by_role("alert")).to_have_count(4)
    expect(page.get_by_role("checkbox", name="Mine")).to_be_visible()


def test_a_file_of_another_dataset_and_metric_is_compared_at_once(
    page: Page, tmp_path: Path
) -> None:
    rows = "".join(
        f"{codec},mine,{rate},{rate}\n" for codec in "AB" for rate in (0.1, 0.2, 0.3, 0.4)
    )
    file = write(tmp_path, "mine.csv", f"codec,dataset,bpp,ms_ssim\n{rows}")
    page.locator("[data-rd=file]").set_input_files(file)
    expect(page.locator(DRAWN)).to_have_count(2)
    expect(page.locator("[data-rd=dataset]")).to_have_value("mine")
    expect(page.locator("#rd-plot .ytitle")).to_have_text("MS-SSIM — higher is better")
    expect(page.locator("[data-rd=bd] tr")).to_have_count(1)
    expect(page.locator(".rd-status")).to_have_text("mine.csv: 2 curves, 8 points")
    page.locator("[data-rd=dataset]").select_option("kodak")
    expect(page.locator("[data-rd=files]")).to_contain_text("not in this view but under dataset")


def test_without_curves_for_a_bd_rate_there_is_no_empty_choice(page: Page, tmp_path: Path) -> None:
    file = write(tmp_path, "mine.csv", "codec,dataset,bpp,psnr\nMine,mine,0.1,30\n")
    expect(page.get_by_label("BD-rate against")).to_be_visible()
    page.locator("[data-rd=file]").set_input_files(file)
    expect(page.get_by_label("BD-rate against")).to_be_hidden()
    expect(page.locator("[data-rd=bd-note]")).to_contain_text("points that a BD-rate needs")


def test_measuring_tells_how_far_it_is_where_it_was_asked_for(page: Page) -> None:
    tell = "document.dispatchEvent(new CustomEvent('mode:measuring', {detail: %s}))"
    page.evaluate(LIVE)
    button = page.get_by_role("button", name="Measure this picture")
    page.evaluate(tell % "{done: 1, of: 5, running: true}")
    expect(button).to_be_disabled()
    marked(page)  # the plot is drawn again and says so
    assert status(page) == "Measuring this picture: 2 of 5 rates…"
    page.evaluate(tell % "{done: 5, of: 5, running: false}")
    expect(button).to_be_enabled()
    assert status(page) == "Measured this picture at 5 of 5 rates."


def test_what_has_no_numbers_cannot_be_measured(page: Page) -> None:
    page.evaluate(LIVE)
    expect(page.get_by_role("button", name="Measure this picture")).to_be_visible()
    page.evaluate(LIVE.replace(", psnr: 29", ""))
    expect(page.get_by_role("button", name="Measure this picture")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_any_width_in_light_and_dark(chromium: Browser, address: str, scheme: str) -> None:
    size = {"width": 390, "height": 844}
    page, trouble = watched(chromium, address, f"?__theme={scheme}", viewport=size)
    expect(page.locator(DRAWN)).to_have_count(8, timeout=4 * PATIENCE_MS)
    expect(page.locator(".rd")).to_have_attribute("data-theme", scheme)
    ground = page.evaluate("document.querySelector('#rd-plot').layout.plot_bgcolor")
    assert ground == {"light": "#ffffff", "dark": "#1b1b1b"}[scheme]
    for width in (390, 720, 1440):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_function(
            """() => { const plot = document.querySelector("#rd-plot");
            return plot._fullLayout.width === plot.clientWidth; }"""
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        plot = page.locator("#rd-plot").bounding_box()
        assert plot is not None
        assert plot["height"] >= 280
    page.close()
    assert trouble == []


def test_the_plane_is_reached_and_walked_by_keyboard(page: Page) -> None:
    page.get_by_role("button", name="Rate", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#rd-plot .xtitle")).to_have_text("PSNR [dB], higher is better →")
    expect(page.locator("#rd-plot .ytitle")).to_have_text("LPIPS (AlexNet), lower is better →")
    page.locator("[data-rd=at]").select_option("0.2")
    expect(page.locator(".rd-status")).to_contain_text("LPIPS (AlexNet) at 0.2 bpp, ")
    places = page.locator("[data-rd=places] tr")
    expect(places.first).to_contain_text("MoDE-P")
    absent = "DLF (ours) is known at 0.0102 to 0.102 bpp, not at 0.2"
    expect(places.filter(has_text="DLF")).to_contain_text(absent)
    way = "#rd-plot .scatterlayer .trace .js-line"
    expect(page.locator(way)).to_have_count(1)
    texts = page.locator("#rd-plot .textpoint text").all_text_contents()
    assert {"MoDE-F", "MoDE-P", "ELIC"} <= set(texts)
    page.locator("#rd-plot").focus()
    walked = []
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
        walked.append(status(page).split(",")[0])
    assert len(set(walked[:3])) == 3, walked
    for _ in range(9):
        page.keyboard.press("ArrowUp")
    assert status(page).startswith("MoDE-P, 0.2 bpp · PSNR")
    page.keyboard.press("Enter")
    (detail,) = page.evaluate("opened")
    assert (detail["codec"], detail["anchor"], detail["bpp"]) == ("mode", "perception", 0.2)
    assert "rd-view=plane" in page.evaluate("location.hash")
    with page.expect_download() as download:
        page.locator("[data-rd=csv]").click()
    curves, _ = read_user_csv(Path(download.value.path()).read_text("utf-8"), "again.csv")
    assert {"psnr", "lpips"} <= set(curves[0].points[0].values)


def test_the_sample_can_be_had_and_what_is_yours_stands_first(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name="sample CSV").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    page.locator("[data-rd=file]").set_input_files(file)
    expect(page.locator("[data-rd=files]")).to_contain_text("sample.csv: 1 curve, 8 points")
    expect(page.locator(".rd-head").first).to_contain_text("Yours")
    expect(page.locator("[data-rd=bd] tr.rd-mine")).to_contain_text("My codec")
    widths = page.evaluate("document.querySelector('#rd-plot').data.map((one) => one.line.width)")
    assert widths[-1] == max(widths) > max(widths[:-1])


def test_plotly_has_no_share_button_and_no_server(page: Page) -> None:
    assert page.locator("#rd-plot .modebar-btn").count() == 0
    assert page.evaluate("document.querySelector('#rd-plot')._context.plotlyServerURL") == ""


def test_the_endpoint_gives_typed_points(address: str) -> None:
    from gradio_client import Client

    client = Client(address, verbose=False)
    points = client.predict(dataset="kodak", metric="lpips", api_name="/rd")
    assert {point["metric"] for point in points} == {"lpips"}
    assert {"codec", "bpp", "value", "source", "kind"} <= set(points[0])
    with pytest.raises(Exception, match="no metric 'vmaf'"):
        client.predict(dataset="kodak", metric="vmaf", api_name="/rd")
