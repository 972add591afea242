"""The newest weights of every codec as sets, and all results in a few small files."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mode_core.cli.family.plan import BUNDLED, FAMILY
from mode_core.cli.family.state import State
from mode_core.codecs.identity import joined_tags
from mode_core.codecs.registry import CODECS
from mode_core.errors import ModeError
from mode_core.evaluation.pack import write_shards
from mode_core.stream.atomic import replacing
from mode_core.training.checkpoint import read_weights
from mode_core.weights.sets import WeightsSet, find_weights, set_in

SHARD_BYTES = 3_800_000
"""Four of them, and small things, fit into one file of an export."""
MOST_FILES, MOST_BYTES = 8, 16_000_000
SMALL = ("plan.json", "family.log", "table.md", "table.csv", "sheet.png")


def newest(state: State) -> dict[str, str]:
    """The last stage of every codec that has weights."""
    return {p.codec: p.name for p in FAMILY if p.name in state.results(FAMILY)}


def write_packs(state: State) -> list[str]:
    """A set for every codec that has results; sentences on those that could not be made."""
    home, told = state.out / "packs", []
    home.mkdir(exist_ok=True)
    stages = newest(state)
    for codec in sorted(stages, key=lambda codec: len(CODECS[codec].experts)):
        try:
            _write(state, codec, stages, home)
        except (ModeError, OSError, KeyError) as error:
            told.append(f"{codec} was not packed: {error}")
    return told


def _write(state: State, codec: str, stages: Mapping[str, str], home: Path) -> None:
    tensors, facts = read_weights(state.folder(stages[codec]))
    folder = home / f"{codec}-{facts['width']}"
    facts["history"] = ", ".join(p.name for p in FAMILY if p.codec == codec and _has(state, p.name))
    if CODECS[codec].experts:
        facts["experts"] = joined_tags(_experts(state, codec, stages, home))
    with _anew(folder) as part:
        part.mkdir()
        write_shards(part, tensors, facts, SHARD_BYTES)


@contextmanager
def _anew(folder: Path) -> Iterator[Path]:
    """A name for what takes a folder's place once it is whole, with nothing of what was there."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    yield part
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def _has(state: State, name: str) -> bool:
    return name in state.results(FAMILY)


def _experts(state: State, codec: str, stages: Mapping[str, str], home: Path) -> list[WeightsSet]:
    """The packs that a codec was trained on; a bundled expert is taken along."""
    used = state.stages.get(stages[codec], {}).get("starts", {})
    found = []
    for expert in CODECS[codec].experts:
        source = used.get(expert, "")
        folder = home / f"{expert}-{state.width}"
        if source.startswith(BUNDLED):
            with _anew(folder) as part:
                shutil.copytree(find_weights(expert).folder, part)
        elif source != stages.get(expert):
            raise ModeError(f"it was trained on {source}, and {stages.get(expert)} came after it")
        one = set_in(folder)
        if one is None:
            raise ModeError(f"{folder} holds no whole set")
        found.append(one)
    return found


def export(state: State, home: Path) -> list[str]:
    """Everything worth keeping in at most eight files, each whole by itself; what had no room."""
    home.mkdir(parents=True, exist_ok=True)
    files = [(path, name) for name in SMALL if (path := state.out / name).is_file()]
    for folder in sorted((state.out / "packs").glob("[!.]*")):
        files += [(path, f"packs/{folder.name}/{path.name}") for path in sorted(folder.iterdir())]
    for part in FAMILY:
        run = state.folder(part.name)
        for name in ("log.csv", "validation.csv", "output.txt"):
            if (run / name).is_file():
                files.append((run / name, f"{part.name}/{name}"))
    # a log may grow while it is read: it is taken as long as it is now
    lengths = [path.stat().st_size for path, _ in files]
    boxes, left = boxed([(length, place) for place, length in enumerate(lengths)])
    for number, box in enumerate(boxes):
        with replacing(home / f"family-{number}.tar") as part_of, tarfile.open(part_of, "w") as tar:
            for place in box:
                _add(tar, *files[place], lengths[place])
    for old in home.glob("family-*.tar"):
        if old.name not in {f"family-{n}.tar" for n in range(len(boxes))}:
            old.unlink()
    return [files[place][1] for place in left]


def _add(tar: tarfile.TarFile, path: Path, name: str, length: int) -> None:
    """A file, without what it has grown by since its length was taken."""
    with path.open("rb") as file:
        data = file.read(length)
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def boxed(
    sizes: Sequence[tuple[int, int]], boxes: int = MOST_FILES, room: int = MOST_BYTES
) -> tuple[list[list[int]], list[int]]:
    """Which file of an export each thing goes to, the first with room; and what fits into none."""
    filled: list[list[int]] = []
    used: list[int] = []
    left = []
    for size, place in sizes:
        needed = 512 + -(-size // 512) * 512
        fits = (n for n in range(len(used)) if used[n] + needed <= room - 10240)
        number = next(fits, len(used))
        if number == len(used):
            if number == boxes or needed > room - 10240:
                left.append(place)
                continue
            filled.append([])
            used.append(0)
        filled[number].append(place)
        used[number] += needed
    return filled, left
