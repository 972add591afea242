"""One photo through every codec at the same file size."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from mode_core.bitstream import Bitstream
from mode_core.errors import ModeError
from mode_core.files import make_folder, write_whole
from mode_core.images import write_png
from mode_core.metrics import Measured, measure_with_stand_in
from mode_core.registry import load_codec
from mode_core.roundtrip import decode_all, terms_of_file
from mode_core.types import Image, Reconstruction, Target
from mode_core.weights import profile_name


@dataclass(frozen=True, slots=True)
class Pane:
    """One picture of a comparison, measured."""

    picture: Reconstruction
    profile: str
    measured: Measured
    terms: str = ""
    """Weights and licence, where they are not this project's."""

    @property
    def label(self) -> str:
        """What the picture is called, with whose weights made it unless they are ours."""
        whose = profile_name(self.profile) if self.terms else ""
        return f"{self.picture.label} {whose}".strip()


@dataclass(frozen=True, slots=True)
class ComparisonSet:
    """The pictures of all codecs that could run, and why the others could not."""

    panes: list[Pane] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def compare_codecs(
    image: Image, target: Target, codecs: Sequence[str], profile: str = ""
) -> ComparisonSet:
    """Every output of every codec at one target; a codec that cannot run is left out, not fatal."""
    result = ComparisonSet()
    for codec_id in tqdm(codecs, unit="codec", disable=None):
        try:
            pictures = decode_all(codec_id, image, target, profile=profile)
        except ModeError as error:
            result.left_out[codec_id] = str(error)
            continue
        width = load_codec(codec_id, profile).profile
        terms = terms_of_file(Bitstream.from_bytes(pictures[0].file))
        for picture in pictures:
            measured = measure_with_stand_in(image, picture.image)
            result.panes.append(Pane(picture, width, measured, terms))
    return result


def write_comparison(result: ComparisonSet, photo: str, target: Target, out: Path) -> None:
    """One `.mode` file per codec, one PNG per picture, and metrics.json, into a folder."""
    make_folder(out)
    for pane in result.panes:
        write_whole(out / file_name(pane.picture), pane.picture.file)
        write_png(out / picture_name(pane.picture), pane.picture.image, pane.terms)
    facts = {
        "photo": photo,
        "target_bpp": target.bpp,
        "pictures": [_facts(pane) for pane in result.panes],
        "left_out": result.left_out,
    }
    text = json.dumps(facts, indent=2, allow_nan=False)
    write_whole(out / "metrics.json", f"{text}\n".encode())


def file_name(picture: Reconstruction) -> str:
    """The name of a picture's file: mode.mode, jpeg.mode."""
    return f"{picture.codec}.mode"


def picture_name(picture: Reconstruction) -> str:
    """The name of a decoded picture: mode-perception.png, jpeg.png."""
    anchor = "" if picture.anchor is None else f"-{picture.anchor}"
    return f"{picture.codec}{anchor}.png"


def _facts(pane: Pane) -> dict[str, object]:
    picture = pane.picture
    file = Bitstream.from_bytes(picture.file)
    values = pane.measured.values.items()
    return {
        "codec": picture.codec,
        "label": pane.label,
        "anchor": None if picture.anchor is None else str(picture.anchor),
        "profile": pane.profile,
        "terms": pane.terms,
        "file": file_name(picture),
        "picture": picture_name(picture),
        "width": file.width,
        "height": file.height,
        "bytes_file": len(picture.file),
        "bytes_payload": file.payload_bytes,
        "bpp": picture.bpp,
        "quality": picture.quality,
        "encode_s": round(picture.encode_s, 4),
        "decode_s": round(picture.decode_s, 4),
        # JSON has no infinity; an identical picture's PSNR is the only one there is.
        "metrics": {name: value if math.isfinite(value) else "inf" for name, value in values},
        "missing": dict(pane.measured.missing),
        "note": picture.note,
    }
