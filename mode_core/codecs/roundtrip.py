"""The only path to a picture: every one has passed through the bytes of a real file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter

from mode_core.codecs.catalogue import licence_of
from mode_core.codecs.identity import tag_words, weights_of_tag
from mode_core.codecs.registry import codec_of, find_codec, load_codec
from mode_core.stream.container import TARGET_DOUBT, Bitstream
from mode_core.types import Anchor, Codec, Image, Opens, Reconstruction, Target
from mode_core.weights.sets import WeightsSet, all_weights, find_weights, profile_name

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
    made = decode_file(file, Bitstream.from_bytes(file), anchors, codec)
    bpp = target.bpp
    return [replace(one, target_bpp=bpp, encode_s=encode_s, note=_note(one, bpp)) for one in made]


def decode_file(
    file: bytes,
    bitstream: Bitstream,
    anchors: Sequence[Anchor | None] = (),
    codec: Codec | None = None,
) -> list[Reconstruction]:
    """The pictures in a file that was parsed before; without anchors, all outputs of its codec."""
    codec = codec or load_decoder(bitstream)
    info, terms = codec.info, terms_of_file(bitstream)
    whose = profile_name(codec.profile) if terms else ""
    made, wanted = [], anchors or tuple(info.outputs)
    start = perf_counter()
    drawn: Callable[[Anchor | None], Image] = partial(codec.decode, bitstream)
    read_s = 0.0
    if isinstance(codec, Opens):
        drawn = codec.opened(bitstream, wanted)
        read_s = perf_counter() - start
    for anchor in wanted:
        start = perf_counter()
        image = drawn(anchor)
        one = Reconstruction(
            codec=info.id,
            profile=codec.profile,
            anchor=anchor,
            label=f"{info.label(anchor)} {whose}".strip(),
            image=image,
            file=file,
            bitstream=bitstream,
            target_bpp=bitstream.target_bpp,
            encode_s=None,
            # what it takes alone: reading is a part of every picture's decoding
            decode_s=read_s + perf_counter() - start,
            read_s=read_s,
            terms=terms,
        )
        made.append(replace(one, note=_note(one, bitstream.target_bpp, TARGET_DOUBT)))
    return made


def load_decoder(bitstream: Bitstream, profile: str = "") -> Codec:
    """The codec that a file needs, with the set that made it or else bundled weights."""
    found = imported_weights(bitstream) or _one_of_several(bitstream, profile)
    return load_codec(codec_of(bitstream.codec).id, profile if found is None else found.width)


def _one_of_several(bitstream: Bitstream, profile: str) -> WeightsSet | None:
    """The set of ours that made a file, where there are others beside the usual one."""
    info = codec_of(bitstream.codec)
    ours = [one for one in all_weights() if one.codec == info.id and not one.is_public]
    if len(ours) < 2 or not info.learned:
        return None
    found = weights_of_file(bitstream)
    return None if found is None or found == find_weights(info.id, profile) else found


def weights_of_file(bitstream: Bitstream) -> WeightsSet | None:
    """The set that a file was made with, if it is here."""
    codec = codec_of(bitstream.codec)
    mine = (found for found in all_weights() if codec.learned and found.codec == codec.id)
    return next((one for one in mine if tag_words(one) == bitstream.weights.hex()), None)


def terms_of_file(bitstream: Bitstream) -> str:
    """Weights and licence of a file's pictures where they are not this project's; else empty."""
    found = imported_weights(bitstream)
    return "" if found is None else f"weights {found.folder.name}: {licence_of(found)}"


def imported_weights(bitstream: Bitstream) -> WeightsSet | None:
    """The imported set that a file was made with, if it is here."""
    info = codec_of(bitstream.codec)
    return weights_of_tag(info.id, bitstream.weights) if info.learned else None


def _note(made: Reconstruction, target_bpp: float | None, doubt: float = 0.0) -> str:
    return size_note(find_codec(made.codec).label(made.anchor), made.bpp, target_bpp, doubt)


def size_note(label: str, bpp: float, target_bpp: float | None, doubt: float = 0.0) -> str:
    """The sentence on a file that is of another size than was asked for; "" if it is not."""
    if target_bpp is None or abs(bpp - target_bpp) <= _TOLERANCE * target_bpp + doubt:
        return ""
    return (
        f"{label} made {bpp:.3f} bits per pixel instead of {target_bpp:.3f}: "
        "the nearest it can do for this picture."
    )
