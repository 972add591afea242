"""MS-ILLM: its row, how it codes and draws, its networks (ours and HiFiC's), the dialects of public
files, and its training stages. Ours starts as the network of the folder `elic`.

May use: codecs, codecs.elic, layers, stream, training, types, weights.
"""

from mode_core.types import CodecInfo, Look, Published

_ZOO = "https://dl.fbaipublicfiles.com/NeuralCompression/2023-muckley-msillm/"
_BYTES = 181_481_103 * 4
_LICENCE = "CC-BY-NC 4.0"
_TARGETS = (
    ("vlo1", 0.00218), ("vlo2", 0.00438),
    ("1", 0.035), ("2", 0.07), ("3", 0.14), ("4", 0.3), ("5", 0.45), ("6", 0.9),
)  # fmt: skip


def _checkpoints(dialect: str, file: str, mark: str) -> tuple[Published, ...]:
    """The authors' checkpoints of all rates; without a critic, the very lowest do not exist."""
    return tuple(
        Published(
            "ms-illm",
            dialect,
            f"ms-illm-{mark}{quality}",
            f"{mark}{quality}",
            bpp,
            f"{file}_target_{bpp}bpp.ckpt",
            (f"{_ZOO}{file}_target_{bpp}bpp.ckpt",),
            _LICENCE,
            _BYTES,
            trouble="the same is reported in facebookresearch/NeuralCompression#245",
        )
        for quality, bpp in _TARGETS
        if not (mark and quality.startswith("vlo"))
    )


CODECS = (
    CodecInfo(
        id="ms-illm",
        wire_id=3,
        outputs={None: "MS-ILLM"},
        summary="HiFiC auto-encoder trained with an implicit local likelihood discriminator",
        paper="https://arxiv.org/abs/2301.11189",
        stated="HiFiC's auto-encoder and a discriminator that tells the labels of patches",
        ours=(
            "smaller networks beside a block DCT, one set of weights for all rates, "
            "probabilities trained for exact arithmetic"
        ),
        streams=("sq",),
        stages=("ms-illm", "ms-illm-gan"),
        looks={None: Look("#78004a", "#ee2f80", "square")},
        published_as="MS-ILLM",
        published_in=("lpips", "psnr"),
        checkpoints=(
            *_checkpoints("msillm", "msillm", ""),
            *_checkpoints("nogan", "noganms", "nogan-"),
        ),
        terms=(
            f"{_LICENCE}: the weights are for non-commercial use only, with attribution to their "
            "authors (Muckley et al., ICML 2023, facebookresearch/NeuralCompression, file "
            "WEIGHTS_LICENSE). This also holds for what is shown of their pictures."
        ),
    ),
)
