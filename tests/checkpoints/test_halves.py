"""A large network in halves: the encoder's side and the decoder's, each loaded alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mode_core.checkpoints import convert, dialects
from mode_core.checkpoints.convert import Origin, import_checkpoint
from mode_core.codecs.dlf.net import Dlf
from mode_core.codecs.learned import FixedRateCodec
from mode_core.codecs.networks import load_net
from mode_core.codecs.registry import find_codec
from mode_core.stream.container import Bitstream
from mode_core.types import Target
from mode_core.weights.sets import WeightsSet
from tests.conftest import make_photo
from tests.made_up.dlf_nets import QUIRKY
from tests.made_up.public_nets import save

DLF = find_codec("dlf")
EXTRA = {
    "img_loss.perceptual_loss.lin0.weight": torch.ones(3, 3),
    "vqgan.encoder.conv_in.weight": torch.ones(3, 3),
    "vqgan.quant_conv.bias": torch.ones(3),
    "epoch_for_strategy": torch.tensor(4),
    "lmbda_list": torch.ones(3),
}


@pytest.fixture
def home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a DLF dialect of toy size."""
    monkeypatch.setattr(convert, "SHARD_BYTES", 100_000)
    toy = [
        replace(d, net=lambda _: (Dlf, QUIRKY)) if d.codec == "dlf" else d
        for d in dialects.DIALECTS
    ]
    monkeypatch.setattr(dialects, "DIALECTS", tuple(toy))
    return home


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A training framework's checkpoint with what coding does not need."""
    torch.manual_seed(0)
    state = {"epoch": 3, "state_dict": Dlf(QUIRKY).state_dict() | EXTRA}
    return save(state, tmp_path / "dlf.ckpt")


@pytest.fixture
def found(home: Path, file: Path) -> WeightsSet:
    return import_checkpoint("dlf", Origin(file), "", "toy", float32=True)


def test_what_coding_does_not_need_is_left_behind(found: WeightsSet) -> None:
    stored = load_net(found).state_dict()
    assert len(found.shards) > 3
    assert stored.keys() == Dlf(QUIRKY).state_dict().keys()
    for without in ((), ("hybrid_codec.encoder",), ("vqgan", "prior_fusion")):
        net = load_net(found, without)
        assert not any(value.is_meta for value in [*net.parameters(), *net.buffers()])


def test_each_side_loads_its_half(found: WeightsSet) -> None:
    codec, photo = FixedRateCodec(DLF, found), make_photo(100, 300)
    data = codec.encode(photo, Target(quality=0)).to_bytes()
    assert "system" not in vars(codec)
    encoding = codec.writer.net  # type: ignore[attr-defined]
    assert not hasattr(encoding, "vqgan")
    assert not hasattr(encoding.hybrid_codec, "decoder")
    codec = FixedRateCodec(DLF, found)
    picture = codec.decode(Bitstream.from_bytes(data))
    assert "writer" not in vars(codec)
    assert not hasattr(codec.system.net.hybrid_codec, "encoder")  # type: ignore[attr-defined]
    whole = load_net(found)
    with torch.inference_mode():
        latents, _ = whole.read(
            [s.payload for s in Bitstream.from_bytes(data).streams], 0, (256, 512)
        )
        plain = whole.synthesise(latents, torch.zeros(1))[0, :, :100, :300]
    expected = plain.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
    # the memory layout differs, and with it the last bit of a sum
    assert np.abs(picture.astype(int) - expected.astype(int)).max() <= 1
