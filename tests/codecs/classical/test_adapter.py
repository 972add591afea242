"""JPEG, WebP, AVIF and JPEG XL behind the codec interface, against honest and hostile files."""

from __future__ import annotations

import struct
from dataclasses import replace
from io import BytesIO
from time import process_time

import numpy as np
import pytest
from PIL import Image as Pillow

from mode_core.codecs.classical.adapter import ClassicalCodec
from mode_core.codecs.registry import CODECS, load_codec
from mode_core.errors import BitstreamError, UnknownAnchor, UnsupportedImage
from mode_core.metrics.fidelity import psnr
from mode_core.stream.container import Bitstream, Stream
from mode_core.types import Anchor, Image, Target
from tests.conftest import make_photo

CLASSICAL = [info.id for info in CODECS.values() if not info.learned]
MAGIC = {"jpeg": b"\xff\xd8\xff", "webp": b"RIFF", "avif": b"\0\0\0 ftypavif", "jxl": b"\xff\x0a"}


@pytest.fixture(params=CLASSICAL)
def id(request: pytest.FixtureRequest) -> str:
    """Every classical codec."""
    found: str = request.param
    return found


@pytest.fixture
def codec(id: str) -> ClassicalCodec:
    return classical(id)


def classical(id: str) -> ClassicalCodec:
    codec = load_codec(id)
    assert isinstance(codec, ClassicalCodec)
    return codec


def with_payload(bitstream: Bitstream, payload: bytes) -> Bitstream:
    """The stream with another payload, sent through bytes so that its checksum fits."""
    return Bitstream.from_bytes(replace(bitstream, streams=(Stream(payload),)).to_bytes())


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (3, 5), (1, 70), (17, 1), (67, 101)])
def test_any_size_comes_back_through_bytes(codec: ClassicalCodec, size: tuple[int, int]) -> None:
    photo = make_photo(*size)
    for quality in (codec.format.qualities[0], 30, codec.format.qualities[-1]):
        file = codec.encode(photo, Target(quality=quality)).to_bytes()
        decoded = codec.decode(Bitstream.from_bytes(file))
        assert decoded.shape == photo.shape
        assert decoded.dtype == np.uint8


def test_the_best_quality_is_close_to_the_picture(codec: ClassicalCodec, photo: Image) -> None:
    decoded = codec.decode(codec.encode(photo, Target(quality=255)))
    assert psnr(decoded, photo) > (
        30 if codec.info.id == "webp" else 38
    )  # WebP always halves the colour


def test_size_and_fidelity_rise_with_quality(codec: ClassicalCodec) -> None:
    photo = make_photo(160, 240)
    steps = [codec.format.qualities[int(part * (len(codec.format.qualities) - 1))]
             for part in (0, 0.25, 0.5, 0.75, 1)]  # fmt: skip
    files = [codec.encode(photo, Target(quality=quality)) for quality in steps]
    sizes = [len(file.to_bytes()) for file in files]
    quality = [psnr(codec.decode(file), photo) for file in files]
    assert sizes == sorted(sizes)
    assert quality == sorted(quality)
    assert sizes[-1] > 4 * sizes[0]


def test_the_payload_is_the_formats_own_file(codec: ClassicalCodec, photo: Image) -> None:
    bitstream = codec.encode(photo, Target(quality=20))
    assert bitstream.weights == b"\0\0\0\0"
    (stream,) = bitstream.streams
    assert stream.check == 0
    assert stream.payload.startswith(MAGIC[codec.info.id])
    with Pillow.open(BytesIO(stream.payload)) as opened:
        assert np.array_equal(np.asarray(opened.convert("RGB")), codec.decode(bitstream))


@pytest.mark.parametrize("bpp", [0.5, 1.0, 2.0])
def test_the_whole_file_comes_near_the_size_asked_for(codec: ClassicalCodec, bpp: float) -> None:
    photo = make_photo(160, 240)
    bitstream = codec.encode(photo, Target(bpp=bpp))
    assert bitstream.bpp == 8 * len(bitstream.to_bytes()) / (160 * 240)
    assert bitstream.bpp == pytest.approx(bpp, rel=0.08 if codec.info.id == "avif" else 0.03)
    assert bitstream.target_bpp == bpp
    for neighbour in (bitstream.quality - 1, bitstream.quality + 1):
        other = codec.encode(photo, Target(quality=neighbour))
        assert abs(bitstream.bpp - bpp) <= abs(other.bpp - bpp)


