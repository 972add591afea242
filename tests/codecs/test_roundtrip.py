"""Every picture passes through the bytes of a file, encoded once however often it is decoded."""

from __future__ import annotations

import sys
from dataclasses import replace
from time import sleep
from typing import Any

import numpy as np
import pytest

from mode_core.codecs.adapter import LearnedCodec
from mode_core.codecs.registry import CODECS, load_codec
from mode_core.codecs.roundtrip import decode_all, decode_file, roundtrip
from mode_core.errors import BitstreamError, UnknownCodec
from mode_core.stream.container import Bitstream
from mode_core.types import Anchor, Image, Target
from tests.conftest import make_photo
from tests.made_up.toy_codec import TAG, ToyMode

PHOTO = make_photo(96, 120)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ToyMode:
    codec = ToyMode(CODECS["mode"], TAG)
    monkeypatch.setattr(
        sys.modules["mode_core.codecs.roundtrip"], "load_codec", lambda id, profile: codec
    )
    return codec


def test_a_picture_is_what_its_file_decodes_to() -> None:
    result = roundtrip("jpeg", PHOTO, Target(bpp=1))
    again = load_codec("jpeg").decode(Bitstream.from_bytes(result.file))
    assert np.array_equal(result.image, again)
    assert result.bpp == 8 * len(result.file) / (96 * 120)
    assert (result.codec, result.label, result.anchor) == ("jpeg", "JPEG", None)
    assert result.encode_s > 0
    assert result.decode_s > 0


def test_both_anchors_come_from_one_file(toy: ToyMode) -> None:
    fidelity, perception = decode_all("mode", PHOTO, Target(quality=3))
    assert toy.encoded == 1
    assert fidelity.file == perception.file
    assert toy.seen == [fidelity.file] * 2
    assert (fidelity.label, perception.label) == ("MoDE-F", "MoDE-P")
    assert set((perception.image - fidelity.image).flat) == {8}
    assert roundtrip("mode", PHOTO, Target(quality=3)).anchor == Anchor.FIDELITY


def test_a_file_is_parsed_once_and_its_record_carries_what_it_says(
    toy: ToyMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []
    real = Bitstream.from_bytes
    monkeypatch.setattr(Bitstream, "from_bytes", lambda data: parsed.append(data) or real(data))
    made, other = decode_all("mode", PHOTO, Target(bpp=3))
    assert parsed == [made.file]
    assert made.bitstream is other.bitstream
    (again,) = decode_file(made.file, made.bitstream, [Anchor(0.5)])
    assert len(parsed) == 1
    assert (again.file, again.label, again.encode_s) == (made.file, "MoDE 0.5", None)
    assert (again.bpp, again.quality, again.target_bpp) == (made.bpp, made.quality, 3)
    assert (again.profile, again.terms) == ("toy", "")
    assert again.note == made.note.replace("MoDE-F", "MoDE 0.5")


@pytest.mark.weights
def test_streams_are_read_once_and_reading_counts_for_every_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codec = load_codec("mode")
    assert isinstance(codec, LearnedCodec)
    file, anchors = codec.encode(PHOTO, Target(bpp=0.5)), [*codec.info.outputs, Anchor(0.5)]
    alone = [codec.decode(file, anchor) for anchor in anchors]
    read, times = codec.system.read, list[int]()

    def slow(*what: Any) -> Any:
        times.append(1)
        sleep(0.3)
        return read(*what)

    monkeypatch.setattr(codec.system, "read", slow)
    made = decode_file(file.to_bytes(), file, anchors, codec)
    assert len(times) == 1
    assert all(one.decode_s >= 0.3 for one in made)
    for one, image in zip(made, alone, strict=True):
        assert np.array_equal(one.image, image)


def test_an_anchor_in_between_is_decoded(toy: ToyMode) -> None:
    result = roundtrip("mode", PHOTO, Target(quality=3), Anchor(0.5))
    assert result.label == "MoDE 0.5"
    assert result.image[0, 0, 0] == PHOTO[0, 0, 0] + 4
    label = CODECS["mode"].label
    assert [label(Anchor(1)), label(Anchor(0, "vq-expert"))] == ["MoDE-P", "MoDE vq-expert"]


@pytest.mark.parametrize("bpp", [0.01, 24])
def test_a_size_outside_the_range_is_said_in_a_sentence(bpp: float) -> None:
    result = roundtrip("jpeg", PHOTO, Target(bpp=bpp))
    assert result.note == (
        f"JPEG made {result.bpp:.3f} bits per pixel instead of {bpp:.3f}: "
        "the nearest it can do for this picture."
    )
    assert result.target_bpp == bpp
    # the file alone, and a further anchor of it, say the same
    (again,) = decode_file(result.file, result.bitstream)
    assert again.note.partition(" instead")[0] == result.note.partition(" instead")[0]


def test_a_file_alone_is_not_blamed_for_what_its_header_cannot_say() -> None:
    """0.0123 is kept as 25 of 2048 parts, and read as 0.012: 3.3 % below 0.0124."""
    made = roundtrip("jpeg", PHOTO, Target(quality=0))
    side = round((8 * len(made.file) / 0.0124) ** 0.5)
    large = replace(made.bitstream, target_bpp=0.0123, width=side, height=side)
    file = large.to_bytes()
    read = Bitstream.from_bytes(file)
    assert read.target_bpp == 0.012

    class Grey:
        info, profile = CODECS["jpeg"], ""

        def decode(self, bitstream: Bitstream, anchor: Anchor | None) -> Image:
            return np.zeros((bitstream.height, bitstream.width, 3), np.uint8)

    (alone,) = decode_file(file, read, codec=Grey())  # type: ignore[arg-type]
    assert alone.bpp == pytest.approx(0.0124, rel=0.005)
    assert alone.note == ""


def test_a_size_that_was_reached_and_a_quality_as_target_have_no_note() -> None:
    result = roundtrip("webp", make_photo(256, 256), Target(bpp=2))
    assert abs(result.bpp / 2 - 1) < 0.03
    assert result.note == roundtrip("jpeg", PHOTO, Target(quality=0)).note == ""


def test_a_file_that_cannot_be_parsed_yields_no_picture(
    toy: ToyMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bitstream, "to_bytes", lambda self: b"MODE but nothing else")
    with pytest.raises(BitstreamError):
        roundtrip("mode", PHOTO, Target(quality=3))


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(UnknownCodec, match="choose one of mode, elic"):
        roundtrip("mpeg", PHOTO, Target(bpp=1))
