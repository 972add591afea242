"""VQ, the perception expert: its row, how it codes and draws, its networks (ours and VQGAN's), the
dialect of public files, and its training stages.

May use: codecs, errors, layers, stream, training, types, weights.
"""

from mode_core.types import CodecInfo, Look, Published

_LICENCE = "MIT, as its repository"
_HEIBOX = "https://heibox.uni-heidelberg.de"
_SMALL, _LARGE = "vqgan_imagenet_f16_1024.ckpt", "vqgan_imagenet_f16_16384.ckpt"
_CHECKPOINTS = (
    Published(
        "vq", "taming", "vq-1024", "1024", 10 / 256, _SMALL,
        (
            f"{_HEIBOX}/f/140747ba53464f49b476/?dl=1",
            f"{_HEIBOX}/d/8088892a516d4e3baf92/files/?p=%2Fckpts%2Flast.ckpt&dl=1",
            f"https://github.com/ieee8023/latentshift/releases/download/weights/{_SMALL}",
        ),
        _LICENCE, 958_000_000,
    ),
    Published(
        "vq", "taming", "vq-16384", "16384", 14 / 256, _LARGE,
        (
            f"{_HEIBOX}/f/867b05fc8c4841768640/?dl=1",
            f"{_HEIBOX}/d/a7530b09fed84f80a887/files/?p=%2Fckpts%2Flast.ckpt&dl=1",
            f"https://github.com/mehdidc/feed_forward_vqgan_clip/releases/download/0.1/{_LARGE}",
        ),
        _LICENCE, 980_092_370,
        sha256="845a68805098cb666420d5db93df53f3a3b6dd443e6dd85c05759c5b998cd663",
    ),
)  # fmt: skip
"""Its authors' addresses first, then a copy; others have noted the size and hash of the second."""

CODECS = (
    CodecInfo(
        id="vq",
        wire_id=5,
        outputs={None: "VQ"},
        summary="Vector-quantised tokens with a learned prior: the perception expert",
        paper="https://arxiv.org/abs/2012.09841",
        stated="an encoder to the nearest of 1,024 codes and a decoder that learns from a critic",
        ours=(
            "codes of length one, the prior that makes tokens cheap, sending them in part and "
            "drawing the rest as that prior expects them"
        ),
        streams=("vq",),
        stages=("vq", "prior", "vq-gan"),
        looks={None: Look("#6b9400", "#a9dc20", "triangle-down")},
        checkpoints=_CHECKPOINTS,
        terms=(
            f"{_LICENCE}: keep the notice of its authors (Esser, Rombach and Ommer, "
            "CompVis/taming-transformers) with the weights."
        ),
    ),
)
