"""Every picture passes through the bytes of a file, encoded once however often it is decoded."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from mode_core.bitstream import Bitstream, Stream
from mode_core.errors import BitstreamError, UnknownCodec
from mode_core.registry import CODECS
from mode_core.roundtrip import decode_all, output_label, roundtrip
from mode_core.types import Anchor, CodecInfo, Image, Target
from tests.conftest import make_photo

PHOTO = make_photo(96, 120)


class TwoAnchors:
    """MoDE's outputs, but each picture is one grey value: the byte in the file plus the blend."""

    info = CODECS["mode"]
    profile = "toy"

    def __init__(self) -> None:
        self.encoded = 0
        self.seen: list[bytes] = []

    def encode(self, image: Image, target: Target) -> Bitstream:
        self.encoded += 1
        stream = Stream(bytes([int(image.mean())]))
        return Bitstream(
            1, b"toy!", 3, image.shape[1], image.shape[0], (stream, stream), target.bpp
        )

    def decode(self, bitstream: Bitstream, anchor: Anchor | None = None) -> Image:
        self.seen.append(bitstream.to_bytes())
        grey = bitstream.streams[0].payload[0] + (10 * anchor.blend if anchor else 0)
        return np.full((bitstream.height, bitstream.width, 3), grey, np.uint8)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> TwoAnchors:
    codec = TwoAnchors()
    monkeypatch.setattr(sys.modules["mode_core.roundtrip"], "load_codec", lambda id, profile: codec)
    return codec


def test_a_picture_is_what_its_file_decodes_to() -> None:
    result = roundtrip("jpeg", PHOTO, Target(bpp=1))
    from mode_core.registry import load_codec

    again = load_codec("jpeg").decode(Bitstream.from_bytes(result.file))
    assert np.array_equal(result.image, again)
    assert result.bpp == 8 * len(result.file) / (96 * 120)
    assert (result.codec, result.label, result.anchor) == ("jpeg", "JPEG", None)
    assert result.encode_s > 0
    assert result.decode_s > 0


def test_both_anchors_come_from_one_file(toy: TwoAnchors) -> None:
    fidelity, perception = decode_all("mode", PHOTO, Target(quality=3))
    assert toy.encoded == 1
    assert fidelity.file == perception.file
    assert toy.seen == [fidelity.file] * 2
    assert (fidelity.label, perception.label) == ("MoDE-F", "MoDE-P")
    assert perception.image[0, 0, 0] - fidelity.image[0, 0, 0] == 10


def test_without_an_anchor_the_first_output_is_decoded(toy: TwoAnchors) -> None:
    assert roundtrip("mode", PHOTO, Target(quality=3)).anchor == Anchor.FIDELITY


def test_an_anchor_in_between_is_decoded(toy: TwoAnchors) -> None:
    result = roundtrip("mode", PHOTO, Target(quality=3), Anchor(0.5))
    assert result.label == "MoDE 0.5"
    assert result.image[0, 0, 0] == int(PHOTO.mean()) + 5


def test_a_size_that_was_reached_has_no_note() -> None:
    result = roundtrip("webp", make_photo(256, 256), Target(bpp=2))
    assert abs(result.bpp / 2 - 1) < 0.03
    assert result.note == ""


@pytest.mark.parametrize("bpp", [0.01, 24])
def test_a_size_outside_the_range_is_said_in_a_sentence(bpp: float) -> None:
    result = roundtrip("jpeg", PHOTO, Target(bpp=bpp))
    assert result.note == (
        f"JPEG made {result.bpp:.3f} bits per pixel instead of {bpp:.3f}: "
        "the nearest it can do for this picture."
    )
    assert result.target_bpp == bpp


def test_a_quality_as_target_never_has_a_note() -> None:
    assert roundtrip("jpeg", PHOTO, Target(quality=0)).note == ""


def test_a_file_that_cannot_be_parsed_yields_no_picture(
    toy: TwoAnchors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bitstream, "to_bytes", lambda self: b"MODE but nothing else")
    with pytest.raises(BitstreamError):
        roundtrip("mode", PHOTO, Target(quality=3))


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(UnknownCodec, match="choose one of mode, elic"):
        roundtrip("mpeg", PHOTO, Target(bpp=1))


@pytest.mark.parametrize(
    ("anchor", "label"),
    [
        (Anchor(1.0), "MoDE-P"),
        (Anchor(0.25), "MoDE 0.25"),
        (Anchor(0, "vq-expert"), "MoDE vq-expert"),
    ],
)
def test_every_anchor_has_a_label(anchor: Anchor, label: str) -> None:
    info: CodecInfo = CODECS["mode"]
    assert output_label(info, anchor) == label
