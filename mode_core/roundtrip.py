"""The only path to a picture: every one has passed through the bytes of a real file."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from mode_core.bitstream import Bitstream
from mode_core.registry import codec_of, find_codec, load_codec
from mode_core.types import Anchor, Codec, CodecInfo, Image, Reconstruction, Target
from mode_core.weights import TAG_BYTES, WeightsSet, all_weights, weights_of_tag

_TOLERANCE = 0.03


def roundtrip(
    codec_id: str, image: Image, target: Target, anchor: Anchor | None = None, profile: str = ""
) -> Reconstruction:
    """The picture decoded from the file it was encoded to; without an anchor, the first output."""
    if anchor is None:
        anchor = next(iter(find_codec(codec_id).outputs))
    return decode_all(codec_id, image, target, (anchor,), profile)[0]


def decode_all(
    codec_id: str,
    image: Image,
    target: Target,
    anchors: Sequence[Anchor | None] = (),
    profile: str = "",
) -> list[Reconstruction]:
    """Several pictures of one file, encoded once; without anchors, all outputs of the codec."""
    codec = load_codec(codec_id, profile)
    start = perf_counter()
    file = codec.encode(image, target).to_bytes()
    encode_s = perf_counter() - start
    return [
        _decoded(codec, file, anchor, target, encode_s)
        for anchor in anchors or tuple(codec.info.outputs)
    ]


def load_decoder(bitstream: Bitstream, profile: str = "") -> Codec:
    """The codec that a file needs: of the imported set that made it, or else the bundled one."""
    found = imported_weights(bitstream)
    return load_codec(codec_of(bitstream.codec).id, profile if found is None else found.width)


def weights_of_file(bitstream: Bitstream) -> WeightsSet | None:
    """The set that a file was made with, if it is here."""
    codec = codec_of(bitstream.codec)
    mine = (found for found in all_weights() if codec.learned and found.codec == codec.id)
    return next((one for one in mine if one.digest()[:TAG_BYTES] == bitstream.weights), None)


def terms_of_file(bitstream: Bitstream) -> str:
    """Weights and licence of a file's pictures where they are not this project's; else empty."""
    found = imported_weights(bitstream)
    return "" if found is None else f"weights {found.folder.name}: {found.licence}"


def imported_weights(bitstream: Bitstream) -> WeightsSet | None:
    """The imported set that a file was made with, if it is here."""
    info = codec_of(bitstream.codec)
    return weights_of_tag(info.id, bitstream.weights) if info.learned else None


def output_label(info: CodecInfo, anchor: Anchor | None) -> str:
    """The name of a picture: MoDE-F, MoDE-P, ELIC, or "MoDE 0.5" between and beside them."""
    if anchor in info.outputs:
        return info.outputs[anchor]
    first = next(iter(info.outputs.values()))
    return f"{first.split('-')[0]} {anchor}"


def _decoded(
    codec: Codec, file: bytes, anchor: Anchor | None, target: Target, encode_s: float
) -> Reconstruction:
    start = perf_counter()
    bitstream = Bitstream.from_bytes(file)
    image = codec.decode(bitstream, anchor)
    decode_s = perf_counter() - start
    label = output_label(codec.info, anchor)
    return Reconstruction(
        codec=codec.info.id,
        label=label,
        anchor=anchor,
        image=image,
        file=file,
        bpp=bitstream.bpp,
        target_bpp=target.bpp,
        quality=bitstream.quality,
        encode_s=encode_s,
        decode_s=decode_s,
        note=_note(label, bitstream.bpp, target.bpp),
    )


def _note(label: str, bpp: float, target_bpp: float | None) -> str:
    if target_bpp is None or abs(bpp / target_bpp - 1) <= _TOLERANCE:
        return ""
    return (
        f"{label} made {bpp:.3f} bits per pixel instead of {target_bpp:.3f}: "
        "the nearest it can do for this picture."
    )