def test_outside_its_range_a_codec_gives_its_nearest_end(
    codec: ClassicalCodec, photo: Image
) -> None:
    ends = codec.format.qualities[0], codec.format.qualities[-1]
    sizes = [
        len(codec.encode(photo, target).streams[0].payload)
        for target in (Target(bpp=0.001), Target(bpp=24))
    ]
    assert sizes == [
        len(codec.encode(photo, Target(quality=end)).streams[0].payload) for end in ends
    ]
    assert codec.encode(photo, Target(quality=10_000)).quality == ends[1]


def test_a_search_encodes_few_times(codec: ClassicalCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    photo, tried = make_photo(128, 192), []
    write = ClassicalCodec._write

    def counted(self: ClassicalCodec, picture: Pillow.Image, quality: int) -> bytes:
        tried.append(quality)
        return write(self, picture, quality)

    monkeypatch.setattr(ClassicalCodec, "_write", counted)
    codec.encode(photo, Target(bpp=1.0))
    assert len(tried) == len(set(tried)) <= 13


def test_an_anchor_is_refused(codec: ClassicalCodec, photo: Image) -> None:
    bitstream = codec.encode(photo, Target(quality=9))
    with pytest.raises(UnknownAnchor, match="one way only"):
        codec.decode(bitstream, Anchor.FIDELITY)


@pytest.mark.parametrize(("id", "limit"), [("webp", 16_383), ("jpeg", 65_500)])
def test_a_side_beyond_the_format_is_refused_with_its_limit(id: str, limit: int) -> None:
    longest = np.zeros((1, limit, 3), np.uint8)
    codec = classical(id)
    assert codec.decode(codec.encode(longest, Target(quality=0))).shape == longest.shape
    with pytest.raises(UnsupportedImage, match=f"at most {limit} pixels"):
        codec.encode(np.zeros((1, limit + 1, 3), np.uint8), Target(quality=0))


# Hostile files: the checksum fits, the content does not.


def flat(id: str, width: int, height: int) -> bytes:
    """A flat picture's payload, far smaller than its pixels."""
    file = BytesIO()
    picture = Pillow.new("RGB", (width, height), (90, 120, 60))
    picture.save(file, classical(id).format.pillow, quality=30)
    return file.getvalue()


def test_an_embedded_file_of_another_size_is_refused(codec: ClassicalCodec, photo: Image) -> None:
    bitstream = codec.encode(photo, Target(quality=30))
    for other in ((101, 66), (100, 67), (67, 101), (1, 1), (404, 404)):
        with pytest.raises(BitstreamError, match="not 101x67 pixels"):
            codec.decode(with_payload(bitstream, flat(codec.info.id, *other)))


def patched_size(id: str, side: int) -> bytes:
    """A one-pixel file whose own header claims `side` x `side` pixels."""
    payload = bytearray(flat(id, 1, 1))
    if id == "jpeg":
        frame = payload.index(b"\xff\xc0")
        payload[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    if id == "webp":
        payload[26:30] = struct.pack("<HH", side & 0x3FFF, side & 0x3FFF)
    if id == "avif":
        extent = payload.index(b"ispe") + 8
        payload[extent : extent + 8] = struct.pack(">II", side, side)
    if id == "jxl":
        bits = "0" + "11" + f"{side - 1:030b}"[::-1] + "001"
        payload[2:] = int(bits[::-1], 2).to_bytes(5, "little") + payload[4:] + b"\0" * 9
    return bytes(payload)


def test_a_claim_of_billions_of_pixels_is_refused_at_once(
    codec: ClassicalCodec, photo: Image
) -> None:
    bitstream = codec.encode(photo, Target(quality=30))
    start = process_time()
    with pytest.raises(BitstreamError):
        codec.decode(with_payload(bitstream, patched_size(codec.info.id, 60_000)))
    assert process_time() - start < 0.5


def test_a_claim_that_only_the_headers_keep_is_refused(codec: ClassicalCodec) -> None:
    """Both headers say 2000 x 2000, the data holds one pixel; JPEG readers fill up with grey."""
    honest = codec.encode(make_photo(9, 9), Target(quality=30))
    lying = with_payload(
        replace(honest, width=2000, height=2000), patched_size(codec.info.id, 2000)
    )
    with pytest.raises(BitstreamError):
        codec.decode(lying)


@pytest.mark.parametrize("quality", [0, 12, 120, 255])
@pytest.mark.parametrize("level", [0, 120, 255])
def test_a_flat_picture_is_not_too_short(codec: ClassicalCodec, quality: int, level: int) -> None:
    flat = np.full((1024, 1024, 3), level, np.uint8)
    assert codec.decode(codec.encode(flat, Target(quality=quality))).shape == flat.shape


def test_an_avif_with_a_picture_larger_than_it_says_is_refused() -> None:
    codec = classical("avif")
    payload = bytearray(flat("avif", 400, 300))
    extent = payload.index(b"ispe") + 8
    payload[extent : extent + 8] = struct.pack(">II", 20, 15)
    honest = codec.encode(make_photo(15, 20), Target(quality=30))
    with pytest.raises(BitstreamError, match="not 20x15"):
        codec.decode(with_payload(honest, bytes(payload)))


def test_a_jpeg_with_thousands_of_scans_is_refused() -> None:
    codec = classical("jpeg")
    bitstream = codec.encode(make_photo(64, 64), Target(quality=120))
    payload = bitstream.streams[0].payload
    scan = payload[payload.rindex(b"\xff\xda") : -2]
    with pytest.raises(BitstreamError, match="damaged"):
        codec.decode(with_payload(bitstream, payload[:-2] + scan * 5000 + b"\xff\xd9"))


@pytest.mark.parametrize("other", CLASSICAL)
def test_another_format_inside_is_refused(id: str, other: str, photo: Image) -> None:
    if id == other:
        return
    bitstream = classical(id).encode(photo, Target(quality=30))
    foreign = classical(other).encode(photo, Target(quality=30))
    with pytest.raises(BitstreamError):
        classical(id).decode(with_payload(bitstream, foreign.streams[0].payload))
    with pytest.raises(BitstreamError, match="is not one"):
        classical(id).decode(foreign)


@pytest.mark.parametrize("payload", [b"", b"\0", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"\xff\x0a"])
def test_next_to_nothing_inside_is_refused(id: str, payload: bytes, photo: Image) -> None:
    bitstream = classical(id).encode(photo, Target(quality=30))
    with pytest.raises(BitstreamError):
        classical(id).decode(with_payload(bitstream, payload))


def mutate(payload: bytes, rng: np.random.Generator) -> bytes:
    """Bytes overwritten, bits flipped, a piece cut out, doubled or moved."""
    data = bytearray(payload)
    start, stop = sorted(int(place) for place in rng.integers(0, len(data), 2))
    match int(rng.integers(0, 5)):
        case 0:
            data[start] = int(rng.integers(0, 256))
        case 1:
            for place in rng.integers(0, len(data), 8):
                data[place] ^= 1 << int(rng.integers(0, 8))
        case 2:
            del data[start:stop]
        case 3:
            data[start:start] = data[start:stop]
        case _:
            head = int(rng.integers(0, min(len(data), 64)))
            data[head] ^= 1 << int(rng.integers(0, 8))
    return bytes(data)


def test_2000_damaged_payloads_give_a_picture_or_an_error(codec: ClassicalCodec) -> None:
    photo = make_photo(33, 50)
    honest = codec.encode(photo, Target(quality=25))
    rng = np.random.default_rng(5)
    refused = 0
    for _ in range(2000):
        damaged = with_payload(honest, mutate(honest.streams[0].payload, rng))
        start = process_time()
        try:
            assert codec.decode(damaged).shape == photo.shape
        except BitstreamError:
            refused += 1
        assert process_time() - start < 2
    assert 200 < refused < 2000
