"""The file format: what is written is read, and whatever else is read is refused."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mode_core.errors import BitstreamError
from mode_core.stream.container import MAX_PIXELS, Bitstream, Stream, symbol_check

streams = st.builds(Stream, st.binary(max_size=300), st.integers(0, 0xFFFF))
sides = st.integers(1, 65_535)
bitstreams = st.builds(
    Bitstream,
    codec=st.integers(0, 255),
    weights=st.binary(min_size=4, max_size=4),
    quality=st.integers(0, 255),
    width=sides,
    height=sides,
    streams=st.lists(streams, min_size=1, max_size=4).map(tuple),
    target_bpp=st.none() | st.integers(1, 0xFFFF).map(lambda steps: steps / 2048),
).filter(lambda stream: stream.width * stream.height <= MAX_PIXELS)

KODAK_ONE = Bitstream(1, b"abcd", 9, 768, 512, (Stream(b"x" * 5000, 77),), 0.15)
KODAK_TWO = Bitstream(1, b"abcd", 9, 768, 512, (Stream(b"x" * 5000, 77), Stream(b"y" * 900, 5)))


def sealed(body: bytes) -> bytes:
    """The bytes with a checksum that fits, as someone with bad intentions would send them."""
    return body + zlib.crc32(body).to_bytes(4, "little")


@given(bitstreams)
def test_what_is_written_is_read_and_every_byte_counts(stream: Bitstream) -> None:
    file = stream.to_bytes()
    again = Bitstream.from_bytes(file)
    assert again.to_bytes() == file
    assert replace(again, target_bpp=stream.target_bpp) == stream
    assert abs((again.target_bpp or 0) - (stream.target_bpp or 0)) <= 1 / 4096
    assert stream.bpp == 8 * len(file) / (stream.width * stream.height)
    assert stream.payload_bytes < len(file)


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.1, 0.117, 0.15, 0.2, 0.5, 0.933, 1.5, 24.0])
def test_a_file_says_the_rate_that_was_asked_for_as_people_write_it(rate: float) -> None:
    """So its size is as far off beside its photo, where that rate is known, as without."""
    file = replace(KODAK_ONE, target_bpp=rate).to_bytes()
    assert Bitstream.from_bytes(file).target_bpp == rate


@given(bitstreams, st.binary(min_size=1, max_size=40), st.data())
def test_any_cut_any_flipped_bit_and_anything_appended_is_noticed(
    stream: Bitstream, more: bytes, data: st.DataObject
) -> None:
    whole = stream.to_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    flipped = bytearray(whole)
    flipped[bit // 8] ^= 1 << bit % 8
    for damaged in (whole[:cut], bytes(flipped), whole + more):
        with pytest.raises(BitstreamError):
            Bitstream.from_bytes(damaged)


@given(st.binary(max_size=80))
@example(b"")
@example(b"MODE")
def test_bytes_that_are_no_file_are_refused(data: bytes) -> None:
    with pytest.raises(BitstreamError):
        Bitstream.from_bytes(data)


@given(st.binary(max_size=60))
def test_a_sealed_body_parses_or_is_refused(body: bytes) -> None:
    """Whatever parses is a consistent file of allowed size; nothing else than BitstreamError."""
    try:
        stream = Bitstream.from_bytes(sealed(b"MODE\x01" + body))
    except BitstreamError:
        return
    assert 0 < stream.width * stream.height <= MAX_PIXELS
    assert 1 <= len(stream.streams) <= 4
    assert stream.payload_bytes <= len(body)


def test_overhead_at_kodak_size_is_24_and_28_bytes() -> None:
    assert len(KODAK_ONE.to_bytes()) - KODAK_ONE.payload_bytes == 24
    assert len(KODAK_TWO.to_bytes()) - KODAK_TWO.payload_bytes == 28


def test_the_format_is_frozen_to_the_byte() -> None:
    """Files of version 1 exist: if this fails, the version has to change, not the test."""
    stream = Bitstream(
        codec=1,
        weights=b"\x01\x02\x03\x04",
        quality=200,
        width=768,
        height=512,
        streams=(Stream(b"first", 0xBEEF), Stream(b"second", 0)),
        target_bpp=0.15,
    )
    golden = (
        "4d4f4445" "01" "01" "01020304" "c8" "3301" "8006" "8004" "02"
        "efbe" "05" "0000" "6669727374" "7365636f6e64" "1d747a49"
    )  # fmt: skip
    assert stream.to_bytes().hex() == golden
    assert Bitstream.from_bytes(bytes.fromhex(golden)).target_bpp == pytest.approx(0.15, abs=3e-4)


HEAD = b"MODE\x01\x10\0\0\0\0\x05\0\0"


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        (b"\x00\x01\x01\0\0", "0x1 pixels"),
        (b"\x01\x00\x01\0\0", "1x0 pixels"),
        (b"\x80\x80\x04\x01\x01\0\0", "65536x1 pixels"),
        (b"\xff\xff\x03\xff\xff\x03\x01\0\0", "65535x65535 pixels"),
        (b"\xff\xff\xff\x7f\x01\x01\0\0", "268435455x1 pixels"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x01\0\0", "does not end"),
        (b"\x80", "does not end"),
        (b"\x05\x05\x00", "0 streams"),
        (b"\x05\x05\x05\0\0", "5 streams"),
        (b"\x05\x05\xff\0\0", "255 streams"),
        (b"\x05\x05", "0 streams"),
        (b"\x05\x05\x01", "longer than the file"),
        (b"\x05\x05\x02\0\0\x09\0\0abc", "longer than the file"),
        (b"\x05\x05\x02\0\0\xff\xff\xff\x7f\0\0abc", "longer than the file"),
    ],
)
def test_hostile_sizes_are_refused(rest: bytes, why: str) -> None:
    with pytest.raises(BitstreamError, match=why):
        Bitstream.from_bytes(sealed(HEAD + rest))


def test_a_newer_version_is_named() -> None:
    whole = bytearray(KODAK_ONE.to_bytes()[:-4])
    whole[4] = 9
    with pytest.raises(BitstreamError, match="version 9, this program reads 1"):
        Bitstream.from_bytes(sealed(bytes(whole)))


def test_a_lost_stream_leaves_the_other_and_its_check() -> None:
    lost = Bitstream.from_bytes(KODAK_TWO.without(0).to_bytes())
    assert lost.streams == (Stream(b"", 77), KODAK_TWO.streams[1])
    assert len(KODAK_TWO.streams[0].payload) == 5000


@given(st.binary(max_size=50))
def test_a_symbol_check_is_never_none(data: bytes) -> None:
    assert 1 <= symbol_check(data) <= 0xFFFF
