"""Every kind of file that people feed to a codec is read right or refused with a sentence."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow
from PIL import ImageCms

from mode_core.errors import UnsupportedImage
from mode_core.pictures import libjxl  # noqa: F401  (teaches Pillow the format)
from mode_core.pictures.files import BACKDROP, load_picture, note_on_frames, read_image, write_png
from tests.made_up.pngs import raw_png

RNG = np.random.default_rng(3)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]
SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(
    pixels: np.ndarray, format: str = "PNG", mode: str | None = None, **options: Any
) -> bytes:
    picture = Pillow.fromarray(pixels)
    return written(picture.convert(mode) if mode else picture, format, **options)


def written(picture: Pillow.Image, format: str = "PNG", **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def png_16(samples: np.ndarray) -> bytes:
    """A 16-bit PNG of grey, grey and alpha, RGB or RGBA samples."""
    height, width, channels = samples.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return raw_png(width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], rows)


def rounded(samples: np.ndarray) -> np.ndarray:
    return np.round(samples / 257).astype(np.uint8)


# What is read right


def turned_exif(orientation: int) -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


PLAIN = {
    **{format: saved(COLOUR, format) for format in ("PNG", "TIFF", "BMP", "PPM")},
    "alpha that hides nothing": saved(np.dstack([COLOUR, np.full((6, 9), 255, np.uint8)])),
    "an sRGB profile": saved(COLOUR, icc_profile=SRGB_PROFILE),
    **{
        f"orientation {value}, which does not exist": saved(COLOUR, exif=turned_exif(value))
        for value in (0, 9, 255)
    },
}


@pytest.mark.parametrize("data", PLAIN.values(), ids=PLAIN)
def test_what_needs_no_change_is_read_to_the_bit_and_nothing_is_said(data: bytes) -> None:
    picture = load_picture(data)
    assert np.array_equal(picture.pixels, COLOUR)
    assert picture.notes == ()
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    assert picture.pixels.flags.writeable


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "JXL"])
def test_lossy_formats_are_read(format: str, photo: np.ndarray) -> None:
    pixels = read_image(saved(photo, format, quality=95))
    assert pixels.shape == photo.shape
    assert np.abs(pixels.astype(int) - photo).mean() < 8


def test_a_grey_picture_gets_three_equal_channels() -> None:
    picture = load_picture(saved(GREY))
    assert np.array_equal(picture.pixels, np.stack([GREY] * 3, -1))
    assert picture.notes == ("grey, stored as three equal channels",)


def test_a_black_and_white_picture_is_read() -> None:
    pixels = read_image(saved(GREY, mode="1"))
    assert set(np.unique(pixels)) <= {0, 255}


def test_a_palette_picture_gets_its_colours() -> None:
    colours = Pillow.fromarray(COLOUR).quantize(16)
    assert np.array_equal(read_image(written(colours)), np.asarray(colours.convert("RGB")))


def test_transparent_pixels_show_the_backdrop() -> None:
    alpha = np.full((6, 9, 1), 255, np.uint8)
    alpha[:2], alpha[2:4] = 0, 100
    picture = load_picture(saved(np.concatenate([COLOUR, alpha], -1)))
    exact = COLOUR * (alpha / 255) + BACKDROP * (1 - alpha / 255)
    assert np.array_equal(picture.pixels, np.round(exact).astype(np.uint8))
    assert "transparency laid over mid-grey #777777" in picture.notes


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_a_transparent_colour_shows_the_backdrop(mode: str) -> None:
    grey = np.zeros((4, 4), np.uint8)
    grey[2:] = 200
    picture = Pillow.fromarray(grey)
    if mode == "P":
        picture.putpalette([value for value in range(256) for _ in range(3)])
    key: Any = (0, 0, 0) if mode == "RGB" else 0
    found = read_image(written(picture.convert(mode), transparency=key))
    assert (found[:2] == BACKDROP).all()
    assert (found[2:] == 200).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_is_rounded_not_cut(channels: int) -> None:
    samples = RNG.integers(0, 65_536, (5, 8, channels), dtype=np.uint16)
    colours, alpha = samples, None
    if channels in (2, 4):
        colours, alpha = samples[..., :-1], samples[..., -1:]
    expected = rounded(colours)
    if alpha is not None:
        weight = rounded(alpha).astype(int)
        expected = (expected * weight + BACKDROP * (255 - weight) + 127) // 255
    picture = load_picture(png_16(samples))
    assert np.array_equal(picture.pixels, np.broadcast_to(expected, (5, 8, 3)))
    assert "rounded from 16 to 8 bits per channel" in picture.notes


def test_16_bit_tiff_is_rounded_not_cut() -> None:
    samples = RNG.integers(0, 65_536, (5, 8, 3), dtype=np.uint16)
    for order in ("<", ">"):
        tifffile.imwrite(file := BytesIO(), samples, byteorder=order, photometric="rgb")
        assert np.array_equal(read_image(file.getvalue()), rounded(samples))
    grey = samples[..., 0]
    data = saved(grey, "TIFF", compression="tiff_deflate")
    assert np.array_equal(read_image(data)[..., 1], rounded(grey))


def test_cmyk_without_a_profile_is_read_with_a_warning(photo: np.ndarray) -> None:
    picture = load_picture(saved(photo, "JPEG", "CMYK", quality=95))
    assert np.abs(picture.pixels.astype(int) - photo).mean() < 8
    assert picture.notes == ("CMYK without a usable colour profile; the colours are approximate",)


TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_exif_orientation_is_applied_once(format: str, orientation: int) -> None:
    options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {"quality": 100}
    picture = load_picture(saved(COLOUR, format, exif=turned_exif(orientation), **options))
    upright = read_image(saved(COLOUR, format, **options))
    assert np.array_equal(picture.pixels, TURNED[orientation](upright))
    assert bool(picture.notes) == (orientation != 1)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0junk" * 9]
)
def test_broken_exif_is_ignored(exif: bytes) -> None:
    assert read_image(saved(COLOUR, "JPEG", exif=exif)).shape == COLOUR.shape


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_photo_with_an_orientation_and_damage_behind_it_is_turned(format: str) -> None:
    """Pillow reads such EXIF, but cannot write it: the photo is no worse for that."""
    camera = struct.pack("<HHII", 0x011A, 2, 1, 38) + bytes(range(200, 216))
    turn = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + turn + camera
    options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {"quality": 100}
    picture = load_picture(saved(COLOUR, format, exif=exif, **options))
    assert np.array_equal(
        picture.pixels, np.rot90(read_image(saved(COLOUR, format, **options)), -1)
    )


def matrix_profile(primaries: np.ndarray, gamma: float, space: bytes = b"RGB ") -> bytes:
    """A version 2 ICC profile with these D50 primaries (columns) and one gamma for all."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"

    def xyz(column: np.ndarray) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65_536) for v in column))

    white = np.array([0.9642, 1.0, 0.8249])
    text = b"Display P3"
    name = b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" * 79
    name += b"\0" * (-len(name) % 4)
    tags = [(b"desc", name), (b"wtpt", xyz(white)), (b"cprt", b"text\0\0\0\0none\0\0\0\0")]
    if space == b"GRAY":
        tags.append((b"kTRC", curve))
    else:
        keys = (b"rXYZ", b"gXYZ", b"bXYZ")
        tags += [(key, xyz(column)) for key, column in zip(keys, primaries.T, strict=True)]
        tags += [(key, curve) for key in (b"rTRC", b"gTRC", b"bTRC")]
    at, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for key, data in tags:
        table += key + struct.pack(">II", at + len(body), len(data))
        body += data
    head = struct.pack(">I", at + len(body)) + b"\0\0\0\0\x02\x10\0\0mntr" + space + b"XYZ "
    head += (
        b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">3i", *(round(v * 65_536) for v in white))
    )
    return head.ljust(128, b"\0") + table + body


