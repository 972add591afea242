"""What costs more than it shows is refused unseen by a decoder, and nothing else is."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo
from skimage import data as photos

from mode_core.errors import UnsupportedImage
from mode_core.pictures.files import load_picture
from mode_core.pictures.structure import MAX_SCANS, check_structure
from tests.conftest import make_photo
from tests.made_up.traps import TRAPS, chunk, many_scans, overlapping_tags, png_with


@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_refused_before_a_decoder_sees_it(
    trap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = TRAPS[trap]()
    monkeypatch.setattr(Pillow, "open", lambda *_, **__: pytest.fail("a decoder got it"))
    with pytest.raises(UnsupportedImage, match=r"^the uploaded picture (is|has) ") as caught:
        load_picture(data)
    assert "\n" not in str(caught.value)


def test_exif_that_its_reader_would_copy_over_and_over_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A PNG may hold it behind its pixels, or as text, so the walk leaves it to the reader."""
    block = overlapping_tags(4000, 60_000)
    monkeypatch.setattr(Pillow.Exif, "load", lambda *_: pytest.fail("it was read"))
    text = b"\nexif\n" + b"%8d\n" % len(block) + block.hex().encode()
    for kind, body in ((b"eXIf", block), (b"tEXt", b"Raw profile type exif\0" + text)):
        assert load_picture(png_with(chunk(kind, body))).pixels.shape == (8, 8, 3)


def test_as_many_scans_as_are_allowed_are_read() -> None:
    few = MAX_SCANS - many_scans(0).count(b"\xff\xda")
    assert load_picture(many_scans(few)).pixels.shape == (64, 64, 3)
    with pytest.raises(UnsupportedImage, match="more than 100 scans"):
        load_picture(many_scans(few + 1))


def saved(picture: Pillow.Image, format: str, **options: Any) -> bytes:
    """As this program writes it; on copies, since Pillow leaves settings behind on each."""
    file = BytesIO()
    if more := options.get("append_images"):
        options = options | {"append_images": [one.copy() for one in more]}
    picture.copy().save(file, format, **options)
    return file.getvalue()


def _texts() -> PngInfo:
    texts = PngInfo()
    for number in range(40):
        texts.add_itxt(f"key {number}", "words " * 500, zip=True)
    return texts


def _exif() -> Pillow.Exif:
    exif = Pillow.Exif()
    exif[0x010F], exif[0x0112], exif[0x9286] = "a maker", 1, "words " * 4000
    return exif


PHOTO = Pillow.fromarray(make_photo(150, 210))
OTHER = Pillow.fromarray(make_photo(150, 210, seed=8))
DEEP = Pillow.fromarray(np.arange(150 * 210, dtype=np.uint16).reshape(150, 210))
HONEST = {
    "jpeg progressive": (PHOTO, "JPEG", {"progressive": True, "quality": 98}),
    "jpeg with restarts": (PHOTO, "JPEG", {"restart_marker_blocks": 1}),
    "jpeg of four colours": (PHOTO.convert("CMYK"), "JPEG", {}),
    "jpeg with all that editors add": (
        PHOTO,
        "JPEG",
        {"exif": _exif(), "comment": b"words " * 9000, "icc_profile": bytes(200_000)},
    ),
    "jpeg of a phone": (PHOTO, "MPO", {"save_all": True, "append_images": [OTHER] * 3}),
    "png with texts": (PHOTO, "PNG", {"pnginfo": _texts(), "exif": _exif()}),
    "png of 16 bits": (DEEP, "PNG", {}),
    "png in motion": (PHOTO, "PNG", {"save_all": True, "append_images": [OTHER] * 30}),
    "png of a palette": (PHOTO.quantize(), "PNG", {"bits": 8}),
    "gif in motion": (PHOTO, "GIF", {"save_all": True, "append_images": [OTHER] * 30}),
    "gif with a comment": (PHOTO, "GIF", {"comment": b"words " * 9000}),
    "webp in motion": (PHOTO, "WEBP", {"save_all": True, "append_images": [OTHER] * 9}),
    "webp": (PHOTO, "WEBP", {"lossless": True, "exif": _exif()}),
    "avif": (PHOTO, "AVIF", {"exif": _exif().tobytes(), "icc_profile": bytes(3000)}),
    "avif with alpha": (PHOTO.convert("RGBA"), "AVIF", {"subsampling": "4:4:4"}),
    "avif in tiles": (PHOTO, "AVIF", {"tile_rows": 2, "tile_cols": 2, "autotiling": False}),
    "avif in motion": (PHOTO, "AVIF", {"save_all": True, "append_images": [OTHER] * 4}),
    **{
        f"tiff {packed}": (PHOTO, "TIFF", {"compression": packed})
        for packed in (None, "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits", "lzma", "zstd")
    },
    "tiff of many strips": (PHOTO, "TIFF", {"strip_size": 1}),
    "tiff, big": (PHOTO, "TIFF", {"big_tiff": True}),
    "tiff of pages": (PHOTO, "TIFF", {"save_all": True, "append_images": [OTHER] * 9}),
    "tiff of 16 bits": (DEEP, "TIFF", {}),
    "bmp": (PHOTO, "BMP", {}),
    "ppm": (PHOTO, "PPM", {}),
    "pbm": (PHOTO.convert("1"), "PPM", {}),
}


@pytest.mark.parametrize("kind", HONEST)
def test_what_honest_programs_write_is_read(kind: str) -> None:
    picture, format, options = HONEST[kind]
    assert load_picture(saved(picture, format, **options)).pixels.shape == (150, 210, 3)


def test_a_tiled_tiff_is_read() -> None:
    import tifffile

    file = BytesIO()
    tifffile.imwrite(file, make_photo(150, 210), tile=(16, 16), photometric="rgb")
    assert load_picture(file.getvalue()).pixels.shape == (150, 210, 3)


def test_plain_ppm_with_comments_is_read() -> None:
    text = b"P3 # by hand\n# two\n2 1\n255\n" + b"1 2 3 # a pixel\n4 5 6\n"
    assert load_picture(text).pixels.tolist() == [[[1, 2, 3], [4, 5, 6]]]


def test_a_walk_over_damage_ends_and_says_nothing_else() -> None:
    """Bytes cut and changed anywhere: a format, or a sentence."""
    rng = np.random.default_rng(4)
    for picture, format, options in HONEST.values():
        whole = saved(picture, format, **options)
        for _ in range(20):
            data = bytearray(whole[: int(rng.integers(1, len(whole)))])
            for place in rng.integers(0, min(len(data), 600), 4):
                data[place] = int(rng.integers(0, 256))
            with suppress(UnsupportedImage):
                assert check_structure(bytes(data), "this")


def test_the_samples_of_this_page_pass() -> None:
    for photo in (photos.astronaut(), photos.chelsea()):
        assert check_structure(saved(Pillow.fromarray(photo), "JPEG"), "it") == "JPEG"
