"""The contract of every learned codec, on toy weights: files, sizes, damage, tiles."""

from __future__ import annotations

import itertools
import random
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mode_core.codecs import tiles as tensors
from mode_core.codecs.mode.between import between
from mode_core.codecs.mode.net import FEWEST
from mode_core.codecs.registry import CODECS, load_codec
from mode_core.errors import BitstreamError, DecoderDrift, UnknownAnchor, WeightsMismatch
from mode_core.stream.container import Bitstream, Stream
from mode_core.types import Anchor, Codec, Image, Target
from tests.conftest import make_photo

LEARNED = ("elic", "vq", "mode", "clc", "hdc")
pytestmark = pytest.mark.usefixtures("toy_weights")


@pytest.fixture(params=LEARNED)
def id(request: pytest.FixtureRequest) -> str:
    """Every learned codec of which there are toys."""
    found: str = request.param
    return found


@pytest.fixture
def codec(id: str, toy_weights: Path) -> Codec:
    return load_codec(id)


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (65, 63), (64, 128)])
def test_any_size_comes_back(codec: Codec, size: tuple[int, int]) -> None:
    image = make_photo(*size)
    for quality in (0, 31):
        file = codec.encode(image, Target(quality=quality)).to_bytes()
        for anchor in codec.info.outputs:
            assert codec.decode(Bitstream.from_bytes(file), anchor).shape == image.shape


def test_the_file_states_what_it_aimed_for_and_decodes_to_one_picture_always(
    id: str, codec: Codec, photo: Image
) -> None:
    again = Bitstream.from_bytes(codec.encode(photo, Target(bpp=0.5)).to_bytes())
    assert again.target_bpp == 0.5
    assert len(again.streams) == len(CODECS[id].streams)
    assert np.array_equal(codec.decode(again), codec.decode(again))


@pytest.mark.parametrize("name", ["elic", "clc"])
def test_the_size_is_hit_inside_the_range(name: str) -> None:
    codec, image = load_codec(name), make_photo(192, 256)
    ends = [codec.encode(image, Target(quality=q)).bpp for q in (0, 252)]
    for share in (0.1, 0.4, 0.8):
        wanted = ends[0] * (ends[1] / ends[0]) ** share
        assert codec.encode(image, Target(bpp=wanted)).bpp == pytest.approx(wanted, rel=0.03)
    assert codec.encode(image, Target(bpp=ends[0] / 3)).bpp == ends[0]


def test_single_output_codecs_refuse_an_anchor(id: str, codec: Codec, photo: Image) -> None:
    bitstream = codec.encode(photo, Target(quality=3))
    if id == "mode":
        assert codec.decode(bitstream, Anchor.parse("0.25")).shape == photo.shape
    else:
        with pytest.raises(UnknownAnchor, match="leave out"):
            codec.decode(bitstream, Anchor.PERCEPTION)


@torch.inference_mode()
def test_pictures_between_the_anchors_are_made_of_both(photo: Image) -> None:
    codec = load_codec("mode")
    file, system = codec.encode(photo, Target(quality=120)), codec.system  # type: ignore[attr-defined]
    latents = system.read(file.streams, file.quality, photo.shape[:2])
    f, half, p = (
        system.draw(latents, file.quality, Anchor.parse(a)) for a in ("fidelity", "0.5", "1")
    )
    assert not torch.allclose(f, p, atol=0.1)
    assert torch.allclose(half, between(f, p, 0.5), atol=1e-4)


def test_every_quality_of_mode_adds_to_the_file(toy_weights: Path) -> None:
    system = load_codec("mode").system  # type: ignore[attr-defined]
    ladder = [system.split(quality) for quality in system.qualities]
    assert (ladder[0], ladder[-1]) == ((0, 0), (31, 252))
    for (share, fineness), (next_share, next_fineness) in itertools.pairwise(ladder):
        assert next_share >= share
        assert next_fineness >= fineness
        assert (next_share, next_fineness) != (share, fineness)


def test_lost_streams_leave_the_other_expert(photo: Image) -> None:
    codec = load_codec("mode")
    bitstream = codec.encode(photo, Target(quality=120))
    sq, vq = (codec.decode(bitstream, Anchor.parse(f"{k}-expert")) for k in ("sq", "vq"))
    without_vq = Bitstream.from_bytes(bitstream.without(0).to_bytes())
    without_sq = Bitstream.from_bytes(bitstream.without(1).to_bytes())
    for anchor in (Anchor.FIDELITY, Anchor.PERCEPTION):
        assert np.array_equal(codec.decode(without_vq, anchor), sq)
        assert np.array_equal(codec.decode(without_sq, anchor), vq)
    with pytest.raises(BitstreamError, match="no stream"):
        codec.decode(without_vq.without(1))