P3 = np.array(
    [[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]]
)
SRGB = np.array(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)


def srgb_from_p3(pixels: np.ndarray, gamma: float) -> np.ndarray:
    """The conversion by its definition: linear light, primaries, transfer curve."""
    light = (pixels / 255) ** gamma @ (np.linalg.inv(SRGB) @ P3).T
    return srgb_of(light.clip(0, 1))


def srgb_of(light: np.ndarray) -> np.ndarray:
    low = light <= 0.0031308
    return 255 * np.where(low, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def test_display_p3_is_converted_to_srgb() -> None:
    muted = RNG.integers(60, 200, (16, 16, 3), dtype=np.uint8)
    picture = load_picture(saved(muted, icc_profile=matrix_profile(P3, 2.2)))
    assert np.abs(picture.pixels - srgb_from_p3(muted, 2.2)).max() <= 1.5
    assert np.abs(picture.pixels.astype(int) - muted).max() > 5
    assert picture.notes == ("converted from Display P3 to sRGB",)


def test_a_profile_applies_beneath_transparency() -> None:
    alpha = np.full((6, 9, 1), 255, np.uint8)
    alpha[0] = 0
    data = saved(np.concatenate([COLOUR, alpha], -1), icc_profile=matrix_profile(P3, 2.2))
    opaque = read_image(saved(COLOUR, icc_profile=matrix_profile(P3, 2.2)))
    assert np.array_equal(read_image(data)[1:], opaque[1:])
    assert (read_image(data)[0] == BACKDROP).all()


def test_a_grey_profile_is_applied() -> None:
    picture = load_picture(saved(GREY, icc_profile=matrix_profile(P3, 1.0, b"GRAY")))
    assert np.abs(picture.pixels[..., 0] - srgb_of(GREY / 255)).max() <= 1.5


def test_a_grey_picture_may_carry_a_colour_profile() -> None:
    assert np.array_equal(read_image(saved(GREY, icc_profile=SRGB_PROFILE))[..., 2], GREY)


@pytest.mark.parametrize(
    "profile",
    [b"junk", matrix_profile(P3, 2.2)[:200], matrix_profile(P3, 1.0, b"GRAY"), b"\0" * 500],
)
def test_an_unusable_profile_is_ignored_aloud(profile: bytes) -> None:
    picture = load_picture(saved(COLOUR, icc_profile=profile))
    assert np.array_equal(picture.pixels, COLOUR)
    assert picture.notes == ("its colour profile cannot be used and was ignored",)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_several_is_used(format: str, tmp_path: Path) -> None:
    first, second = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 250, np.uint8)
    data = saved(first, format, save_all=True, append_images=[Pillow.fromarray(second)])
    picture = load_picture(data)
    assert np.array_equal(picture.pixels, first)
    assert "several frames; only the first is used" in picture.notes
    (tmp_path / "moving").write_bytes(data)
    assert note_on_frames(tmp_path / "moving") in picture.notes
    (tmp_path / "still").write_bytes(saved(first, format))
    assert note_on_frames(tmp_path / "still") == ""


