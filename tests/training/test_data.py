"""Training photos: reading folders, refusing bad ones, and what crops look like."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mode_core.training.data import FEWEST, Photos, PhotosError, read_photos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "photos"
    home.mkdir()
    for number in range(FEWEST):
        pixels = np.full((40, 48, 3), number, np.uint8)
        Image.fromarray(pixels).save(home / f"{number:02}.png")
    return home


def test_bad_files_are_named_and_skipped(folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"this is no photo")
    (folder / "notes.txt").write_text("nor is this")
    photos, bad = read_photos([folder])
    assert len(photos) == FEWEST
    assert len(bad) == 1
    assert "broken.jpg" in bad[0]


def test_too_few_photos_is_one_sentence(folder: Path, tmp_path: Path) -> None:
    (folder / "00.png").write_bytes(b"gone")
    with pytest.raises(PhotosError, match=r"49 photos .*00\.png.* at least 50"):
        read_photos([folder])
    with pytest.raises(PhotosError, match=r"there is no .*missing; give --photos"):
        read_photos([tmp_path / "missing"])


def test_a_tar_file_is_as_good_as_a_folder(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "photos.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, "photos")
    from_tar, _ = read_photos([archive])
    from_folder, _ = read_photos([folder])
    pairs = zip(from_tar, from_folder, strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_crops_repeat_with_their_seed_and_differ_without() -> None:
    photos = Photos([torch.randint(0, 256, (3, 70, 90), dtype=torch.uint8)])
    draw = [photos.crops(3, 32, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draw[0], draw[1])
    assert not torch.equal(draw[0], draw[2])
    assert draw[0].shape == (3, 3, 32, 32)
    assert 0 <= draw[0].min() <= draw[0].max() <= 1


def test_a_plain_photo_gives_plain_crops_up_to_the_edges() -> None:
    photos = Photos([torch.full((3, 64, 64), 77, dtype=torch.uint8)])
    crops = photos.crops(64, 60, torch.Generator().manual_seed(0))
    assert torch.allclose(crops, torch.tensor(77 / 255), atol=1e-6)


def test_scaling_down_keeps_a_ramp_and_removes_fine_stripes() -> None:
    columns = torch.arange(200)
    ramp, stripes = columns.expand(3, 200, 200), (columns % 2 * 255).expand(3, 200, 200)
    generator = torch.Generator().manual_seed(0)
    slopes = Photos([ramp.byte()]).crops(200, 100, generator) * 255
    steps = torch.maximum(
        (slopes[..., 1:] - slopes[..., :-1]).abs().mean((1, 2, 3)),
        (slopes[..., 1:, :] - slopes[..., :-1, :]).abs().mean((1, 2, 3)),
    )
    assert steps.min() >= 0.99
    assert steps.max() <= 1 / 0.55 + 0.05
    spread = Photos([stripes.byte()]).crops(200, 100, generator).std((1, 2, 3))
    assert (spread < 0.2).float().mean() > 0.3
    assert (spread > 0.45).float().mean() > 0.2


def test_larger_photos_are_drawn_more_often_and_small_ones_never() -> None:
    sides_and_values = ((300, 250), (150, 120), (60, 10))
    photos = Photos([torch.full((3, s, s), v, dtype=torch.uint8) for s, v in sides_and_values])
    seen = (photos.crops(400, 64, torch.Generator().manual_seed(0)).mean((1, 2, 3)) * 255).round()
    assert set(seen.tolist()) == {250.0, 120.0}
    assert 0.72 < (seen == 250).float().mean() < 0.88
    with pytest.raises(PhotosError, match="512 pixels"):
        photos.crops(1, 512, torch.Generator())
