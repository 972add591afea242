"""The figure for a paper: exact pixels, boxes in the right place, honest captions."""

from __future__ import annotations

import io
import re
import zlib
from itertools import pairwise

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from app.viewer import figure
from app.viewer.figure import Crop, FigurePane, Layout, cut, enlarge, paper_layout, to_pdf, to_png
from mode_core.types import Image
from tests.conftest import make_photo
from tests.made_up.pngs import raw_png

CROPS = [Crop(10, 5, 40, 30), Crop(60, 20, 30, 30)]


@pytest.fixture(scope="module")
def original() -> Image:
    return make_photo(80, 120)


@pytest.fixture(scope="module")
def layout(original: Image) -> Layout:
    panes = [
        FigurePane("MoDE-F", 255 - original, {"bpp": 0.1, "psnr": 28.5, "lpips": 0.21}),
        FigurePane("MoDE-P", original // 2, {"bpp": 0.1, "psnr": float("inf"), "dists": 0.05}),
    ]
    return paper_layout(original, panes, CROPS)


def test_crops_in_the_png_are_the_decoders_pixels(original: Image, layout: Layout) -> None:
    page = np.asarray(PIL.Image.open(io.BytesIO(to_png(layout))))
    inverted = layout.pictures[3]
    scale = inverted.pixels.shape[0] // CROPS[0].height
    assert np.array_equal(inverted.pixels, enlarge(cut(255 - original, CROPS[0]), scale))
    height, width, _ = inverted.pixels.shape
    shown = page[inverted.y : inverted.y + height, inverted.x : inverted.x + width]
    assert np.array_equal(shown, inverted.pixels)


def test_red_boxes_stand_where_the_crops_are(original: Image, layout: Layout) -> None:
    page = np.asarray(PIL.Image.open(io.BytesIO(to_png(layout))))
    context = layout.pictures[0]
    scale = context.pixels.shape[1] / original.shape[1]
    for crop in CROPS:
        x, y = context.x + int(crop.x * scale), context.y + int(crop.y * scale)
        assert tuple(page[y, x]) == (224, 0, 0)
        assert tuple(page[y + int(crop.height * scale) // 2, x]) == (224, 0, 0)


def test_nothing_lies_outside_the_page_or_on_another_picture(layout: Layout) -> None:
    boxes = []
    for picture in layout.pictures:
        height, width, _ = picture.pixels.shape
        boxes.append((picture.x, picture.y, picture.x + width, picture.y + height))
        assert picture.x + width <= layout.width
        assert picture.y + height <= layout.height
    for i, (a, b, c, d) in enumerate(boxes):
        for e, f, g, h in boxes[i + 1 :]:
            assert c <= e or g <= a or d <= f or h <= b


def test_the_pdf_holds_the_same_pixels_without_loss(layout: Layout) -> None:
    pdf = to_pdf(layout)
    assert b"/DCTDecode" not in pdf
    assert b"/JPXDecode" not in pdf
    sizes = {(p.pixels.shape[1], p.pixels.shape[0]) for p in layout.pictures}
    widths, heights = (
        map(int, re.findall(rb"/%s (\d+)" % side, pdf)) for side in (b"Width", b"Height")
    )
    assert sizes <= set(zip(widths, heights, strict=True))


def test_the_pdf_embeds_its_fonts_and_is_the_same_every_time(layout: Layout) -> None:
    pdf = to_pdf(layout)
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert pdf == to_pdf(layout)


def test_pdf_pixels_survive_bit_for_bit() -> None:
    """Few-coloured noise would be palettised, so this picture has all its pixels different."""
    ramp = np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3)
    picture = (ramp * 2654435761 >> 13 & 255).astype(np.uint8)
    layout = paper_layout(picture, [FigurePane("A", picture)], [Crop(0, 0, 64, 64)])
    streams = re.findall(rb"/Predictor 10.*?stream\r?\n(.*?)\r?\nendstream", to_pdf(layout), re.S)
    wanted = layout.pictures[1].pixels
    rows = [unfiltered(zlib.decompress(stream), wanted.shape[1]) for stream in streams]
    # matplotlib stores rows from the bottom up and turns them in the page's matrix.
    assert any(np.array_equal(decoded[::-1], wanted) for decoded in rows)


def unfiltered(data: bytes, width: int) -> Image:
    """PNG row filters undone: what a PDF reader does with /Predictor 10."""
    lines = np.frombuffer(data, np.uint8)
    if len(lines) % (3 * width + 1):
        return np.zeros((0, 0, 3), np.uint8)
    lines = lines.reshape(-1, 3 * width + 1)
    png = raw_png(width, len(lines), 8, 2, lines.tobytes())
    return np.asarray(PIL.Image.open(io.BytesIO(png)))


def test_captions_show_a_dash_for_what_one_pane_does_not_know() -> None:
    black = np.zeros((1, 1, 3), np.uint8)
    some = FigurePane("A", black, {"bpp": 0.10123, "psnr": float("inf"), "dists": 0.05})
    more = FigurePane("B", black, {"bpp": 0.1, "psnr": 30, "lpips": 0.25, "dists": 0.06})
    assert figure.caption_columns([some, more]) == [
        ["bpp", "PSNR [dB]", "LPIPS", "DISTS"],
        ["0.1012", "∞", "\u2013", "0.0500"],
        ["0.1000", "30.00", "0.2500", "0.0600"],
    ]


def test_a_figure_says_that_its_numbers_are_not_those_of_the_crops() -> None:
    original = np.zeros((40, 60, 3), np.uint8)
    page = figure.paper_layout(
        original, [FigurePane("A", original, {"bpp": 0.1})], [figure.Crop(0, 0, 20, 20)]
    )
    names = [word for word in page.words if word.text in ("bpp", "of the whole picture")]
    assert [word.text for word in names] == ["bpp", "of the whole picture"]
    assert names[1].y + figure.LINE <= page.height


def test_captions_leave_out_what_no_pane_knows() -> None:
    pane = FigurePane("A", np.zeros((1, 1, 3), np.uint8), {"bpp": 0.1, "lpips": 0.2})
    names, numbers = figure.caption_columns([pane])
    assert dict(zip(names, numbers, strict=True)) == {"bpp": "0.1000", "LPIPS": "0.2000"}


@pytest.mark.parametrize("name", ["MS-ILLM public", "A codec with quite a long name"])
def test_licences_stand_whole_in_their_own_columns(name: str) -> None:
    terms = (
        "Creative Commons Attribution-NonCommercial 4.0 International",
        "CC-BY-NC 4.0; no licence stated",
        "",
        "MIT",
        "x" * 60,
    )
    photo = make_photo(64, 64)
    panes = [FigurePane(name, photo, {"bpp": 0.1}, one) for one in terms]
    page = paper_layout(photo, panes, [Crop(0, 0, 30, 10)])
    lefts = [words.x for words in page.words if words.text == name]
    draw = PIL.ImageDraw.Draw(PIL.Image.new("RGB", (1, 1)))
    for left, right, whole in zip(lefts, [*lefts[1:], page.width], terms, strict=True):
        column = [words for words in page.words if words.x == left]
        for words in column:
            width = draw.textlength(words.text, figure._font(words.size, words.bold))
            assert left + width <= right - 5
            assert words.y + words.size < page.height
        said = [words.text for words in column if words.text not in (name, "0.1000")]
        assert ("" if whole.startswith("xx") else " ").join(said) == whole
        heights = [words.y for words in column]
        assert min(b - a for a, b in pairwise(heights)) >= 19


def test_the_page_ends_a_margin_below_what_is_on_it() -> None:
    """A tall picture beside one flat crop: the captions do not reach down to the picture's end."""
    tall = make_photo(400, 100)
    pane = FigurePane("A", tall, {"bpp": 0.1, "psnr": 30.0, "lpips": 0.2, "dists": 0.1})
    for crop in (Crop(0, 0, 60, 20), Crop(0, 0, 60, 60)):
        page = np.asarray(PIL.Image.open(io.BytesIO(to_png(paper_layout(tall, [pane], [crop])))))
        inked = np.flatnonzero((page != 255).any(axis=(1, 2)))
        assert len(page) - inked[-1] < 35


@pytest.mark.parametrize(
    ("crops", "said"),
    [
        ([], "1 to 4 crops"),
        ([Crop(100, 0, 40, 20)], "not inside the picture of 120x80"),
        ([Crop(-1, 0, 4, 4)], "not inside"),
        ([Crop(0, 0, 0, 4)], "not inside"),
    ],
)
def test_impossible_crops_are_refused(original: Image, crops: list[Crop], said: str) -> None:
    with pytest.raises(figure.FigureError, match=said):
        paper_layout(original, [FigurePane("A", original)], crops)


def test_a_pane_of_another_size_is_refused(original: Image) -> None:
    with pytest.raises(figure.FigureError, match="MoDE-F has another size"):
        paper_layout(original, [FigurePane("MoDE-F", original[1:])], CROPS)