# What is refused


def refusal(data: bytes) -> str:
    with pytest.raises(UnsupportedImage) as caught:
        load_picture(data)
    message = str(caught.value)
    assert "\n" not in message
    assert message[-1] not in ".:"
    return message


NO_PICTURE = "is not a picture that can be read; use PNG"
REFUSED = [
    (b"", "the uploaded picture is empty"),
    *((data, NO_PICTURE) for data in (b"hello", b"%PDF-1.7", b"RIFF____WEBP", b"\xff\x0a")),
    (b"\x89PNG\r\n\x1a\n", NO_PICTURE),
    (raw_png(0, 5, 8, 2, b""), ""),
    (raw_png(5, 0, 8, 2, b""), ""),
    (b"BM" + struct.pack("<IHHIIiiHH", 54, 0, 0, 54, 40, 0, 0, 1, 24) + b"\0" * 24, ""),
    (raw_png(5000, 5000, 8, 2, b""), "pixels cannot be decoded"),  # 25 megapixels are not too many
    (saved(np.ones((4, 4), np.int32), "TIFF"), "picture holds 32-bit integer samples; save it"),
    (saved(np.ones((4, 4), np.float32), "TIFF"), "floating-point samples; save it with 8 or 16"),
    (saved(COLOUR, "TIFF", mode="LAB"), "picture is in the colour space LAB; save it as RGB"),
]


