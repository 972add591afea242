"""Writes the golden files of version 1: run once per format version, then only ever add.

    python -m tests.make_golden v1

Toy weights are stored beside the files, so that a later program must read the same integers from
the same bytes and draw the same picture.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mode_core.codecs.registry import load_codec
from mode_core.layers.device import PRECISION_VARIABLE
from mode_core.pictures.files import write_png
from mode_core.types import Anchor, Target
from mode_core.weights import sets as weights
from tests.conftest import make_photo
from tests.made_up.toys import save_clc, save_hdc, save_mode, save_toy, toy_elic, toy_vq

GOLDEN = Path(__file__).parent / "golden"
LEARNED = {"elic": 120, "vq": 20, "mode": 140, "clc": 120, "hdc": 60}
CLASSICAL = ("jpeg", "webp", "avif", "jxl")


def main(version: str, *chosen: str) -> None:
    """Weights, files and pictures, of all codecs or of the chosen ones."""
    os.environ[PRECISION_VARIABLE] = "float32"  # pictures that any machine can draw again
    home = GOLDEN / version
    weights.BUNDLED = home / "weights"
    codecs = chosen or (*LEARNED, *CLASSICAL)
    if "elic" in codecs:
        save_toy(toy_elic(), "elic", weights.BUNDLED)
    if "vq" in codecs:
        save_toy(toy_vq(), "vq", weights.BUNDLED)
    if "mode" in codecs:
        save_mode(weights.BUNDLED)
    if "hdc" in codecs:
        save_hdc(weights.BUNDLED)
    if "clc" in codecs:
        save_clc(weights.BUNDLED)
    photo = make_photo(70, 90)
    for codec_id in codecs:
        codec = load_codec(codec_id)
        target = Target(quality=LEARNED[codec_id]) if codec_id in LEARNED else Target(bpp=1.5)
        bitstream = codec.encode(photo, target)
        (home / f"{codec_id}.mode").write_bytes(bitstream.to_bytes())
        anchor = Anchor.parse("0.5") if codec_id == "mode" else None
        write_png(home / f"{codec_id}.png", codec.decode(bitstream, anchor))


if __name__ == "__main__":
    main(*sys.argv[1:])
