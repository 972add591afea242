"""SSIMULACRA2 against values of the authors' tool and a second implementation.

The tool's values, and how its pictures are made, are those that a Rust port keeps
(https://github.com/imazen/ssimulacra2, reference_data.rs). Its float32 makes errors of its own,
which weigh most where nearly nothing is wrong.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from mode_core.errors import UnsupportedImage
from mode_core.metrics import METRICS, measure, ssimulacra
from mode_core.metrics.ssimulacra import ssimulacra2
from mode_core.types import Image
from tests.conftest import make_photo
from tests.made_up.plain_metrics import plain_ssimulacra2


def flat(side: int, value: int) -> Image:
    return np.full((side, side, 3), value, np.uint8)


def noise(seed: int) -> Image:
    values = []
    for _ in range(64 * 64 * 3):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(seed >> 33 & 255)
    return np.array(values, np.uint8).reshape(64, 64, 3)


def sharpened(image: Image) -> Image:
    p = np.pad(image.astype(int), ((1, 1), (1, 1), (0, 0)), mode="edge")
    around = p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:]
    return np.clip(5 * p[1:-1, 1:-1] - around, 0, 255).astype(np.uint8)


def ramp() -> Image:
    return np.tile((np.arange(64) * 255 // 63).astype(np.uint8)[:, None], (64, 1, 3))


def sha(image: Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()[:8]


@pytest.mark.parametrize(
    ("side", "shift", "value", "tolerance"),
    [
        (128, 10, 77.843, 0.03),
        (128, 20, 54.279, 0.03),
        (128, 50, -9.824, 0.03),
        (256, 20, 59.779, 0.1),
        (256, 50, -0.391, 0.01),
        (256, 1, 96.150, 1.5),
    ],
)
def test_flat_pictures_have_the_values_of_the_authors_tool(
    side: int, shift: int, value: float, tolerance: float
) -> None:
    grey, lighter = flat(side, 128), flat(side, 128 + shift)
    assert ssimulacra2(grey, lighter) == pytest.approx(value, abs=tolerance)


@pytest.mark.parametrize(
    ("pair", "hashes", "value"),
    [
        ((noise(999), sharpened(noise(999))), ("53f592ab", "4ad3cfe3"), -5.8102),
        ((noise(42), flat(64, 128)), ("7f6be7f4", "2203a98f"), -47.3357),
        ((ramp(), flat(64, 128)), ("bfcfaa06", "2203a98f"), -64.5687),
    ],
    ids=["sharpened noise", "noise lost", "ramp lost"],
)
def test_the_second_implementation_has_the_values_of_the_authors_tool(
    pair: tuple[Image, Image], hashes: tuple[str, str], value: float
) -> None:
    assert (sha(pair[0]), sha(pair[1])) == hashes
    assert plain_ssimulacra2(*pair) == pytest.approx(value, abs=0.003)


@pytest.mark.parametrize(("height", "width"), [(113, 190), (201, 114), (128, 128)])
@pytest.mark.parametrize("strength", [2, 60])
def test_ours_is_what_the_second_implementation_gives(
    height: int, width: int, strength: int
) -> None:
    reference = make_photo(height, width)
    random = np.random.default_rng(height)
    wrong = random.integers(-strength, strength + 1, reference.shape)
    wrong[height // 2 :, :, 1] = 0  # new edges above, lost colour below
    decoded = np.clip(reference + wrong, 0, 255).astype(np.uint8)
    decoded[height // 2 :] = decoded[height // 2 :] // 32 * 32 + 16
    value = ssimulacra2(reference, decoded)
    assert value == pytest.approx(plain_ssimulacra2(reference, decoded), abs=1e-3)


def test_equal_pictures_give_100_to_the_last_bit() -> None:
    random = np.random.default_rng(0).integers(0, 256, (301, 257, 3)).astype(np.uint8)
    for image in (random, make_photo(128, 150), flat(113, 0)):
        assert ssimulacra2(image, image.copy()) == 100


def test_the_worst_value_found_is_within_what_is_accepted_of_files() -> None:
    board = np.kron(np.indices((16, 16)).sum(0) % 2 * 255, np.ones((16, 16)))
    board = board.astype(np.uint8)[..., None].repeat(3, 2)
    value = ssimulacra2(board, 255 - board)
    assert METRICS["ssimulacra2"].limits[0] < value < -6000


@pytest.mark.parametrize(("height", "width"), [(112, 300), (300, 112), (1, 1)])
def test_a_small_picture_is_refused(height: int, width: int) -> None:
    small = np.zeros((height, width, 3), np.uint8)
    with pytest.raises(UnsupportedImage, match=f"SSIMULACRA2 .* 113 pixels .* {width}x{height}"):
        ssimulacra2(small, small)
    assert "ssimulacra2" in measure(small, small).missing


def test_bands_give_what_the_whole_gives_and_keep_no_more_than_a_band(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reference = make_photo(391, 130)
    decoded = (reference // 24 * 24).astype(np.uint8)
    rows: list[int] = []
    blurred = ssimulacra._blurred
    monkeypatch.setattr(ssimulacra, "_blurred", lambda x: rows.append(len(x)) or blurred(x))
    value = ssimulacra2(reference, decoded)
    assert max(rows) == ssimulacra._BAND + 2 * ssimulacra._REACH
    monkeypatch.setattr(ssimulacra, "_BAND", 512)
    assert ssimulacra2(reference, decoded) == pytest.approx(value, abs=1e-5)
    assert max(rows) == 391
