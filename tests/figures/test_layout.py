"""Where things go on a figure: equal cells, nothing on anything else, text at its size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mode_core.figures.grid import NARROW_IN, grid_of
from mode_core.figures.letters import ASCENT, length
from mode_core.figures.making import Laid
from mode_core.figures.plan import Crop, Figure, FigureError, Options, Pane
from tests.figures.made import BPP, EVIL, PHOTO, SIZE, darker, figure, laid, panes

TWO = ((100, 60, 120, 90), (10, 150, 61, 47))
KINDS: list[dict[str, Any]] = [
    {},
    {"shown": panes(1), "width_in": 2},
    {"shown": panes(5), "crops": TWO},
    {"shown": panes(5), "crops": TWO, "width_in": 7.16, "text_pt": 8},
    {"shown": panes(9), "width_in": 10, "rows": 1, "of": "picture"},
    {"shown": panes(7), "rows": 2, "whole": False, "width_in": 6.875, "crops": TWO},
    {"shown": (*panes(2), Pane(EVIL, darker(9)), Pane("x" * 60, darker(8), 2 * SIZE, BPP))},
]


def boxes_of(one: Laid) -> list[tuple[float, float, float, float]]:
    """What each picture and each line of text covers, in dots."""
    found = []
    for x, y, pixels in one.page.pictures:
        height, width, _ = pixels.shape
        found.append((x, y, x + width, y + height))
    for word in one.page.words:
        if word.text.startswith("(") and word.bold:
            continue  # a crop's letter lies on its picture
        size = word.points / 72 * one.page.dpi
        wide = length(word.text, size, word.bold)
        left = word.x - wide if word.right else word.x
        # capitals: ascenders and descenders of two lines may share a gap
        found.append((left, word.y - 0.72 * size, left + wide, word.y))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_lies_on_anything_else_or_outside_the_page(kind: dict[str, Any]) -> None:
    one = laid(**kind)
    boxes = boxes_of(one)
    slack = 0.5
    for at, (a, b, c, d) in enumerate(boxes):
        assert min(a, b) >= -slack
        assert c <= one.page.width + slack
        assert d <= one.page.height + slack
        for e, f, g, h in boxes[at + 1 :]:
            assert c <= e + slack or g <= a + slack or d <= f + slack or h <= b + slack


@pytest.mark.parametrize("kind", KINDS)
def test_all_cells_are_equal_and_hold_whole_squares_of_pixels(kind: dict[str, Any]) -> None:
    one = laid(**kind)
    wide, high = one.grid.cell
    cells = one.page.pictures[: len(one.grid.cuts) * (len(one.figure.panes) + 1)]
    assert {cell.pixels.shape for cell in cells} == {(high, wide, 3)}
    images = [PHOTO, *(pane.image for pane in one.figure.panes)]
    shown = [(cut, image) for cut in one.grid.cuts for image in images]
    for cell, (cut, image) in zip(cells, shown, strict=True):
        pixels = cell.pixels[:: cut.enlarged, :: cut.enlarged]
        assert np.array_equal(pixels, cut.box.of(image))
        assert np.array_equal(cell.pixels, cut.dots(image))


@pytest.mark.parametrize("width", [2, 3.25, 3.5, 6.875, 7.16, 10])
@pytest.mark.parametrize("text", [7, 7.5, 8])
def test_a_figure_has_its_width_and_its_text_in_print(width: float, text: float) -> None:
    one = laid(width_in=width, text_pt=text, shown=panes(2))
    assert one.inches[0] == pytest.approx(width)
    assert {word.points for word in one.page.words} <= {7.0, text}
    named = next(word for word in one.page.words if word.text == "Original")
    assert named.points == text


def test_cells_that_would_be_narrow_go_into_two_rows() -> None:
    one, two = grid_of(figure(shown=panes(2), whole=False)), grid_of(figure(shown=panes(5)))
    assert (one.rows, two.rows, two.columns) == (1, 2, 3)
    assert two.cell_in >= NARROW_IN
    wide = grid_of(figure(shown=panes(5), width_in=6.875, crops=TWO))
    assert (wide.rows, wide.cell_in) == (1, pytest.approx(NARROW_IN, abs=0.2))
    assert round(wide.cell_in, 2) >= NARROW_IN
    assert "wide" not in " ".join(laid(TWO, shown=panes(5), width_in=6.875).hints)
    assert grid_of(figure(shown=panes(5), rows=1, whole=False)).rows == 1
    assert grid_of(figure(shown=panes(5), rows=2, width_in=7)).rows == 2
    with pytest.raises(FigureError, match=r"cells would be 0\.2\d inches wide; choose fewer"):
        grid_of(figure(shown=panes(9), rows=1, width_in=3.25, whole=False))


def test_crops_of_several_sizes_are_cut_around_their_middle_and_that_is_told() -> None:
    one = laid(TWO)
    for crop, cut in zip(one.figure.crops, one.grid.cuts, strict=True):
        kept = cut.box.width * cut.box.height / (crop.width * crop.height)
        assert kept > 0.8
        assert abs((cut.box.x - crop.x) - (crop.width - cut.box.width) / 2) <= 1
        assert abs((cut.box.y - crop.y) - (crop.height - cut.box.height) / 2) <= 1
    assert any("for equal cells" in hint for hint in one.hints)
    assert laid().hints == []


sizes = st.tuples(st.integers(8, 360), st.integers(8, 240))


@settings(max_examples=30)
@given(st.lists(sizes, min_size=1, max_size=4), st.integers(1, 5), st.booleans())
def test_any_crops_give_equal_cells_or_a_sentence(
    crops: list[tuple[int, int]], count: int, whole: bool
) -> None:
    one = figure([(0, 0, *size) for size in crops], panes(count), whole=whole, width_in=6.875)
    try:
        grid = grid_of(one)
    except FigureError:
        assert len(crops) > 1  # one alone always has cells of its own shape
        return
    wide, high = grid.cell
    for cut, crop in zip(grid.cuts, one.crops, strict=True):
        assert cut.dots(PHOTO).shape == (high, wide, 3)
        right, bottom = cut.box.x + cut.box.width, cut.box.y + cut.box.height
        assert crop.x <= cut.box.x < right <= crop.x + crop.width
        assert crop.y <= cut.box.y < bottom <= crop.y + crop.height
    assert grid.width / grid.dpi == pytest.approx(6.875)


def test_pixels_finer_than_print_are_reduced_by_a_whole_number_and_that_is_told() -> None:
    photo = np.zeros((1500, 2000, 3), np.uint8)
    many = Figure(photo, (Pane("A", photo), Pane("B", photo)), (Crop(0, 0, 1990, 1480),))
    grid = grid_of(many)
    assert grid.cuts[0].reduced > 1
    assert grid.cuts[0].dots(photo).shape[1::-1] == grid.cell


def test_red_boxes_stand_where_the_crops_are() -> None:
    one = laid(TWO)
    whole = one.page.pictures[-1]
    height, width, _ = whole.pixels.shape
    for cut, frame in zip(one.grid.cuts, one.page.frames, strict=True):
        assert frame.x == pytest.approx(cut.box.x * width / 360)
        assert frame.y == pytest.approx(cut.box.y * height / 240)
        assert frame.width == pytest.approx(cut.box.width * width / 360)
        assert frame.x + frame.width <= width
        assert frame.y + frame.height <= height
    named = [word.text for word in one.page.words if word.bold and word.text.startswith("(")]
    assert named == ["(a)", "(b)", "(a)", "(b)"]
    assert not laid(TWO, whole=False).page.frames


def test_lines_end_a_text_height_above_the_end_of_the_page() -> None:
    for kind in KINDS:
        one = laid(**kind)
        lowest = max(y2 for _, _, _, y2 in boxes_of(one))
        assert 0 <= one.page.height - lowest < one.page.dpi * 8 / 72 * (ASCENT + 0.6)


@pytest.mark.parametrize(
    ("crops", "said"),
    [
        ([], "1 to 4 crops"),
        ([(0, 0, 9, 9)] * 5, "1 to 4 crops"),
        ([(340, 0, 40, 20)], "not inside the picture of 360x240"),
        ([(-1, 0, 4, 4)], "not inside"),
        ([(0, 0, 0, 4)], "not inside"),
    ],
)
def test_impossible_crops_are_refused(crops: list[tuple[int, ...]], said: str) -> None:
    with pytest.raises(FigureError, match=said):
        figure(crops)


def test_a_pane_of_another_size_is_refused() -> None:
    with pytest.raises(FigureError, match="MoDE-F has another size"):
        figure(shown=(Pane("MoDE-F", PHOTO[1:]),))


def test_a_figure_higher_than_a_page_is_refused() -> None:
    with pytest.raises(FigureError, match="inches high"):
        laid([(0, 0, 90, 170)] * 4, width_in=10, shown=panes(1))


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"width": 3},
        {"width_in": 1},
        {"width_in": float("nan")},
        {"width_in": True},
        {"width_in": "3"},
        {"text_pt": 6},
        {"text_pt": None},
        {"rows": 3},
        {"rows": 1.0},
        {"of": "all"},
        {"of": ["crops"]},
        {"whole": 1},
        {"metrics": "psnr,lpips"},
        {"metrics": [["psnr"]]},
        {"metrics": ["fid"]},
    ],
)
def test_options_of_another_shape_are_refused(wrong: object) -> None:
    with pytest.raises(FigureError):
        Options.parse(wrong)


def test_options_are_read_as_they_are_written() -> None:
    some = Options(7.16, 8.0, 2, ("psnr", "ssimulacra2"), "picture", False)
    assert Options.parse(some.as_json()) == some
    assert Options.parse({}) == Options()
