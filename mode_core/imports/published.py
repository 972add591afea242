"""Which checkpoints exist, what they may be used for, and where they are. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

ZOO = "https://dl.fbaipublicfiles.com/NeuralCompression/2023-muckley-msillm/"
_ILLM_BYTES = 181_481_103 * 4
_TARGETS = (
    ("vlo1", 0.00218), ("vlo2", 0.00438),
    ("1", 0.035), ("2", 0.07), ("3", 0.14), ("4", 0.3), ("5", 0.45), ("6", 0.9),
)  # fmt: skip
LICENCES = {
    "ms-illm": (
        "CC-BY-NC 4.0: the weights are for non-commercial use only, with attribution to their "
        "authors (Muckley et al., ICML 2023, facebookresearch/NeuralCompression, file "
        "WEIGHTS_LICENSE). This also holds for what is shown of their pictures."
    ),
}


@dataclass(frozen=True, slots=True)
class Published:
    """One checkpoint that a program may fetch."""

    codec: str
    dialect: str
    name: str
    quality: str
    bpp: float
    """The rate that its authors aimed for."""
    file: str
    licence: str = "CC-BY-NC 4.0"
    bytes_: int = _ILLM_BYTES

    @property
    def url(self) -> str:
        """Where it is."""
        return ZOO + self.file


@dataclass(frozen=True, slots=True)
class ByHand:
    """Checkpoints that only people can fetch: their hosts ask for a browser."""

    codec: str
    what: str
    licence: str
    where: str


def _illm() -> list[Published]:
    found = []
    for dialect, prefix, label in (("msillm", "", "ms-illm"), ("nogan", "nogan-", "ms-illm-nogan")):
        kind = "msillm" if dialect == "msillm" else "noganms"
        for quality, bpp in _TARGETS:
            if dialect == "nogan" and quality.startswith("vlo"):
                continue
            file = f"{kind}_target_{bpp}bpp.ckpt"
            found.append(
                Published("ms-illm", dialect, f"{label}-{quality}", prefix + quality, bpp, file)
            )
    return found


PUBLISHED = tuple(_illm())
BY_HAND = (
    ByHand(
        "elic",
        "six rates, trained by V. Chandelier (dialect chandelier)",
        "none stated",
        "https://github.com/VincentChandelier/ELiC-ReImplemetation, links in its README",
    ),
    ByHand(
        "dlf",
        "four rates, about 5 GB each (dialect dlf)",
        "Apache-2.0",
        "https://github.com/dlfcodec/Dual-generative-Latent-Fusion, OneDrive link in its README",
    ),
    ByHand(
        "vq",
        "VQGAN f16 of ImageNet, 1024 or 16384 codes (dialect taming)",
        "MIT, as its repository",
        "https://github.com/CompVis/taming-transformers, links in its README",
    ),
)


def usual_licence(codec: str) -> str:
    """What public weights of a codec are under, as far as their publishers say."""
    known = [(one.codec, one.licence) for one in PUBLISHED]
    known += [(one.codec, one.licence) for one in BY_HAND]
    return next((licence for whose, licence in known if whose == codec), "none stated")


def published(codec: str, quality: str) -> Published | None:
    """The checkpoint of a codec and quality."""
    for one in PUBLISHED:
        if (one.codec, one.quality) == (codec, quality):
            return one
    return None
