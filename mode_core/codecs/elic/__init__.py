"""ELIC, the fidelity expert: its row, how it codes and draws, its networks (ours and the public
one), the dialects of public files, and its training stage.

May use: codecs, errors, layers, stream, training, types, weights.
"""

from mode_core.types import CodecInfo, Look, Published

_UNSTATED = "no licence stated"
_BYTES = 33_792_771 * 4
_DRIVE = (
    ("0004", "1YGVJ9bpeEq0xfqka2xkaMzhDkeYFJi6q"), ("0008", "1VNE7rx-rBFLnNFkz56Zc-cPr6xrBBJdL"),
    ("0016", "1MWlYAmpHbWlGtG7MBBTPEew800grY5yC"), ("0032", "1Moody9IR8CuAGwLCZ_ZMTfZXT0ehQhqc"),
    ("0150", "1s544Uxv0gBY3WvKBcGNb3Fb22zfmd9PL"), ("0450", "1uuKQJiozcBfgGMJ8CfM6lrXOZWv6RUDN"),
)  # fmt: skip
"""Names of V. Chandelier's six files, which stand for their lambdas, and what Google calls them."""


def _checkpoint(quality: str, drive: str) -> Published:
    file = f"ELIC_{quality}_ft_3980_Plateau.pth.tar"
    url = f"https://drive.usercontent.google.com/download?id={drive}&confirm=xxx"
    name = f"elic-{quality}"
    return Published("elic", "chandelier", name, quality, 0, file, (url,), _UNSTATED, _BYTES)


CODECS = (
    CodecInfo(
        id="elic",
        wire_id=2,
        outputs={None: "ELIC"},
        summary="Uneven groups, space-channel context: the fidelity expert",
        paper="https://arxiv.org/abs/2203.10886",
        stated=(
            "uneven groups of channels, coded by contexts over space and channels beside a "
            "hyper-prior"
        ),
        ours=(
            "smaller networks on unshuffled pixels beside a block DCT, one set of weights for "
            "all rates, a Gaussian prior of the hyper-latent, exact arithmetic wherever a "
            "probability is decided"
        ),
        streams=("sq",),
        stages=("elic",),
        looks={None: Look("#109a8c", "#35e3cd", "triangle-up")},
        published_as="ELIC",
        published_in=("psnr",),
        published_by="a re-implementation's",
        checkpoints=tuple(_checkpoint(*one) for one in _DRIVE),
        terms=(
            f"{_UNSTATED}: ask their author (V. Chandelier, "
            "VincentChandelier/ELiC-ReImplemetation) before you pass them on."
        ),
    ),
)
