"""Every metric against a closed form and a second implementation."""

from __future__ import annotations

import hashlib
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
from torchvision.models import AlexNet
from torchvision.models.vgg import cfgs, make_layers

from mode_core.errors import UnsupportedImage, WeightsUnavailable
from mode_core.metrics import (
    METRICS,
    backbones,
    measurable,
    measure,
    perceptual,
    unavailable,
)
from mode_core.metrics.fidelity import ms_ssim, psnr
from mode_core.metrics.table import MEASURABLE, metric_of
from mode_core.settings import CARDS
from mode_core.training.losses import load_lpips
from mode_core.types import Image
from tests.conftest import PYTHON, make_photo, process
from tests.made_up.plain_metrics import plain_dists, to_unit

GREY = np.full((8, 8, 3), 100, np.uint8)


@pytest.fixture(scope="module")
def pair() -> tuple[Image, Image]:
    """A photo and the same with noise."""
    reference = make_photo(170, 203)
    noise = np.random.default_rng(1).normal(0, 20, reference.shape)
    return reference, np.clip(reference + noise, 0, 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def _no_backbones(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No weights of this machine."""
    for variable in ("MODE_LPIPS_BACKBONE", "MODE_VGG16_BACKBONE", "MODE_DISTS_WEIGHTS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("MODE_WEIGHTS", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("one", "other", "decibels"), [(100, 101, 48.13), (0, 255, 0), (100, 100, float("inf"))]
)
def test_psnr_of_flat_pictures(one: int, other: int, decibels: float) -> None:
    flat = np.zeros_like(GREY)
    assert psnr(flat + np.uint8(one), flat + np.uint8(other)) == pytest.approx(decibels, abs=0.005)


@pytest.mark.parametrize("name", MEASURABLE)
def test_two_sizes_are_a_mistake_of_the_program(name: str) -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        METRICS[name].compute(GREY, np.zeros((8, 9, 3), np.uint8))


def test_ms_ssim_is_what_a_second_one_written_from_the_paper_gave(
    pair: tuple[Image, Image],
) -> None:
    assert ms_ssim(*pair) == pytest.approx(0.888144, abs=1e-5)


@pytest.mark.parametrize(
    ("height", "width", "value"),
    [(161, 161, 0.945085385175763), (201, 334, 0.931926104510458), (170, 1000, 0.941572345740917)],
)
def test_ms_ssim_has_every_digit_of_pytorch_msssim(height: int, width: int, value: float) -> None:
    """Odd sides too, which are halved in one way of several; and more rows than one band."""
    random = np.random.default_rng(height)
    reference = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    reference[20:90] = reference[20:21]
    noise = random.integers(-60, 61, reference.shape)
    decoded = np.clip(reference + noise, 0, 255).astype(np.uint8)
    assert ms_ssim(reference, decoded) == pytest.approx(value, abs=1e-13)


@pytest.mark.parametrize(("height", "width"), [(160, 300), (300, 160), (1, 1)])
def test_ms_ssim_of_a_small_picture_is_refused(height: int, width: int) -> None:
    small = np.zeros((height, width, 3), np.uint8)
    with pytest.raises(UnsupportedImage, match=f"161 pixels .* {width}x{height}"):
        ms_ssim(small, small)


def test_ms_ssim_takes_161_pixels() -> None:
    small = make_photo(161, 161)
    assert ms_ssim(small, small) == pytest.approx(1)


def test_lpips_is_the_package_with_the_backbone_from_the_file(
    pair: tuple[Image, Image], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.warns(UserWarning, match="pretrained"):
        package = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    layers = {name.partition(".")[2]: value for name, value in package.net.state_dict().items()}
    state = {f"features.{name}": value.half() for name, value in layers.items()}
    torch.save(state, tmp_path / "backbone.pth")
    monkeypatch.setenv("MODE_LPIPS_BACKBONE", str(tmp_path / "backbone.pth"))
    monkeypatch.setattr(perceptual, "_CHECK_TOLERANCE", float("inf"))
    expected = package(*map(to_unit, pair), normalize=True).item()
    assert perceptual.lpips(*pair) == pytest.approx(expected, rel=2e-3)
    assert perceptual.lpips(pair[0], pair[0]) == 0


def test_a_random_backbone_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    save_alexnet(tmp_path / "backbone.pth")
    monkeypatch.setenv("MODE_LPIPS_BACKBONE", str(tmp_path / "backbone.pth"))
    with pytest.raises(WeightsUnavailable, match="does not hold torchvision's"):
        perceptual.lpips(make_photo(64, 64), make_photo(64, 64))


def test_lpips_needs_no_network_and_no_setting(pair: tuple[Image, Image]) -> None:
    assert perceptual.lpips(*pair) == pytest.approx(0.346089, abs=1e-5)  # in float32 0.346114


def test_the_bundled_file_is_the_one_that_its_card_describes() -> None:
    data = backbones.BUNDLED_ALEXNET.read_bytes()
    assert len(data) <= 9_500_000
    card = (CARDS / "alexnet-features.md").read_text(encoding="utf-8")
    assert hashlib.sha256(data).hexdigest() in card
    features = backbones.alexnet_state(backbones.BUNDLED_ALEXNET)
    assert f"{sum(one.numel() for one in features.values()):,} numbers" in card
    for words in ("Soumith Chintala", "THIS SOFTWARE IS PROVIDED", "own licenses or terms"):
        assert words in " ".join(card.split())


def test_without_the_bundled_file_the_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(backbones, "BUNDLED_ALEXNET", tmp_path / "absent")
    with pytest.raises(WeightsUnavailable, match="missing from assets/metrics; fetch the repos"):
        perceptual.lpips(make_photo(64, 64), make_photo(64, 64))


def test_training_takes_the_bundled_file_and_agrees_with_the_metric(
    pair: tuple[Image, Image],
) -> None:
    loss, (x, y) = load_lpips(None), map(to_unit, pair)
    assert float(loss(y, loss.reference(x))) == pytest.approx(perceptual.lpips(*pair), rel=1e-3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "names .* which is not a file"),
        (b"not weights", r"is not a file of weights: it is damaged, or of another kind$"),
        (b"\x80\x02.", "is not a file of weights"),
        (b"\x80", "is not a file of weights"),
        (b"\x80\x02X\x05\x00", "is not a file of weights"),
        ({7: torch.zeros(1)}, "not a state dict"),
        ({"features.0.weight": torch.zeros(64, 3, 11, 11)}, "lacks features.0.bias"),
        ({"features.0.weight": torch.zeros(1)}, "lacks features.0.weight"),
        ([1, 2], "not a state dict"),
    ],
)
def test_a_wrong_backbone_file_is_refused(
    content: object, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "backbone.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    monkeypatch.setenv("MODE_LPIPS_BACKBONE", str(path))
    with pytest.raises(WeightsUnavailable, match=words):
        perceptual.lpips(make_photo(64, 64), make_photo(64, 64))


def test_a_backbone_that_would_run_code_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch.save({"features.0.weight": Hostile()}, tmp_path / "hostile.pth")
    monkeypatch.setenv("MODE_LPIPS_BACKBONE", str(tmp_path / "hostile.pth"))
    with pytest.raises(WeightsUnavailable, match=r"weights: it is damaged, or of another kind$"):
        perceptual.lpips(make_photo(64, 64), make_photo(64, 64))
    assert not Path("ran-by-a-pickle").exists()


@pytest.mark.parametrize("name", ["lpips", "dists"])
def test_perceptual_metrics_refuse_tiny_pictures(name: str) -> None:
    tiny = np.zeros((30, 64, 3), np.uint8)
    with pytest.raises(UnsupportedImage, match=r"31 pixels .* 64x30"):
        METRICS[name].compute(tiny, tiny)


def test_dists_equals_one_written_with_torchvision_layers(
    pair: tuple[Image, Image], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    features = make_layers(cfgs["D"], batch_norm=False)
    alpha, beta = torch.rand(1, 1475, 1, 1), torch.rand(1, 1475, 1, 1)
    state = {f"features.{name}": value for name, value in features.state_dict().items()}
    torch.save(state, tmp_path / "vgg.pth")
    torch.save({"alpha": alpha, "beta": beta}, tmp_path / "weights.pt")
    monkeypatch.setenv("MODE_VGG16_BACKBONE", str(tmp_path / "vgg.pth"))
    monkeypatch.setenv("MODE_DISTS_WEIGHTS", str(tmp_path / "weights.pt"))
    expected = plain_dists(features, alpha.flatten(), beta.flatten(), *pair)
    assert perceptual.dists(*pair) == pytest.approx(expected, rel=1e-3)
    assert perceptual.dists(pair[0], pair[0]) == pytest.approx(0, abs=1e-5)


def test_what_cannot_be_measured_is_left_out_with_its_reason(pair: tuple[Image, Image]) -> None:
    measured = measure(*pair)
    assert set(measured.values) == set(measurable())
    assert set(measurable()) == {"psnr", "ms_ssim", "lpips", "ssimulacra2"}
    assert set(measured.missing) == {"dists"}
    assert "let MODE_DISTS_WEIGHTS name" in measured.missing["dists"] == unavailable()["dists"]


def test_files_are_looked_for_once_and_a_useless_one_is_read_once(
    pair: tuple[Image, Image], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "damaged.pth").write_bytes(b"not weights")
    monkeypatch.setenv("MODE_LPIPS_BACKBONE", str(tmp_path / "damaged.pth"))
    looked: list[str] = []
    for name in ("load_state", "cache_folder"):
        real = getattr(backbones, name)
        monkeypatch.setattr(backbones, name, lambda *a, n=name, f=real: looked.append(n) or f(*a))
    assert "lpips" in measurable(), "the file is there"
    for _ in range(3):
        assert set(measure(*pair).missing) == {"lpips", "dists"}
    assert "damaged.pth is not a file of weights" in unavailable()["lpips"]
    assert measurable() == ("psnr", "ms_ssim", "ssimulacra2")
    assert sorted(looked) == ["cache_folder", "load_state"]


def test_a_picture_too_small_for_a_metric_does_not_give_it_up() -> None:
    assert "lpips" in measure(GREY, GREY).missing
    assert "lpips" in measurable()


def test_looking_for_files_loads_no_torch() -> None:
    look = "import sys; from mode_core.metrics import unavailable; unavailable()"
    told = process(PYTHON, "-c", f"{look}; print('torch' in sys.modules)", check=True)
    assert told.stdout.split() == ["False"]


def test_a_metric_that_others_publish_is_not_measured() -> None:
    assert measure(GREY, GREY, ["fid"]).missing == {"fid": "this metric is not measured here"}


def test_values_of_a_shared_column_are_told_apart_by_their_network() -> None:
    nets = ("alex", "AlexNet", "vgg16", "", "squeeze")
    keys = [metric_of("lpips", net).key.removeprefix("lpips") for net in nets]
    assert keys == ["", "", "_vgg", "_unknown", "_unknown"]
    assert metric_of("psnr", "alex").key == "psnr"


def test_the_browser_gets_what_it_needs_to_show_numbers() -> None:
    found = METRICS["psnr"].as_json()
    assert found.pop("about")
    assert found == {
        "key": "psnr", "label": "PSNR", "unit": "dB", "better": "higher", "digits": 2,
        "in_view": "always",
    }  # fmt: skip
    assert METRICS["lpips"].as_json()["label"] == "LPIPS"


class Hostile:
    """A pickle that would create a file when read."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return open, ("ran-by-a-pickle", "w")


def save_alexnet(path: Path) -> None:
    torch.manual_seed(0)
    net = AlexNet().features
    torch.save({f"features.{k}": v for k, v in net.state_dict().items()}, path)


@pytest.mark.parametrize("height", [512, 499, 530, 513])
def test_lpips_of_a_large_picture_in_bands_is_that_of_the_whole(
    height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(height)
    reference = random.integers(0, 256, (height, 211, 3)).astype(np.uint8)
    reference[100:300] //= 4
    decoded = np.clip(reference + random.integers(-40, 41, reference.shape), 0, 255).astype(
        np.uint8
    )
    whole = METRICS["lpips"].compute(reference, decoded)
    monkeypatch.setattr("mode_core.metrics.perceptual._BAND_PIXELS", 211 * 256)
    seen: list[int] = []
    maps = perceptual._layer_maps
    monkeypatch.setattr(
        perceptual,
        "_layer_maps",
        lambda net, x, y: seen.append(len(x)) or maps(net, x, y),
    )
    assert METRICS["lpips"].compute(reference, decoded) == pytest.approx(whole, abs=5e-7)
    assert len(seen) == -(-height // 256)


def test_lpips_reads_one_reference_of_many_pictures_once(
    pair: tuple[Image, Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = perceptual._alex(perceptual.alexnet_path())
    read: list[torch.Tensor] = []
    features = perceptual._features
    monkeypatch.setattr(perceptual, "_features", lambda net, x: read.append(x) or features(net, x))
    monkeypatch.setattr(net, "last_reference", (None, []), raising=False)
    one, other = pair
    alone = [float(net(*(2 * to_unit(x).float() - 1 for x in two))) for two in (pair, (other, one))]
    found = [perceptual.lpips(*two) for two in (pair, pair, (other, one), pair)]
    assert found == pytest.approx([alone[0], alone[0], alone[1], alone[0]], abs=1e-7)
    assert found[0] == found[1] == found[3]
    assert len(read) == 2 + 1 + 2 + 2
    monkeypatch.setattr(perceptual, "_KEPT_PIXELS", 100)
    perceptual.lpips(other, one)
    assert net.last_reference == (None, []), "a large one would hold much memory"
