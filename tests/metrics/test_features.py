"""Patches, and the backbones that have numbers for them; weights of InceptionV3 are random here."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from PIL import ImageFilter
from torchvision.models import Inception3

from mode_core.errors import WeightsUnavailable
from mode_core.metrics import inception
from mode_core.metrics.clouds import frechet_distance, kernel_distance
from mode_core.metrics.features import doubt_about, features_of, find_backbone, patches_of
from mode_core.metrics.inception import PAPERS, TORCHVISION, load_inception, resized
from mode_core.types import Image
from tests.conftest import make_photo

State = dict[str, Any]


@pytest.mark.parametrize(
    ("size", "count"),
    [
        ((255, 900), 0),
        ((256, 256), 1),
        ((383, 600), 2),
        ((384, 384), 2),
        ((512, 768), 6 + 2),
        ((1512, 2016), 35 + 35),
    ],
)
def test_patches_lie_side_by_side_and_once_more_from_the_middle(
    size: tuple[int, int], count: int
) -> None:
    assert len(list(patches_of(np.zeros((*size, 3), np.uint8)))) == count


def test_each_patch_is_where_it_says() -> None:
    places = np.zeros((512, 768, 3), np.uint8)
    places[..., 0] = np.arange(512)[:, None] // 128
    places[..., 1] = np.arange(768) // 128
    corners = [tuple(patch[0, 0, :2].tolist()) for patch in patches_of(places)]
    assert corners == [(0, 0), (0, 2), (0, 4), (2, 0), (2, 2), (2, 4), (1, 1), (1, 3)]
    assert {patch.shape for patch in patches_of(places)} == {(256, 256, 3)}


def jpeg(image: Image, quality: int) -> Image:
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Pillow.open(file))


def test_blur_is_further_off_than_a_good_jpeg_and_a_bad_jpeg_than_a_good_one() -> None:
    alexnet = find_backbone(None)
    photos = [make_photo(512, 520, seed) + np.uint8(9 * seed) for seed in range(2)]

    def of(change: Any) -> Any:
        return np.concatenate([features_of(alexnet, change(photo)) for photo in photos])

    original, good, bad = (
        of(lambda one: one),
        of(lambda one: jpeg(one, 95)),
        of(lambda one: jpeg(one, 8)),
    )
    blurred = of(lambda one: np.asarray(Pillow.fromarray(one).filter(ImageFilter.GaussianBlur(2))))
    assert original.shape == (10, 256)
    assert original.dtype == np.float32
    for distance in (frechet_distance, lambda x, y: kernel_distance(x, y)[0]):
        assert 0 < 3 * distance(original, good) < distance(original, blurred)
        assert 3 * distance(original, good) < distance(original, bad)


def test_alexnet_is_named_and_said_to_be_nobodys_fid() -> None:
    alexnet = find_backbone(None)
    assert (alexnet.name, alexnet.tag, alexnet.numbers) == ("AlexNet", "727f116d", 256)
    assert "with no paper's" in doubt_about(alexnet)
    assert features_of(alexnet, np.zeros((200, 300, 3), np.uint8)).shape == (0, 256)


@pytest.fixture(scope="module")
def state() -> State:
    """All of an InceptionV3, of which the pools are the papers' or torchvision's."""
    torch.manual_seed(0)
    net = Inception3(aux_logits=False, init_weights=False)
    found = dict(net.state_dict())
    for name in found:
        if name.endswith("conv.weight"):  # so that something is left after 94 layers
            found[name] = found[name] * 2.5
    return {**found, "AuxLogits.fc.bias": torch.zeros(1000)}


def of_papers(state: State) -> State:
    return {**state, "fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}


@pytest.fixture(autouse=True)
def _nothing_loaded() -> Iterator[None]:
    load_inception.cache_clear()
    yield
    load_inception.cache_clear()


def loaded(state: State, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What comes of a file that holds this."""
    load_inception.cache_clear()
    monkeypatch.setattr(inception, "load_state", lambda path: state)
    return load_inception(Path("inception.pth"))


def test_a_file_of_the_papers_layout_is_told_by_its_classes(state: State, tmp_path: Path) -> None:
    path = tmp_path / "pt_inception-2015-12-05-6726825d.pth"
    counts = {name for name in state if name.endswith("num_batches_tracked")}
    torch.save({name: one for name, one in of_papers(state).items() if name not in counts}, path)
    backbone = find_backbone(path)
    assert (backbone.name, backbone.numbers) == (PAPERS, 2048)
    assert f"begins with {backbone.tag} instead of 6726825d" in doubt_about(backbone)
    features = features_of(backbone, make_photo(256, 256))
    assert features.shape == (1, 2048)
    assert features.std() > 0


