"""What CLC gains where its dictionary holds a piece of the picture itself: the best case there is.

    python tools/clc_pieces.py --photos PHOTOS [--run runs/clc-told]

Deals the crops once more from which the bundled dictionary was filled (the photographs must be
those it was trained on), finds the regions that became entries, and codes crops with such a region
and crops without one by real files, against the ELIC beneath. Crops with several are also coded as
other pictures of the same: through JPEG, darker, and moved by a quarter of a latent's cell and by a
whole one. --run measures a run in place of the bundled weights. Adds its lines to
results/clc_pieces.csv, in place of earlier ones of that set.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from PIL import Image
from real_files import against, curves
from variants import others, rig_of, write_table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
CSV = ROOT / "results" / "clc_pieces.csv"
MORE = "more"
"""Than one region of a crop."""
SAME = 0.98
"""So many of an entry's bytes are the region's: another machine rounds a few otherwise."""


def through_jpeg(picture: Any, quality: int = 75) -> Any:
    """As it comes back from another archive."""
    kept = io.BytesIO()
    Image.fromarray(picture).save(kept, "JPEG", quality=quality)
    return np.asarray(Image.open(kept))


def darker(picture: Any) -> Any:
    """By a tenth."""
    return (picture * 0.9).round().astype(np.uint8)


def moved(picture: Any, by: int) -> Any:
    """Cut a little further down and to the right; what is missing repeats the edge."""
    return np.pad(picture[by:, by:], ((0, by), (0, by), (0, 0)), mode="edge")


ALTERED: dict[str, Callable[[Any], Any]] = {
    "through JPEG 75": through_jpeg,
    "darker": darker,
    "moved by 4": lambda picture: moved(picture, 4),
    "moved by 16": lambda picture: moved(picture, 16),
}
"""Other pictures of the same."""


def dealt(net: Any, photos: Sequence[Path], seed: int) -> tuple[Any, Any]:
    """Crops in the order in which the dictionary saw them, and for each region of each crop the
    entry that it became, or -1."""
    import torch

    from mode_core.cli.launch import PREPARED_CROPS, split_photos
    from mode_core.codecs.clc.building import MOST_BATCHES, SEEN_FOR_EACH
    from mode_core.codecs.clc.dictionary import BYTE, into_regions
    from mode_core.codecs.stages import STAGES

    source, _ = split_photos([*photos], torch.device("cpu"))
    generator = torch.Generator().manual_seed(seed)
    dictionary = net.dictionary
    entries = dictionary.entries.flatten(1).float()
    crops, became = [], []
    for _ in range(MOST_BATCHES):
        some = source.crops(PREPARED_CROPS, STAGES["clc"].crop, generator)
        regions = into_regions(dictionary.projected(net.analyse(some).float()))
        bytes_BRA = (
            (regions / dictionary.scale[:, None, None]).flatten(2).round().clamp(-BYTE, BYTE)
        )
        near = torch.cdist(bytes_BRA.flatten(0, 1), entries).argmin(1)
        same = (bytes_BRA.flatten(0, 1) == entries[near]).float().mean(1) >= SAME
        became.append(torch.where(same, near, -1).view(bytes_BRA.shape[:2]))
        crops.append((some * 255).round().byte())
        if sum(one.numel() for one in became) >= SEEN_FOR_EACH * dictionary.count:
            break
    return torch.cat(crops), torch.cat(became)


def network(run: Path | None) -> tuple[Any, dict[str, str]]:
    """The network of a run, or the bundled one, and its facts."""
    from mode_core.codecs.networks import load_net
    from mode_core.weights.sets import find_weights

    if run is None:
        found = find_weights("clc")
        return load_net(found), {"width": found.width, **found.facts}
    rig, facts = rig_of("clc", run)
    return rig.net, facts


def pieces(
    net: Any, photos: Sequence[Path], most: int, seed: int
) -> Iterator[tuple[str, list[Any]]]:
    """Crops of which no region, one, or more are in the dictionary, as pictures."""
    import torch

    with torch.no_grad():
        crops, became = dealt(net, photos, seed)
    count = (became >= 0).sum(1)
    print(f"{int((count > 0).sum())} of {len(crops)} crops hold {int(count.sum())} entries")
    for known, of in (("none", count == 0), ("one", count == 1), (MORE, count > 1)):
        chosen = of.nonzero().flatten()
        chosen = chosen[:: max(1, len(chosen) // most)][:most]
        yield known, [crops[place].permute(1, 2, 0).numpy() for place in chosen]


def rows(
    photos: Sequence[Path], run: Path | None, most: int, seed: int
) -> Iterator[dict[str, Any]]:
    """A line for crops with one region in the dictionary, with more, and with none; and altered."""
    from mode_core.codecs.clc.dictionary import REGION
    from mode_core.codecs.networks import load_net
    from mode_core.weights.sets import find_weights

    (net, facts), elic = network(run), load_net(find_weights("elic"))
    of_each = dict(pieces(net, photos, most, seed))
    of_each |= {f"{MORE}, {how}": [*map(alter, of_each[MORE])] for how, alter in ALTERED.items()}
    for known, pictures in of_each.items():
        if not pictures:
            continue
        gains = against(list(curves(elic, "elic", pictures)), list(curves(net, "clc", pictures)))
        sent = share_sent(net, pictures)
        yield {
            "width": facts["width"], "steps": facts["steps"],
            "regions_in_dictionary": known, "crops": len(pictures),
            "regions": pictures[0][..., 0].size // (REGION * net.cell) ** 2,
            "bd_rate": round(fmean(gains), 3), "worst": round(max(gains), 3),
            "best": round(min(gains), 3), "sent": round(sent, 3),
        }  # fmt: skip


def share_sent(net: Any, pictures: Sequence[Any], quality: int = 112) -> float:
    """Of the regions, how many are worth being told which entry is the most alike."""
    import torch

    found = []
    for picture in pictures:
        x = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            sent = net.worth_sending(net.analyse(x), quality)
        found.append(0.0 if sent is None else float((sent >= 0).float().mean()))
    return fmean(found)


def main() -> None:
    """Measure, write the CSV."""
    from mode_core.cli.parsing import positive

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--run", type=Path, help="a run in place of the bundled weights")
    parser.add_argument("--most", type=positive, default=16, help="crops of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the training")
    args = parser.parse_args()
    found = list(rows(args.photos, args.run, args.most, args.seed))
    write_table(CSV, [*others(CSV, "width", {found[0]["width"]}), *found])


if __name__ == "__main__":
    main()
