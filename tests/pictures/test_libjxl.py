"""JPEG XL files that others wrote: their colours, depth and orientation.

The files in `jxl/` were made by cjxl 0.7: a lossless one with a Display P3 profile, a JPEG packed
as it was, with EXIF that asks to be turned, and one of 16 bits per channel.
"""

from pathlib import Path

import numpy as np
import pytest

from mode_core.pictures import libjxl
from mode_core.pictures.files import load_picture

FILES = Path(__file__).parent / "jxl"


def test_wide_colours_become_srgb() -> None:
    picture = load_picture(FILES / "display-p3.jxl")
    assert picture.notes == ("converted from Display P3 to sRGB",)
    red, green, grey = picture.pixels[0, [0, 4, 8]].astype(int)
    assert red[0] > 200
    assert green[1] > 180
    assert np.abs(grey - 90).max() <= 1


def test_colours_whose_profile_cannot_be_had_are_taken_as_they_are_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent() -> None:
        raise AttributeError

    monkeypatch.setattr(libjxl, "_library", absent)
    picture = load_picture(FILES / "display-p3.jxl")
    assert picture.notes == ("its colour profile cannot be used and was ignored",)
    assert picture.pixels[0, 0].tolist() == [200, 60, 40]


def test_a_packed_jpeg_stands_upright() -> None:
    picture = load_picture(FILES / "turned.jxl")
    assert picture.pixels.shape == (24, 16, 3)


def test_deep_samples_are_rounded_and_that_is_said() -> None:
    picture = load_picture(FILES / "deep.jxl")
    assert picture.notes == ("rounded from 16 to 8 bits per channel",)
    samples = np.arange(4 * 6 * 3).reshape(4, 6, 3) * 900
    assert np.array_equal(picture.pixels, np.rint(samples / 257).astype(np.uint8))