def test_torchvisions_layout_gives_what_torchvisions_network_gives(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, numbers = loaded(state, monkeypatch)
    assert name == TORCHVISION
    patches = torch.from_numpy(make_photo(256, 256)).permute(2, 0, 1)[None].float()
    net = Inception3(aux_logits=False, init_weights=False).eval()
    net.load_state_dict({key: one for key, one in state.items() if not key.startswith("Aux")})
    net.fc = torch.nn.Identity()
    with torch.inference_mode():
        expected = net((resized(patches) - 128) / 128)
    assert expected.std() > 0
    torch.testing.assert_close(numbers(patches), expected)
    papers, others = loaded(of_papers(state), monkeypatch)
    assert papers == PAPERS
    assert not torch.allclose(others(patches), expected, rtol=0.01)


def test_pools_of_the_papers_count_nothing_that_is_padded(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flat map stays flat, to its very edges; the other branches are torchvision's."""
    theirs, usual = inception._network(PAPERS).eval(), inception._network(TORCHVISION).eval()
    for net in (theirs, usual):
        net.load_state_dict({k: v for k, v in state.items() if not k.startswith(("fc", "Aux"))})
    flat = torch.ones(1, 192, 35, 35)
    with torch.inference_mode():
        one, other = theirs.Mixed_5b(flat), usual.Mixed_5b(flat)
    assert one[:, -32:].amax() > 0
    assert one[:, -32:].std((2, 3)).amax() < 1e-6
    assert other[:, -32:].std((2, 3)).amax() > 1e-3
    assert torch.equal(one[:, :-32], other[:, :-32])


def test_the_last_block_of_the_papers_takes_the_largest(state: State) -> None:
    """One high place is as high in all places beside it, and nowhere else."""
    net = inception._network(PAPERS).eval()
    net.load_state_dict({k: v for k, v in state.items() if not k.startswith(("fc", "Aux"))})
    spike = torch.ones(1, 2048, 8, 8)
    spike[..., 4, 4] = 10
    with torch.inference_mode():
        found, high, low = (
            net.Mixed_7c(x)[0, -192:]
            for x in (spike, torch.full_like(spike, 10), torch.ones_like(spike))
        )
    assert high[:, 0, 0].amax() > 0
    torch.testing.assert_close(found[:, 3:6, 3:6], high[:, 3:6, 3:6])
    torch.testing.assert_close(found[:, 0], low[:, 0])


def test_pictures_are_stretched_as_tensorflow_did_it() -> None:
    """Place i takes from i * 256/299, rounded down, and the next; the last one has no next."""
    x = torch.from_numpy(make_photo(256, 256)).permute(2, 0, 1)[None].float()
    found = resized(x)[0]
    assert found.shape == (3, 299, 299)
    for row, column in ((0, 0), (0, 298), (17, 200), (298, 298)):
        expected = torch.zeros(3)
        (y, v), (z, w) = divmod(row * 256 / 299, 1), divmod(column * 256 / 299, 1)
        for down, part in ((y, 1 - v), (y + 1, v)):
            for across, share in ((z, 1 - w), (z + 1, w)):
                expected += part * share * x[0, :, min(int(down), 255), min(int(across), 255)]
        torch.testing.assert_close(found[:, row, column], expected)
    assert torch.equal(found[:, 0, 0], x[0, :, 0, 0])


CONV = "Mixed_6b.branch7x7_2.conv.weight"
VARIANCE = "Mixed_7c.branch1x1.bn.running_var"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fc.weight": None}, "it has no fc.weight, where 1008x2048"),
        ({"fc.weight": torch.zeros(10, 2048)}, "its fc.weight is 10x2048"),
        ({CONV: None}, rf"lacks {CONV} of shape \(128, 128, 1, 7\)"),
        ({CONV: torch.zeros(128, 128, 7, 1)}, f"lacks {CONV}"),
        ({CONV: torch.zeros(128, 128, 1, 7, dtype=torch.int64)}, f"lacks {CONV}"),
        ({CONV: torch.zeros(128, 128, 1, 7).to_sparse()}, f"lacks {CONV}"),
        ({CONV: torch.zeros(128, 128, 1, 7).to(torch.float8_e4m3fn)}, f"lacks {CONV}"),
        ({CONV: torch.full((128, 128, 1, 7), torch.nan)}, f"{CONV} holds what is no number"),
        ({VARIANCE: torch.full((320,), -1.0)}, "holds variances below zero"),
        ({"Mixed_8a.conv.weight": torch.zeros(1)}, "'Mixed_8a.conv.weight', which no InceptionV3"),
    ],
)
def test_a_file_that_is_no_inception_is_refused(
    change: State, words: str, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt = {name: one for name, one in {**of_papers(state), **change}.items() if one is not None}
    with pytest.raises(WeightsUnavailable, match=words):
        loaded(spoilt, monkeypatch)


def test_no_file_and_a_file_that_would_run_something_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailable, match=r"is not a file; docs/whole-sets.md says how"):
        find_backbone(tmp_path / "absent.pth")
    path = tmp_path / "whole-model.pth"
    torch.save(torch.nn.Linear(1, 1), path)
    with pytest.raises(WeightsUnavailable, match="is not a file of weights"):
        find_backbone(path)
