"""The files of a figure: the same bytes every time, pixels without loss, text as text."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np
import pytest

from mode_core.figures.draw import to_pdf, to_png
from mode_core.figures.making import Laid, zipped
from mode_core.figures.record import file_hash
from mode_core.types import Image
from tests.conftest import PYTHON, ROOT, process
from tests.figures.made import EVIL, Pane, darker, laid, opened, panes
from tests.made_up.pngs import raw_png

TWO = ((100, 60, 120, 90), (10, 150, 61, 47))


@pytest.fixture(scope="module")
def drawn() -> tuple[Laid, bytes]:
    one = laid(TWO, shown=(*panes(2), Pane(EVIL, darker(9))), text_pt=8)
    return one, to_pdf(one.page)


def streams(pdf: bytes) -> list[bytes]:
    """What a PDF holds, unpacked."""
    found = []
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        try:
            found.append(zlib.decompress(packed))
        except zlib.error:
            found.append(packed)
    return found


def test_pixels_of_the_png_are_the_decoders(drawn: tuple[Laid, bytes]) -> None:
    one, _ = drawn
    page = opened(to_png(one.page))
    assert page.shape == (one.page.height, one.page.width, 3)
    letters = {(patch.x, patch.y) for patch in one.page.patches}
    cells = one.page.pictures[:-1]
    clear = [cell for cell in cells if (cell.x, cell.y) not in letters]
    assert len(clear) == len(cells) - 2
    for x, y, pixels in clear:
        height, width, _ = pixels.shape
        assert np.array_equal(page[y : y + height, x : x + width], pixels)


def test_red_boxes_are_drawn_in_the_png(drawn: tuple[Laid, bytes]) -> None:
    one, _ = drawn
    page = opened(to_png(one.page))
    for frame in one.page.frames:
        x, y = round(frame.x), round(frame.y + frame.height / 2)
        assert tuple(page[y, x]) == (224, 0, 0)


def test_the_preview_has_the_same_layout(drawn: tuple[Laid, bytes]) -> None:
    one, _ = drawn
    small = opened(to_png(one.page, 300))
    assert small.shape[1] == 300
    assert small.shape[0] == pytest.approx(one.page.height * 300 / one.page.width, abs=1)


def test_bytes_are_the_same_every_time(drawn: tuple[Laid, bytes]) -> None:
    one, pdf = drawn
    assert to_pdf(one.page) == pdf
    assert to_png(one.page) == to_png(one.page)
    assert one.drawn("tex") == one.drawn("tex")
    assert zipped({"a.png": b"1", "b.json": b"2"}) == zipped({"a.png": b"1", "b.json": b"2"})


def test_another_process_on_another_day_draws_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "from hashlib import sha256\nfrom tests.figures.made import laid\n"
        "one = laid()\nprint(*(sha256(one.drawn(e)).hexdigest() for e in ('pdf', 'png')))"
    )
    one = laid()
    here = [file_hash(one.drawn(ending)) for ending in ("pdf", "png")]
    env = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "HOME": str(tmp_path), "LC_ALL": "C"}
    (tmp_path / "matplotlibrc").write_text("pdf.fonttype: 3\nfont.size: 20\nsavefig.dpi: 50\n")
    there = process(PYTHON, "-c", code, cwd=tmp_path, env=env)
    assert there.stdout.split() == here, there.stderr


def test_the_pdf_has_the_size_of_its_page_and_text_at_its_size(
    drawn: tuple[Laid, bytes],
) -> None:
    one, pdf = drawn
    (box,) = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf)
    wide, high = (float(side) / 72 for side in box)
    assert (wide, high) == pytest.approx(one.inches, rel=1e-4)
    assert wide == pytest.approx(3.25)
    sizes = {
        float(size) for text in streams(pdf) for size in re.findall(rb"/F\d\S* ([\d.]+) Tf", text)
    }
    assert sizes == {7.0, 8.0}


def test_text_is_text_with_fonts_that_are_in_the_file(drawn: tuple[Laid, bytes]) -> None:
    _, pdf = drawn
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"/ToUnicode" in pdf
    shown = b"\n".join(text for text in streams(pdf) if b" Tf" in text)
    assert shown.count(b"BT") >= 20


def test_the_pdf_holds_no_date_and_nothing_of_this_machine(drawn: tuple[Laid, bytes]) -> None:
    _, pdf = drawn
    assert b"CreationDate" not in pdf
    assert str(ROOT).encode() not in pdf


def test_the_pdf_holds_every_pixel_without_loss() -> None:
    """Few-coloured noise would be palettised, so this picture has all its pixels different."""
    one = laid(((100, 60, 120, 90),), shown=panes(1), whole=False)
    pdf = to_pdf(one.page)
    assert b"/DCTDecode" not in pdf
    assert b"/JPXDecode" not in pdf
    wanted = one.page.pictures[0].pixels
    found = re.findall(rb"/Predictor 10.*?stream\r?\n(.*?)\r?\nendstream", pdf, re.S)
    rows = [unfiltered(zlib.decompress(stream), wanted.shape[1]) for stream in found]
    # matplotlib stores rows from the bottom up and turns them in the page's matrix.
    assert any(np.array_equal(decoded[::-1], wanted) for decoded in rows)


def unfiltered(data: bytes, width: int) -> Image:
    """PNG row filters undone: what a PDF reader does with /Predictor 10."""
    lines = np.frombuffer(data, np.uint8)
    if len(lines) % (3 * width + 1):
        return np.zeros((0, 0, 3), np.uint8)
    lines = lines.reshape(-1, 3 * width + 1)
    return opened(raw_png(width, len(lines), 8, 2, lines.tobytes()))
