"""Pictures may be drawn in bfloat16: they move by a level or so, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mode_core.codecs.registry import load_codec
from mode_core.errors import ModeError
from mode_core.layers.blocks import PictureHead
from mode_core.layers.device import chosen_device, fast_type
from mode_core.types import Anchor, Image, Target
from tests.conftest import make_photo


def drawn(
    id: str, photo: Image, anchor: Anchor | None, precision: str, patch: pytest.MonkeyPatch
) -> Image:
    patch.setenv("MODE_PRECISION", precision)
    codec = load_codec(id)
    return codec.decode(codec.encode(photo, Target(bpp=0.5)), anchor)


@pytest.mark.parametrize(
    ("id", "anchor"),
    [
        ("elic", None),
        ("vq", None),
        ("mode", Anchor(0.5)),
        ("mode", Anchor(1)),
        ("clc", None),
        ("hdc", None),
    ],
)
def test_bfloat16_moves_pictures_by_a_level_here_and_there(
    id: str, anchor: Anchor | None, toy_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo(96, 128)
    exact = drawn(id, photo, anchor, "float32", monkeypatch)
    quick = drawn(id, photo, anchor, "bfloat16", monkeypatch)
    off = np.abs(exact.astype(int) - quick)
    # toys; with trained weights it is one level at most
    assert 0 < off.max() <= 4
    assert off.mean() < 0.4


def test_an_unknown_precision_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODE_PRECISION", "half")
    with pytest.raises(ModeError, match="MODE_PRECISION is 'half'; it can be float32 or bfloat16"):
        fast_type()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("wish", ["gpu", "cuda"])
def test_a_device_that_is_not_there_is_refused_by_name(
    wish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODE_DEVICE", wish)
    with pytest.raises(ModeError, match=f"MODE_DEVICE is '{wish}'; here it can be cpu alone"):
        chosen_device()


def test_the_last_layers_are_never_rounded_to_bfloat16() -> None:
    head = PictureHead(torch.nn.Conv2d(8, 3, 1))
    x = torch.rand(1, 8, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        inside = head(x)
    assert torch.equal(inside, head(x))
