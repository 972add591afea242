"""How well the LPIPS student stands in for LPIPS: on held-out photos, through real files.

    python tools/student.py PHOTOS

Prints Spearman's rank correlation and the mean error, in all and per codec; the card quotes them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import fmean

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
CODECS = ("jpeg", "webp", "elic", "mode", "ms-illm", "vq")
RATES = (0.05, 0.15, 0.4, 1.0)
SIDE = 384


def pairs_of(photo: Path) -> list[tuple[str, float, float]]:
    """Codec, LPIPS and the student's estimate, for the middle of one photo."""
    from mode_core import Target, read_image
    from mode_core.codecs.roundtrip import decode_all
    from mode_core.metrics import measure

    whole = read_image(photo)
    top, left = (max(0, side - SIDE) // 2 for side in whole.shape[:2])
    image = whole[top : top + SIDE, left : left + SIDE]
    pairs = []
    for codec in CODECS:
        for rate in RATES[:1] if codec == "vq" else RATES:
            for made in decode_all(codec, image, Target(bpp=rate)):
                values = measure(image, made.image, ("lpips", "lpips_student")).values
                pairs.append((codec, values["lpips"], values["lpips_student"]))
    return pairs


def report(name: str, pairs: list[tuple[str, float, float]]) -> str:
    """One line of figures."""
    from scipy.stats import spearmanr

    _, true, said = zip(*pairs, strict=True)
    spearman = spearmanr(true, said).statistic
    error = fmean(abs(a - b) for a, b in zip(true, said, strict=True))
    return f"{name}: {len(pairs)} pictures, Spearman {spearman:.3f}, mean error {error:.4f}"


def main(folder: Path) -> None:
    """All photos of a folder."""
    pairs = [pair for photo in sorted(folder.iterdir()) for pair in pairs_of(photo)]
    print(report("all", pairs))
    for codec in CODECS:
        print(report(codec, [p for p in pairs if p[0] == codec]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
