"""A link holds the whole screen, and nothing in it is executed."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.test_explorer import drawn_by
from tests.browser.viewer_page import EVIL, canvases, painted, settled, state_of

pytestmark = pytest.mark.browser


def test_a_link_brings_back_the_screen(visit: Opener, open_page: Opener) -> None:
    link = (
        "bpp=0.2&anchor=0.5&mode=swipe&cx=0.61&cy=0.7&scale=3"
        "&panes=original,webp,mode-0.5&a=webp&b=mode-0.5&split=0.3"
    )
    page = settled(visit(link), 3)
    page.wait_for_function(f"location.hash.length > {len(link) - 30}")
    again = settled(open_page(page.evaluate("location.hash")), 3)
    assert state_of(again) == state_of(page)
    assert canvases(painted(again), ["webp"]) == canvases(painted(page), ["webp"])


@pytest.mark.parametrize(
    ("link", "anchor", "panes"),
    [
        ("anchor=0.5", 0.5, 7),
        ("panes=original,mode-f,mode-0.3", 0.3, 3),
        ("panes=original,mode-f&anchor=0.7", 0.7, 3),
        ("panes=original,webp&anchor=0", 0.0, 2),
    ],
)
def test_a_link_written_by_hand_names_the_blend_in_one_way(
    link: str, anchor: float, panes: int, visit: Opener
) -> None:
    page = settled(visit(link), panes)
    shown = {one["id"]: one for one in state_of(page)["panes"]}
    assert len(shown) == panes
    expect(page.locator("figure.pane[data-state=ready]")).to_have_count(panes)
    assert (f"mode-{anchor}" in shown) is (0 < anchor < 1)
    assert page.get_by_role("slider", name="anchor").input_value() == str(anchor).removesuffix(".0")


CURVES = """() => {
  const plot = document.querySelector("#rd-plot");
  const ends = ({range}) => range.map((end) => Number(end.toPrecision(5)));
  const told = (name) => document.querySelector(`[data-rd=${name}]`).value;
  const legend = [...document.querySelectorAll(".rd-entry")];
  return {
    drawn: plot.data.flatMap((one, i) => (one.visible ? i : [])),
    axes: [plot.layout.xaxis.type, ...ends(plot.layout.xaxis), ...ends(plot.layout.yaxis)],
    chosen: ["dataset", "metric", "reference"].map(told),
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
    expect(page.locator("#rd-plot .ytitle")).to_contain_text("LPIPS (AlexNet)")
    page.locator("[data-rd=log]").uncheck()
    page.locator("[data-rd=reference]").select_option(index=1)
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
    link = page.evaluate("location.hash")
    again = settled(open_page(link), 2)
    assert drawn(again) == shown
    assert "rd-reference=" in link
    drawn_by(again, "location.hash = '#image=coffee&panes=original,webp'")
    assert drawn(again) == before
    drawn_by(again, f"location.hash = '{link.replace('rd-reference=', 'rd-anchor=')}'")
    assert drawn(again) == shown
    assert shown["ticked"] != before["ticked"]
    assert shown["axes"] != before["axes"]
    expect(again.get_by_role("button", name="pin 1", exact=True)).to_be_visible()
    assert state_of(again) == state_of(page)


def test_what_a_link_asks_for_in_vain_is_said_with_its_reason(visit: Opener) -> None:
    page = settled(visit("panes=original,jpeg,foo,jpeg@9999,jpeg@x&bpp=abc"), 2)
    expect(page.locator("#viewer .status")).to_have_text(
        "2 of 2 panes at 0.1 bpp. "
        "Left out, there is no such pane here: “foo”; "
        "a rate is a number between 0.001 and 8, as 0.05: “jpeg@9999”, “jpeg@x”. "
        "The rate is 0.1 instead of “abc”, which is no number between 0.001 and 8."
    )


EVIL_LINKS = [
    f"#image={EVIL}&panes={EVIL}",
    "#image=${document.documentElement.dataset.bad=1}&mode={{bad}}",
    "#image=astronaut&panes=original,x${alert(1)},javascript:alert(1)",
    "#image=astronaut&panes=original,mode-0.5x",
    "#bpp=NaN&scale=-1&cx=1e999&gain=%00&panes=,,,&image=__proto__",
]


def test_nothing_in_the_address_is_executed(open_page: Opener) -> None:
    page = open_page(EVIL_LINKS[0])
    page.wait_for_selector("#viewer[data-state]")
    for link in EVIL_LINKS:
        page.evaluate("(link) => { location.hash = link }", link)
        page.wait_for_function(
            "['chelsea', 'astronaut'].includes(JSON.parse(viewer.dataset.state).image)"
        )
    settled(page)
    assert page.evaluate("document.documentElement.dataset.bad") is None
