"""Files that hide more than they say are recognised from their headers alone."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from skimage import data

from mode_core.codecs.classical.avif import avif_size
from mode_core.codecs.classical.jxl import jxl_size
from mode_core.codecs.registry import load_codec
from mode_core.pictures.sizes import Bits, webp_size
from mode_core.pictures.sizes import jxl_size as declared_jxl_size
from mode_core.types import Image, Target


def payload(id: str, image: Image, quality: int = 30) -> bytes:
    return load_codec(id).encode(image, Target(quality=quality)).streams[0].payload


def low_first(value: int, width: int) -> str:
    return f"{value:0{width}b}"[::-1]


def packed(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[place : place + 8][::-1], 2) for place in range(0, len(bits), 8))


# JPEG XL, put together bit by bit: size 8 x 8, defaults, then frames

START = packed(low_first(0x0AFF, 16) + "1" + low_first(0, 5) + low_first(1, 3) + "11")
ONE_SECTION = packed("0") + packed("00" + low_first(3, 10)) + b"abc"


def side(pixels: int) -> str:
    return low_first(3, 2) + low_first(pixels - 18_688, 30)


def reference(crop: str) -> bytes:
    """A reference frame's header: modular, smallest groups, kept in place 3, default filter."""
    head = "0" + low_first(2, 2) + "1" + "00" + "00" + "00" + crop + "110" + "00" + "1" + "0000"
    return aligned(head)


def regular(crop: str = "0", passes: str = "00", blend: str = "00", last: str = "1") -> bytes:
    """A regular frame's header: coded by blocks, with quantizer strengths, default filter."""
    head = "0" + "00" + "0" + "00" + "00" + "010110" + passes + crop + blend + last + "00" + "1"
    return aligned(head + "0000")


def aligned(head: str) -> bytes:
    """A header, the flag "not permuted", and the section table of one section of 3 bytes."""
    return packed(head + "0") + packed("00" + low_first(3, 10)) + b"abc"


def test_the_handmade_file_is_of_the_right_form() -> None:
    assert jxl_size(START + regular()) == (8, 8)
    assert jxl_size(START + reference("0") + regular()) == (8, 8)
    assert jxl_size(START + aligned("1")) == (8, 8)
    assert declared_jxl_size(START + regular()) == (8, 8)


@pytest.mark.parametrize(
    ("rest", "what"),
    [
        (b"", "no frame"),
        (reference("0"), "no regular frame"),
        (reference("0") * 4 + regular(), "many reference frames"),
        (reference("1" + side(60_000) + side(60_000)) + regular(), "a giant reference frame"),
        (regular(crop="1" + side(60_000) * 4), "a giant cropped frame"),
        (regular(last="0") + regular(), "many regular frames"),
        (regular(passes="10"), "many passes"),
        (regular(blend="10"), "blending"),
        (regular() + b"\0", "bytes behind the end"),
        (regular()[:-1], "a section cut off"),
        (aligned("1") + regular(), "a frame behind one of defaults, which is the last"),
    ],
)
def test_a_jpeg_xl_of_another_form_is_refused(rest: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=r"JPEG XL|cut off"):
        jxl_size(START + rest)


def test_every_quality_makes_a_file_that_is_let_through() -> None:
    photo = data.astronaut()[:256, :256]
    files = [payload("jxl", photo, quality) for quality in (*range(0, 256, 51), 190)]
    # some of them have settings that are all defaults, and so are not written
    assert {file[4] & 1 for file in files} == {0, 1}
    assert {jxl_size(file) for file in files} == {(256, 256)}


def test_glyphs_that_repeat_are_kept_in_a_reference_frame_and_let_through() -> None:
    rng = np.random.default_rng(0)
    glyph = np.where(rng.random((9, 7, 1)) < 0.5, 0, 255).astype(np.uint8).repeat(3, -1)
    page = np.full((240, 320, 3), 255, np.uint8)
    for top in range(8, 220, 16):
        for left in range(8, 300, 12):
            page[top : top + 9, left : left + 7] = glyph
    file = payload("jxl", page, 200)
    frame = Bits(file, 8 * 4)
    assert frame.take(1) == 0
    assert frame.take(2) == 2, "this picture was to make libjxl write a reference frame"
    assert jxl_size(file) == (320, 240)


# AVIF: ours, with one thing changed


def boxed(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def moved(file: bytes, offset: int, length: int) -> bytes:
    """The file with its one item said to lie elsewhere."""
    at = file.index(b"iloc") + 4 + 14
    start, size = struct.unpack_from(">II", file, at)
    return file[:at] + struct.pack(">II", start + offset, size + length) + file[at + 8 :]


def test_an_avif_that_our_encoder_wrote_is_let_through(photo: Image) -> None:
    for quality in (0, 30, 63):
        assert avif_size(payload("avif", photo, quality)) == (101, 67)


def test_an_avif_of_another_form_is_refused(photo: Image) -> None:
    file = payload("avif", photo)
    data = file.index(b"mdat") + 4
    sequence = file[data + 2 : data + 4 + file[data + 3]]
    hidden = file[: data - 8] + boxed(b"mdat", file[data:] + sequence)
    unsized = bytes([file[data] & ~2])
    for other in (
        b"",
        file[:-1],
        file + b"\0",
        file + boxed(b"free", b""),
        file + boxed(b"moov", b""),
        file[: data - 8] + boxed(b"free", b"") + file[data - 8 :],
        moved(file, 4, -4),
        moved(file, 0, -1),
        hidden,
        moved(hidden, 0, len(sequence)),
        file[:data] + unsized + file[data + 1 :],
        file.replace(b"pitm", b"idat"),
    ):
        with pytest.raises(ValueError, match=r"AVIF|AV1"):
            avif_size(other)


# WebP: sizes of all three kinds


@pytest.mark.parametrize("size", [(1, 1), (16_383, 2), (300, 16_383)])
def test_webp_sizes_are_read_as_written(size: tuple[int, int]) -> None:
    width, height = size
    lossy = b"VP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height)
    bits = width - 1 | height - 1 << 14
    lossless = b"VP8L\0\0\0\0\x2f" + struct.pack("<I", bits) + b"\0" * 5
    canvas = b"VP8X\0\0\0\0\0\0\0\0" + b"".join((v - 1).to_bytes(3, "little") for v in size)
    for kind in (lossy, lossless, canvas):
        assert webp_size(b"RIFF\0\0\0\0WEBP" + kind) == size
        with pytest.raises(ValueError, match="WebP"):
            webp_size(b"RIFF\0\0\0\0WEBP" + kind[:-1])