@pytest.mark.parametrize(("data", "words"), REFUSED)
def test_what_is_no_picture_or_an_impossible_one_is_refused(data: bytes, words: str) -> None:
    message = refusal(data)
    assert words in message
    assert data or message == words


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "JXL"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_picture_is_refused(format: str, part: float, photo: np.ndarray) -> None:
    data = saved(photo, format)
    assert refusal(data[: int(len(data) * part)])


def jxl_header(width: int, height: int) -> bytes:
    """A bare codestream's size header with both sides in 30 bits, and no more."""
    bits = "0" + "11" + f"{height - 1:030b}"[::-1] + "000" + "11" + f"{width - 1:030b}"[::-1]
    return b"\xff\x0a" + int(bits[::-1], 2).to_bytes(10, "little")


def webp_canvas(width: int, height: int) -> bytes:
    body = b"VP8X\x0a\0\0\0\0\0\0\0" + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


BOMBS = {
    "png": raw_png(60_000, 60_000, 8, 2, b""),
    "png just over": raw_png(5001, 5000, 8, 2, b""),
    "png thin": raw_png(65_536, 1, 8, 2, b""),
    "webp": webp_canvas(16_000, 16_000),
    "jxl": jxl_header(60_000, 60_000),
    "jxl boxed": b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14jxlc" + jxl_header(60_000, 60_000),
    "bmp": b"BM" + struct.pack("<IHHIIiiHH", 54, 0, 0, 54, 40, 9000, 9000, 1, 24) + b"\0" * 24,
    "ppm": b"P6 60000 60000 255\n",
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_more_than_25_megapixels_are_refused_from_the_header(data: bytes) -> None:
    """None of these files holds a pixel, so only the header can have been read."""
    assert "megapixels" in refusal(data)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedImage, match=r"gone\.png cannot be read: No such file"):
        load_picture(tmp_path / "gone.png")
    with pytest.raises(UnsupportedImage, match="cannot be read: Is a directory"):
        load_picture(str(tmp_path))


def test_a_file_beyond_all_measure_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mode_core.pictures.files.MAX_FILE_BYTES", 2_000_000)
    path = tmp_path / "endless.png"
    path.write_bytes(saved(COLOUR).ljust(2_000_001, b"x"))
    with pytest.raises(UnsupportedImage, match=r"endless\.png is larger than 2 MB"):
        load_picture(path)


def test_a_refusal_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(UnsupportedImage, match=r"^notes\.txt is not a picture"):
        read_image(path)
    path.write_bytes(saved(np.ones((4, 4), np.float32), "TIFF"))
    with pytest.raises(UnsupportedImage, match=r"^notes\.txt holds floating-point samples"):
        read_image(path)


def test_the_original_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(saved(COLOUR, exif=turned_exif(6), icc_profile=matrix_profile(P3, 2.2)))
    path.chmod(0o444)
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    load_picture(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.png"]


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "JXL"])
def test_a_damaged_picture_is_read_or_refused(format: str, photo: np.ndarray) -> None:
    """200 files with random bytes in random places: a picture or a sentence, nothing else."""
    whole = saved(photo, format)
    rng = np.random.default_rng(11)
    for _ in range(200):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), rng.integers(1, 9)):
            data[place] = rng.integers(0, 256)
        try:
            pixels = read_image(bytes(data))
        except UnsupportedImage:
            continue
        assert pixels.ndim == 3
        assert pixels.dtype == np.uint8


def test_a_written_png_is_what_was_given(tmp_path: Path) -> None:
    write_png(tmp_path / "out.png", COLOUR)
    assert np.array_equal(read_image(tmp_path / "out.png"), COLOUR)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.png"]
