"""Makes the file of AlexNet's features that LPIPS uses, and measures what half precision changes.

    python tools/alexnet.py FILE PHOTOS

FILE is torchvision's `alexnet-owt-7be5be79.pth`, or its features alone, in float32. Prints the
hashes and the differences that `assets/cards/alexnet-features.md` states.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
CODECS, RATES = ("jpeg", "webp", "elic", "ms-illm"), (0.1, 0.4)
FACTS = {
    "from": "torchvision 0.26, AlexNet_Weights.IMAGENET1K_V1 (alexnet-owt-7be5be79.pth)",
    "licence": "BSD-3-Clause, Copyright (c) Soumith Chintala 2016; see the card",
    "changes": "convolutions only, rounded to float16",
}


def make(original: Path) -> dict[str, Any]:
    """Writes the bundled file; the features as they were."""
    from safetensors.torch import save

    from mode_core.metrics.backbones import BUNDLED_ALEXNET, alexnet_state

    state = alexnet_state(original)
    data = save({key: value.half() for key, value in state.items()}, FACTS)
    BUNDLED_ALEXNET.write_bytes(data)
    whole = b"".join(state[key].numpy().tobytes() for key in sorted(state))
    print(f"float32, by name: {hashlib.sha256(whole).hexdigest()}")
    print(f"{BUNDLED_ALEXNET.name}: {hashlib.sha256(data).hexdigest()}")
    return dict(state)


def compare(original: Path, photos: Path) -> None:
    """LPIPS with both, over pictures from real files."""
    from mode_core import Target, read_image
    from mode_core.codecs.roundtrip import decode_all
    from mode_core.metrics.backbones import BUNDLED_ALEXNET
    from mode_core.metrics.perceptual import lpips_with

    whole, half = [], []
    for photo in sorted(photos.iterdir()):
        image = read_image(photo)
        for codec in CODECS:
            for rate in RATES:
                for made in decode_all(codec, image, Target(bpp=rate)):
                    whole.append(lpips_with(original, image, made.image))
                    half.append(lpips_with(BUNDLED_ALEXNET, image, made.image))
    apart = [abs(a - b) for a, b in zip(whole, half, strict=True)]
    relative = max(gap / value for gap, value in zip(apart, whole, strict=True))
    print(f"{len(apart)} pictures, LPIPS {min(whole):.4f} to {max(whole):.4f}; float16 is")
    print(f"{fmean(apart):.1e} off on average, {max(apart):.1e} or {relative:.2%} at most;")
    print(f"the mean is {fmean(half):.6f} instead of {fmean(whole):.6f}")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
    compare(Path(sys.argv[1]), Path(sys.argv[2]))
