"""Files that an earlier version wrote are still read, to the same integers and the same picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mode_core.codecs.registry import codec_of, load_codec
from mode_core.pictures.files import read_image
from mode_core.stream.container import Bitstream
from mode_core.types import Anchor
from mode_core.weights import sets as weights
from tests.conftest import ROOT

GOLDEN = sorted((ROOT / "tests" / "golden").glob("v*/*.mode"))


@pytest.fixture(params=GOLDEN, ids=[f"{p.parent.name}-{p.stem}" for p in GOLDEN])
def golden(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path: Path = request.param
    monkeypatch.setattr(weights, "BUNDLED", path.parent / "weights")
    monkeypatch.setenv("MODE_PRECISION", "float32")
    load_codec.cache_clear()
    yield path
    load_codec.cache_clear()


def test_golden_files_exist() -> None:
    assert {path.stem for path in GOLDEN} >= {
        "elic",
        "vq",
        "mode",
        "hdc",
        "clc",
        "jpeg",
        "webp",
        "avif",
        "jxl",
    }


def test_old_file_decodes_to_its_picture(golden: Path) -> None:
    bitstream = Bitstream.from_bytes(golden.read_bytes())
    info = codec_of(bitstream.codec)
    anchor = Anchor.parse("0.5") if info.id == "mode" else None
    # a wrong integer would be DecoderDrift; what is left is float rendering
    decoded = load_codec(info.id).decode(bitstream, anchor)
    expected = read_image(golden.with_suffix(".png"))
    assert np.abs(decoded.astype(int) - expected).max() <= 1
