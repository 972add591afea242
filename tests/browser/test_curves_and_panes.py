"""The plot and the panes hear of each other."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from app.viewer.component import catalogue
from tests.browser.conftest import Opener
from tests.browser.viewer_page import settled, state_of

pytestmark = pytest.mark.browser
HEADS = """async (wish) => {
  const { makePane, describePane } = await import("./mode/static/viewer/static/panes.js");
  const view = { psnr: 33.15, ms_ssim: 0.9864, lpips: 0.025, ...wish.more };
  const record = { id: "elic", label: "ELIC", state: "ready", bpp: 0.7284, bytes: 1, view,
    decode_ms: wish.ms };
  const pane = makePane("elic", {});
  describePane(pane, record, wish.catalogue,
    { index: 0, best: view, compared: { text: "" }, same: false });
  pane.figure.style.width = `${wish.width}px`;
  document.querySelector("#viewer").append(pane.figure);
  const rect = (node) => node.getBoundingClientRect();
  const line = rect(pane.parts.time.parentNode);
  const isSeen = (node) => rect(node).width && rect(node).bottom <= line.bottom;
  const seen = [...pane.parts.metrics.children].filter(isSeen);
  const numbers = seen.map(rect);
  const time = rect(pane.parts.time);
  const found = {
    seen: seen.map((node) => node.textContent),
    end: line.right,
    inside: line.bottom <= rect(pane.parts.time.closest("figcaption")).bottom,
    numbers: Math.max(...numbers.map(({ right }) => right)),
    time: [time.left, time.right],
    told: time.top < line.bottom,
    whole: time.bottom <= line.bottom,
  };
  pane.figure.remove();
  return found;
}"""


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
    page.route("**/mode/static/explorer/static/explorer.js", lambda route: late.append(route))
    page.reload()
    settled(page, 2)
    late.pop().continue_()
    expect(page.get_by_role("button", name="Measure this picture")).to_be_visible()


def test_this_picture_gets_curves_and_bd_rates_of_its_own(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg,webp"), 3)
    page.locator("#rd-plot").scroll_into_view_if_needed()
    measure = page.get_by_role("button", name="Measure this picture")
    page.locator("[data-rd=dataset]").select_option(label="This picture")
    expect(page.locator("[data-rd=bd-note]")).to_contain_text("points that a BD-rate needs")
    # A rate may take a twentieth of a second: the page itself keeps all that it shows.
    page.evaluate("""() => {
      const status = document.querySelector(".rd-status");
      const measure = document.querySelector('[data-rd="measure"]');
      window.shown = [];
      new MutationObserver((changes) => {
        for (const { addedNodes } of changes)
          window.shown.push([addedNodes[0].data, measure.disabled]);
      }).observe(status, {childList: true});
    }""")
    page.get_by_role("button", name="Measure it at several rates").click()
    rates = "document.querySelector('#rd-plot').data?.map((one) => one.x.length)"
    page.wait_for_function(f"{rates}?.filter((count) => count >= 3).length === 2")
    expect(page.locator("#viewer .status")).to_contain_text("3 panes at 0.1 bpp.")
    assert state_of(page)["bpp"] == 0.1
    expect(measure).to_be_enabled()
    shown = page.evaluate("window.shown.filter(([text]) => text.startsWith('Measuring'))")
    told = list(dict.fromkeys(text for text, _ in shown))
    assert told == [f"Measuring this picture: {rate} of 5 rates…" for rate in (1, 2, 3, 4, 5)]
    assert shown[0][1], "the button must not ask twice"
    expect(page.locator("[data-rd=bd] tr")).to_have_count(1)
    expect(page.locator("[data-rd=bd] tr")).to_contain_text("measured now")
    expect(page.get_by_role("button", name="Measure it at several rates")).to_be_hidden()
    assert "rd-dataset=@picture" in page.url


@pytest.mark.parametrize("ended_by", ["cancel", "another pane"])
def test_curves_that_are_interrupted_leave_the_chosen_rate(ended_by: str, visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg&bpp=0.3"), 2)
    page.locator("#rd-plot").scroll_into_view_if_needed()
    status, told = page.locator("#viewer .status"), page.locator(".rd-status")
    # The third rate is never asked for: whatever ends the measurement does so in its middle.
    held: list[Route] = []
    page.route(
        "**/queue/join*", lambda route: held.append(route) if wants(route, 0.1) else go(route)
    )
    page.get_by_role("button", name="Measure this picture").click()
    expect(told).to_contain_text("3 of 6 rates")
    expect(status).to_contain_text("Coding at 0.1 bpp")
    assert state_of(page)["bpp"] == 0.3
    for _ in range(100):  # it is told a moment before it is sent
        page.wait_for_timeout(0 if held else 20)
    if ended_by == "cancel":
        page.get_by_role("button", name="Cancel").click()
    else:
        page.get_by_label("Add a pane").select_option("webp")
    settled(page, 2 if ended_by == "cancel" else 3)
    expect(status).to_contain_text("panes at 0.3 bpp.")
    expect(told).not_to_contain_text("Measuring")
    expect(page.locator("input.bpp")).to_have_value("0.3")
    assert "bpp=0.3" in page.url
    assert held


def wants(route: Route, bpp: float) -> bool:
    return f'"bpp":{bpp},' in (route.request.post_data or "").replace("\\", "")


def go(route: Route) -> None:
    route.continue_()


def test_the_time_never_touches_the_numbers_in_a_pane(visit: Opener) -> None:
    """Best in all, as they are widest then; a time without room is not there at all."""
    page = settled(visit("panes=original"), 1)
    told, known = {}, catalogue()
    (lpips,) = [one for one in known["metrics"] if one["key"] == "lpips"]
    for width, label, ms in product(
        (760, 540, 478, 425, 400), ("LPIPS", "LPIPS (AlexNet)"), (9, 10123)
    ):
        lpips["label"] = label
        head = page.evaluate(HEADS, {"catalogue": known, "width": width, "ms": ms})
        assert head["numbers"] <= head["end"], (width, label)
        assert len(head["seen"]) >= 3, width  # PSNR, MS-SSIM and LPIPS
        if head["told"]:
            assert head["whole"], width
            assert head["numbers"] < head["time"][0], width
            assert head["time"][1] <= head["end"], width
        told[width, label, ms] = head["told"]
    assert told[760, "LPIPS (AlexNet)", 10123]
    assert not told[540, "LPIPS (AlexNet)", 10123]


def test_a_metric_that_is_new_is_told_where_there_is_room(visit: Opener) -> None:
    """Its row in the table says where; no style has to know it."""
    page = settled(visit("panes=original"), 1)
    known = catalogue()
    known["metrics"] += [
        {**known["metrics"][0], "key": key, "label": key.upper(), "in_view": where}
        for key, where in (("toy", "wide"), ("game", "always"))
    ]
    wish = {"catalogue": known, "ms": 9, "more": {"toy": 1, "game": 2}}
    seen = {}
    for width in (900, 500, 400, 380, 355, 240, 170):
        head = page.evaluate(HEADS, wish | {"width": width})
        assert head["numbers"] <= head["end"], width
        assert head["inside"], width
        seen[width] = [text.split()[0] for text in head["seen"]]
    assert seen[900] == ["PSNR", "MS-SSIM", "LPIPS", "TOY", "GAME"]
    assert seen[400] == seen[900][: len(seen[400])]
    assert "TOY" not in seen[355]
    assert "MS-SSIM" not in seen[355]
    assert seen[170][:2] == ["PSNR", "LPIPS"]
