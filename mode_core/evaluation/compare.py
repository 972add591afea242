"""One photo through every codec at the same file size."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from mode_core.codecs.roundtrip import decode_all
from mode_core.errors import ModeError
from mode_core.metrics import Measured, measurable, measure
from mode_core.pictures.files import write_png
from mode_core.settings import for_visitors
from mode_core.stream.atomic import make_folder, write_atomic
from mode_core.types import Image, Reconstruction, Target


@dataclass(frozen=True, slots=True)
class Pane:
    """One picture of a comparison, measured."""

    picture: Reconstruction
    measured: Measured


def compare_codecs(
    image: Image, target: Target, codecs: Sequence[str], profile: str = ""
) -> tuple[list[Pane], dict[str, str]]:
    """Every output of every codec at one target, and why a codec could not run and is left out."""
    panes: list[Pane] = []
    left_out: dict[str, str] = {}
    for codec_id in tqdm(codecs, unit="codec", disable=None):
        try:
            pictures = decode_all(codec_id, image, target, profile=profile)
        except ModeError as error:
            left_out[codec_id] = str(error)
            continue
        panes += [Pane(one, measure(image, one.image, measurable())) for one in pictures]
    return panes, left_out


def write_comparison(
    panes: Sequence[Pane], left_out: dict[str, str], photo: str, target: Target, out: Path
) -> None:
    """One `.mode` file per codec, one PNG per picture, and metrics.json, into a folder."""
    make_folder(out)
    for pane in panes:
        write_atomic(out / file_name(pane.picture), pane.picture.file)
        write_png(out / picture_name(pane.picture), pane.picture.image, pane.picture.terms)
    facts = {
        "photo": photo,
        "target_bpp": target.bpp,
        "pictures": [_facts(pane) for pane in panes],
        "left_out": {codec: for_visitors(why) for codec, why in left_out.items()},
    }
    text = json.dumps(facts, indent=2, allow_nan=False)
    write_atomic(out / "metrics.json", f"{text}\n".encode())


def file_name(picture: Reconstruction) -> str:
    """The name of a picture's file: mode.mode, jpeg.mode."""
    return f"{picture.codec}.mode"


def picture_name(picture: Reconstruction) -> str:
    """The name of a decoded picture: mode-perception.png, jpeg.png."""
    anchor = "" if picture.anchor is None else f"-{picture.anchor}"
    return f"{picture.codec}{anchor}.png"


def _facts(pane: Pane) -> dict[str, object]:
    picture = pane.picture
    values = pane.measured.values.items()
    return {
        "codec": picture.codec,
        "label": picture.label,
        "anchor": None if picture.anchor is None else str(picture.anchor),
        "profile": picture.profile,
        "terms": picture.terms,
        "file": file_name(picture),
        "picture": picture_name(picture),
        "width": picture.bitstream.width,
        "height": picture.bitstream.height,
        "bytes_file": len(picture.file),
        "bytes_payload": picture.bitstream.payload_bytes,
        "bpp": picture.bpp,
        "quality": picture.quality,
        "encode_s": round(picture.encode_s or 0, 4),
        "decode_s": round(picture.decode_s, 4),
        # JSON has no infinity; an identical picture's PSNR is the only one there is.
        "metrics": {name: value if math.isfinite(value) else "inf" for name, value in values},
        "missing": {key: for_visitors(why) for key, why in pane.measured.missing.items()},
        "note": picture.note,
    }
