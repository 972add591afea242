"""What tools that compare by real files share: curves of a network, what one saves over another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

QUALITIES = (14, 56, 98, 140, 182, 224)


def codec_of(net: Any, id: str) -> Any:
    """The codec that makes and reads real files with a network of any training."""
    from mode_core.codecs.adapter import LearnedCodec
    from mode_core.codecs.registry import find_codec, part_of

    info = find_codec(id)
    return LearnedCodec(info, "", bytes(4), part_of(info, "system").OURS.system(net))


def curves(net: Any, id: str, photos: Sequence[Any]) -> Iterator[list[tuple[float, float]]]:
    """For each photo, bits per pixel (all bytes of a file) and PSNR at the qualities."""
    from mode_core.metrics.fidelity import psnr
    from mode_core.stream.container import Bitstream
    from mode_core.types import Target

    codec = codec_of(net, id)
    for photo in photos:
        points = []
        for quality in QUALITIES:
            file = codec.encode(photo, Target(quality=quality)).to_bytes()
            picture = codec.decode(Bitstream.from_bytes(file))
            bpp = 8 * len(file) / (photo.shape[0] * photo.shape[1])
            points.append((bpp, float(psnr(photo, picture))))
        yield points


def against(
    reference: Sequence[list[tuple[float, float]]], other: Sequence[list[tuple[float, float]]]
) -> list[float]:
    """PSNR BD-rates, photo by photo, in percent."""
    from mode_core.metrics.bdrate import Curve, bd_rate

    pairs = zip(reference, other, strict=True)
    return [
        bd_rate(*(Curve(*zip(*points, strict=True)) for points in pair)).percent for pair in pairs
    ]