def test_the_experts_inside_a_mode_file_are_the_experts(photo: Image) -> None:
    mode, elic, vq = (load_codec(id) for id in ("mode", "elic", "vq"))
    bitstream = mode.encode(photo, Target(quality=FEWEST - 1))
    alone = elic.encode(photo, Target(quality=0))
    # pictures are padded to the same grid, so the coarsest latent is the same stream
    assert bitstream.streams[1] == alone.streams[0]
    assert np.array_equal(mode.decode(bitstream, Anchor.parse("sq-expert")), elic.decode(alone))
    tokens = vq.encode(make_photo(64, 64), Target(quality=FEWEST - 1))
    both = mode.encode(make_photo(64, 64), Target(quality=FEWEST - 1))
    assert both.streams[0] == tokens.streams[0]


def test_another_symbol_check_is_drift(photo: Image) -> None:
    codec = load_codec("elic")
    made = codec.encode(photo, Target(quality=90))
    (stream,) = made.streams
    forged = Bitstream(
        made.codec, made.weights, made.quality, made.width, made.height,
        (Stream(stream.payload, stream.check ^ 1),),
    )  # fmt: skip
    with pytest.raises(DecoderDrift, match="other values"):
        codec.decode(forged)


def test_other_weights_are_named(photo: Image) -> None:
    codec = load_codec("elic")
    made = codec.encode(photo, Target(quality=9))
    foreign = Bitstream(2, b"\1\2\3\4", 9, made.width, made.height, made.streams)
    with pytest.raises(WeightsMismatch, match="01020304"):
        codec.decode(foreign)


def test_mutated_files_give_an_error_or_a_picture(id: str, codec: Codec) -> None:
    """With the checksum made right again, so that damage reaches the decoder."""
    rng = random.Random(id)
    whole = codec.encode(make_photo(64, 64), Target(quality=30)).to_bytes()
    pictures = 0
    for _ in range(150):
        try:
            bitstream = Bitstream.from_bytes(mutated(whole, rng))
            if bitstream.width * bitstream.height > 1 << 20:
                continue
            decoded = codec.decode(bitstream)
        except BitstreamError:
            continue
        pictures += 1
        assert decoded.shape == (bitstream.height, bitstream.width, 3)
    # flips of the stated target harm nobody, so some pictures must come out
    assert pictures < 150


def mutated(whole: bytes, rng: random.Random) -> bytes:
    """Flipped bits, cuts, repeats; the checksum right again in most cases."""
    data = bytearray(whole[:-4])
    for _ in range(rng.randint(1, 4)):
        kind, at = rng.randrange(3), rng.randrange(4, len(data))
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and len(data) > 40:
            del data[at : at + rng.randint(1, 16)]
        else:
            data[at:at] = data[rng.randrange(len(data)) :][: rng.randint(1, 16)]
        if len(data) < 6:
            break
    return bytes(data) + zlib.crc32(data).to_bytes(4, "little")


def test_tiles_change_nothing(id: str, codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    image = make_photo(320, 450)
    whole = codec.encode(image, Target(quality=100 if id != "vq" else 31))
    picture = codec.decode(whole).astype(int)
    monkeypatch.setattr(tensors, "TILE", 128)
    tiled = codec.encode(image, Target(quality=whole.quality))
    assert len(tiled.to_bytes()) == pytest.approx(len(whole.to_bytes()), abs=8)
    assert np.abs(codec.decode(whole).astype(int) - picture).max() <= 1


def test_weights_of_mode_belong_to_their_experts(toy_weights: Path, tmp_path: Path) -> None:
    import shutil

    from mode_core.codecs.networks import load_net
    from mode_core.weights import sets as weights
    from mode_core.weights.sets import find_weights

    home = tmp_path / "w"
    shutil.copytree(toy_weights, home)
    shard = next((home / "elic-tiny").glob("*.safetensors"))
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "BUNDLED", home)
        with pytest.raises(WeightsMismatch, match="other experts"):
            load_net(find_weights("mode"))


def test_a_few_bytes_that_claim_25_megapixels_are_refused_before_anything_is_drawn(
    codec: Codec, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The length alone says so: with a fitting check, such bytes would be drawn."""
    honest = codec.encode(photo, Target(quality=0))
    system = codec.system  # type: ignore[attr-defined]
    monkeypatch.setattr(type(system), "draw", lambda *_: pytest.fail("it was drawn"))
    for payload in (b"\0", bytes(range(9))):
        streams = tuple(Stream(payload, one.check) for one in honest.streams)
        claim = replace(honest, width=5000, height=5000, streams=streams).to_bytes()
        with pytest.raises(BitstreamError, match="too short to hold"):
            codec.decode(Bitstream.from_bytes(claim))
