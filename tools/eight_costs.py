"""What 8-bit probabilities cost in bytes, and what they save in time: the same latents, written by
the bundled ELIC and by a run of `train elic --width tiny-eight`, both in turn.

    python tools/eight_costs.py runs/eight --photos PHOTOS

Latents and pictures of the two are the same to the bit, so bytes alone tell them apart. Seconds are
of the processor, one thread, the best of each. Writes results/eight.csv.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from time import process_time
from typing import Any

from variants import rig_of, write_table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
CSV = ROOT / "results" / "eight.csv"
QUALITIES = (0, 28, 56, 112, 168, 252)
TIMED, TURNS = 3, 5
"""So many photographs are timed, each so often."""


def least(*jobs: Callable[[], object]) -> list[float]:
    """The least processor time of each job; they take turns."""
    best = [float("inf")] * len(jobs)
    for _ in range(TURNS):
        for place, job in enumerate(jobs):
            start = process_time()
            job()
            best[place] = min(best[place], process_time() - start)
    return best


def rows(run: Path, photos: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """A line for each quality: bits per pixel by both, and seconds of writing and reading."""
    import torch

    from mode_core.codecs.networks import load_net
    from mode_core.codecs.system import by_repeating
    from mode_core.codecs.tiles import to_tensor
    from mode_core.pictures.files import read_image
    from mode_core.weights.sets import find_weights

    torch.set_num_threads(1)
    plain = load_net(find_weights("elic"))
    eight = rig_of("elic", run)[0].net
    eight.freeze()
    both = plain, eight
    images = [read_image(path) for path in photos]
    with torch.inference_mode():
        padded = [by_repeating(plain.stride)(to_tensor(image, 1)) for image in images]
        latents = [plain.analyse(x) for x in padded]
        same = all(map(torch.equal, latents, map(eight.analyse, padded)))
        for quality in QUALITIES:
            sizes, costs, seconds = [], [], []
            for place, (image, y) in enumerate(zip(images, latents, strict=True)):
                files = [net.write(y, quality)[0] for net in both]
                pixels = image.shape[0] * image.shape[1]
                sizes.append([8 * len(file) / pixels for file in files])
                costs.append(100 * (len(files[1]) / len(files[0]) - 1))
                if place < TIMED:
                    seconds.append(_timed(both, y, quality, files))
            bpp = [fmean(one) for one in zip(*sizes, strict=True)]
            spent = [fmean(one) for one in zip(*seconds, strict=True)]
            yield {
                "quality": quality, "photos": len(images), "same_latents": same,
                "bpp": round(bpp[0], 4), "bpp_eight": round(bpp[1], 4),
                "cost_percent": round(100 * (bpp[1] / bpp[0] - 1), 2),
                "least_percent": round(min(costs), 2), "most_percent": round(max(costs), 2),
                "write_s": round(spent[0], 4), "write_eight_s": round(spent[1], 4),
                "read_s": round(spent[2], 4), "read_eight_s": round(spent[3], 4),
            }  # fmt: skip


def _timed(both: Sequence[Any], y: Any, quality: int, files: Sequence[bytes]) -> list[float]:
    grid = (y.shape[2], y.shape[3])
    writes = [lambda net=net: net.write(y, quality) for net in both]
    reads = [lambda net=net, file=file: net.read(file, quality, grid)
             for net, file in zip(both, files, strict=True)]  # fmt: skip
    return least(*writes, *reads)


def main() -> None:
    """Measure, write the CSV."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--most", type=int, default=24, help="photographs")
    args = parser.parse_args()
    write_table(CSV, rows(args.run, sorted(args.photos.glob("*.png"))[: args.most]))


if __name__ == "__main__":
    main()
