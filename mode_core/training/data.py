"""Training photos: decoded once, kept on the device as bytes, cropped there.

Shapes: B batch, C channels, H height, W width, N output size, S source window.
"""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mode_core.errors import ModeError
from mode_core.layers.device import sent

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
ARCHIVES = (".tar", ".tar.gz", ".tgz")
PREPARED = ".safetensors"
LARGEST_FILE = 64 << 20
MOST_BYTES = 24 << 30
AT_ONCE = 256
FEWEST = 50
SMALLEST_SCALE = 0.55
UNSCALED_SHARE = 0.25
TRANSPOSED_SHARE = 0.25


Item = TypeVar("Item")


class PhotosError(ModeError):
    """The photo folder cannot be trained on."""


def decode(data: bytes) -> Tensor:
    """One file as a uint8 (3, H, W) tensor, upright."""
    with PillowImage.open(io.BytesIO(data)) as file:
        pixels = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def _is_photo(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not Path(name).name.startswith(".")


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.name.lower().endswith(ARCHIVES) and path.is_file():
                yield from _members(path)
            elif _is_photo(path.name) and path.is_file():
                large = path.stat().st_size > LARGEST_FILE
                yield str(path), b"" if large else path.read_bytes()
        return
    refuse_no_source([source])
    yield from _members(source)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """What an archive holds, read in memory: nothing of it is ever written under its own name."""
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if not member.isfile() or not _is_photo(member.name):
                    continue
                file = archive.extractfile(member) if member.size <= LARGEST_FILE else None
                yield f"{path}:{member.name}", file.read() if file else b""
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise PhotosError(f"{path} is no whole .tar file ({error}); copy it again") from error


def refuse_no_source(sources: Sequence[Path]) -> None:
    """Say which place holds no photos before any are read."""
    for source in sources:
        if not source.exists():
            raise PhotosError(f"there is no {source}; give --photos a folder or a .tar file")
        prepared = source.suffix == PREPARED
        if not source.is_dir() and not (
            source.is_file() and (prepared or tarfile.is_tarfile(source))
        ):
            raise PhotosError(
                f"{source} is neither a folder nor a .tar file; give --photos a folder"
            )


def _attempt(item: tuple[str, bytes]) -> Tensor | str:
    name, data = item
    if not data:
        return f"{name}: empty, or over {LARGEST_FILE >> 20} MB"
    try:
        return decode(data)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        return f"{name}: {str(error).splitlines()[0]}"
    except PillowImage.DecompressionBombError:
        return f"{name}: too many pixels"


def read_photos(sources: Sequence[Path], fewest: int = FEWEST) -> tuple[list[Tensor], list[str]]:
    """All photos of folders and .tar files, and a line for each file that cannot be read."""
    photos: list[Tensor] = []
    bad: list[str] = []
    # Pillow decodes without holding the interpreter's lock, so threads use all cores.
    with ThreadPoolExecutor() as pool:
        for source in sources:
            if source.suffix == PREPARED and source.is_file():
                photos += read_prepared(source)
                continue
            # a few at a time: all files of a large folder at once would fill the memory
            for some in batched(_files(source), AT_ONCE):
                for result in pool.map(_attempt, some):
                    if isinstance(result, str):
                        bad.append(result)
                    else:
                        photos.append(result)
                if sum(photo.numel() for photo in photos) > MOST_BYTES:
                    bad.append(f"{source}: the rest, beyond {MOST_BYTES >> 30} GB of pixels")
                    break
    if len(photos) < fewest:
        where = ", ".join(map(str, sources))
        unread = f" ({len(bad)} more could not be read, first {bad[0]})" if bad else ""
        raise PhotosError(
            f"{where} holds {len(photos)} photos{unread}; training needs at least {fewest}"
            f" of {', '.join(SUFFIXES)}"
        )
    return photos, bad


def write_prepared(path: Path, photos: Sequence[Tensor]) -> None:
    """Decoded photos as one file, which several runs then share instead of decoding again."""
    sizes = torch.tensor([photo.shape[1:] for photo in photos])
    pixels = torch.cat([photo.reshape(3, -1) for photo in photos], 1)
    save_file({"pixels": pixels, "sizes": sizes}, path)


def read_prepared(path: Path) -> list[Tensor]:
    """Those photos again; the file stays where it is until a pixel is needed."""
    try:
        tensors = load_file(path)
        sizes = [(int(high), int(wide)) for high, wide in tensors["sizes"].tolist()]
        parts = tensors["pixels"].split([high * wide for high, wide in sizes], 1)
        pairs = zip(parts, sizes, strict=True)
        return [part.reshape(3, *size) for part, size in pairs]
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise PhotosError(f"{path} holds no prepared photos; give --photos a folder") from error


def batched(items: Iterator[Item], count: int) -> Iterator[list[Item]]:
    """So many items at a time."""
    while some := list(islice(items, count)):
        yield some


def cubic(distance: Tensor) -> Tensor:
    """Keys' interpolation kernel (a = -0.5)."""
    x = distance.abs()
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


def resampling(start_B: Tensor, step_B: Tensor, flip_B: Tensor, size: int, window: int) -> Tensor:
    """Matrices (B, N, S) that read N pixels, `step` source pixels apart, antialiased."""
    at = torch.arange(size, device=start_B.device, dtype=torch.float32)
    at_BN = torch.where(flip_B[:, None] > 0, size - 1 - at, at)
    centre_BN = start_B[:, None] + (at_BN + 0.5) * step_B[:, None] - 0.5
    source = torch.arange(window, device=start_B.device, dtype=torch.float32)
    weight_BNS = cubic((source - centre_BN[..., None]) / step_B[:, None, None])
    # A window ends where its photo's crop ends: rows are normalised over what is really there.
    inside = source < (start_B + step_B * size).ceil()[:, None, None]
    weight_BNS = weight_BNS * inside
    return weight_BNS / weight_BNS.sum(-1, keepdim=True)


class Photos:
    """Photos on a device that deal random crops: three long rows of bytes, cut by arithmetic."""

    def __init__(self, photos: Sequence[Tensor], device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.sizes = [(int(photo.shape[1]), int(photo.shape[2])) for photo in photos]
        ends = torch.tensor([high * wide for high, wide in self.sizes]).cumsum(0)
        self._sides = torch.tensor(self.sizes, dtype=torch.float64)
        self._starts = ends - self._sides.prod(1).long()
        self.pixels = torch.empty(3, int(ends[-1]), dtype=torch.uint8, device=self.device)
        for photo, start, end in zip(photos, self._starts.tolist(), ends.tolist(), strict=True):
            self.pixels[:, start:end] = photo.reshape(3, -1).to(self.device)
        self._chances: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def photos(self) -> list[Tensor]:
        """All of them, (3, H, W)."""
        areas = [high * wide for high, wide in self.sizes]
        parts = zip(self.pixels.split(areas, 1), self.sizes, strict=True)
        return [part.view(3, *size) for part, size in parts]

    @property
    def megapixels(self) -> float:
        """Millions of pixels in all photos."""
        return self.pixels.shape[1] / 1e6

    def chances(self, size: int) -> Tensor:
        """Cumulative chance of each photo: by area, none for photos smaller than the crop."""
        if size not in self._chances:
            area = self._sides.prod(1) * (self._sides.amin(1) >= size)
            if not area.any():
                raise PhotosError(f"no photo is {size} pixels high and wide; give larger photos")
            total = area.cumsum(0)
            self._chances[size] = total / total[-1]
        return self._chances[size]

    def crops(self, batch: int, size: int, generator: torch.Generator) -> Tensor:
        """Random (B, 3, N, N) crops in [0, 1], randomly scaled down, flipped and transposed."""
        draw = torch.rand(batch, 8, generator=generator, dtype=torch.float64)
        chosen = torch.searchsorted(self.chances(size), draw[:, 0].contiguous(), right=True)
        chosen = chosen.clamp(max=len(self) - 1)
        sides = self._sides[chosen]
        smallest = (size / sides.amin(1)).clamp(min=SMALLEST_SCALE)
        scale = smallest + (1 - smallest) * draw[:, 1]
        unscaled = draw[:, 2] < UNSCALED_SHARE
        scale = torch.where(unscaled, 1.0, scale)
        start = (sides - size / scale[:, None]).clamp(min=0) * draw[:, 3:5]
        start = torch.where(unscaled[:, None], start.floor(), start)
        corner = start.floor()
        turned = draw[:, 7:] < TRANSPOSED_SHARE
        columns = [start - corner, 1 / scale[:, None], draw[:, 5:7].round(), turned, corner, sides]
        # one small copy for all that the device is told
        told = sent(torch.cat([*columns, self._starts[chosen, None]], 1), self.device)
        windows = self._windows(told[:, 6:].long(), int(size / SMALLEST_SCALE) + 2)
        place = told[:, :6].float()
        window = windows.shape[-1]
        rows = resampling(place[:, 0], place[:, 2], place[:, 3], size, window)
        across = resampling(place[:, 1], place[:, 2], place[:, 4], size, window)
        x_BCNN = rows[:, None] @ windows @ across[:, None].mT
        x_BCNN = torch.where(place[:, 5, None, None, None] > 0, x_BCNN.mT, x_BCNN)
        # Files hold 8 bits, so crops do too.
        return x_BCNN.round_().clamp_(0, 255).div_(255)

    def _windows(self, told_B5: Tensor, side: int) -> Tensor:
        """Squares from a corner on; beyond a photo's edges its last pixels, which weigh nothing."""
        top, left, high, wide, start = told_B5[..., None].unbind(1)
        along = torch.arange(side, device=self.device)
        y_BS, x_BS = (top + along).minimum(high - 1), (left + along).minimum(wide - 1)
        at_BSS = (start + y_BS * wide)[:, :, None] + x_BS[:, None]
        return self.pixels[:, at_BSS].transpose(0, 1).float()
