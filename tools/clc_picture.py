"""Draws docs/clc.png: crops whose pieces are in CLC's dictionary, as ELIC and as CLC at one size.

    python tools/clc_picture.py --photos PHOTOS --crops 670 758 --bpp 0.08

The photographs must be those that the bundled dictionary was filled from; crops are numbered in the
order in which it saw them (`clc_pieces.dealt`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from clc_pieces import dealt, network
from PIL import Image, ImageDraw
from real_files import codec_of

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
PICTURE = ROOT / "docs" / "clc.png"
GAP, LINE, LETTERS = 8, 22, 13.0
INK, PAPER = "#222222", "#ffffff"


def cells(crop: Any, nets: dict[str, Any], bpp: float) -> list[tuple[str, Any]]:
    """The original, and what real files of about one size decode to, each with its words."""
    from mode_core.metrics.fidelity import psnr
    from mode_core.stream.container import Bitstream
    from mode_core.types import Target

    shown = [("Original", crop)]
    for id, net in nets.items():
        codec = codec_of(net, id)
        file = codec.encode(crop, Target(bpp=bpp)).to_bytes()
        picture = codec.decode(Bitstream.from_bytes(file))
        words = f"{codec.info.outputs[None]}: {len(file)} bytes, {psnr(crop, picture):.1f} dB"
        shown.append((words, picture))
    return shown


def drawn(rows: Sequence[Sequence[tuple[str, Any]]]) -> Image.Image:
    """All rows below each other, the words above their pictures."""
    from mode_core.figures.letters import font_of

    side, across = rows[0][0][1].shape[0], len(rows[0])
    size = (across * (side + GAP) + GAP, len(rows) * (side + LINE + GAP) + GAP)
    page, font = Image.new("RGB", size, PAPER), font_of(LETTERS)
    pen = ImageDraw.Draw(page)
    for row, shown in enumerate(rows):
        top = GAP + row * (side + LINE + GAP)
        for column, (words, picture) in enumerate(shown):
            left = GAP + column * (side + GAP)
            pen.text((left, top), words, INK, font)
            page.paste(Image.fromarray(np.ascontiguousarray(picture)), (left, top + LINE))
    return page


def main() -> None:
    """Draw them."""
    import torch

    from mode_core.cli.parsing import bpp
    from mode_core.codecs.networks import load_net
    from mode_core.weights.sets import find_weights

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--crops", type=int, nargs="+", required=True)
    parser.add_argument("--bpp", type=bpp, required=True)
    args = parser.parse_args()
    net, _ = network(None)
    with torch.no_grad():
        crops, _ = dealt(net, args.photos, 0)
    if not all(0 <= place < len(crops) for place in args.crops):
        parser.error(f"crops are numbered from 0 to {len(crops) - 1}")
    nets = {"elic": load_net(find_weights("elic")), "clc": net}
    chosen = [crops[place].permute(1, 2, 0).contiguous().numpy() for place in args.crops]
    drawn([cells(crop, nets, args.bpp) for crop in chosen]).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
