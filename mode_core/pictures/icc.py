"""Any colour space that a picture file may be in, to sRGB."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image as Pillow
from PIL import ImageCms

from mode_core.pictures.sizes import FOREIGN_ERRORS

_MODE_OF = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
_MAX_NAME = 40


def to_srgb(picture: Pillow.Image, profile: bytes | None, notes: list[str]) -> Pillow.Image:
    """An L, RGB or CMYK picture as sRGB, through its ICC profile where it has a usable one."""
    if profile:
        try:
            return _through_profile(picture, profile, notes)
        except (ImageCms.PyCMSError, *FOREIGN_ERRORS):
            notes.append("its colour profile cannot be used and was ignored")
    if picture.mode == "CMYK":
        notes.append("CMYK without a usable colour profile; the colours are approximate")
    if picture.mode == "L":
        notes.append("grey, stored as three equal channels")
    return picture.convert("RGB")


def _through_profile(picture: Pillow.Image, profile: bytes, notes: list[str]) -> Pillow.Image:
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    mode = _MODE_OF[source.profile.xcolor_space.strip()]
    if picture.mode != mode:
        if (picture.mode, mode) != ("L", "RGB"):
            raise ValueError(f"a {mode} profile in a {picture.mode} picture")
        picture = picture.convert(mode)
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    if mode == "L":  # the optimised grey path interpolates too coarsely near black
        flags |= ImageCms.Flags.NOOPTIMIZE
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags,
    )
    if mode == "RGB" and _changes_nothing(transform):
        return picture
    notes.append(f"converted from {_name(source)} to sRGB")
    return transform.apply(picture)


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether the profile is sRGB in all but name, to within one step of 255."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(27, 27, 3)
    seen = np.asarray(transform.apply(Pillow.fromarray(cube)))
    return bool(np.abs(seen.astype(np.int16) - cube).max() <= 1)


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    """The profile's own name, cut to what is safe and sensible to show."""
    text = (profile.profile.profile_description or "").strip()
    return "".join(c for c in text if c.isprintable())[:_MAX_NAME] or "its colour profile"
