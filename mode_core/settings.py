"""Where things are on this machine, and all that is read from the environment.

`VARIABLES` is the whole list: what is not in it is not read, and a test holds the table in
docs/hosting.md to it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[1]
"""The folder that this repository lies in."""
ASSETS, RESULTS = ROOT / "assets", ROOT / "results"
BUNDLED, CARDS = ASSETS / "weights", ASSETS / "cards"
POINTS = RESULTS / "published" / "points.csv"

VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "MODE_HOST": "address to listen on; 0.0.0.0 opens the page to the network",
        "MODE_PORT": "port of the page",
        "MODE_QUEUE": "comparisons that may wait; the next one is refused with its position",
        "MODE_WORKERS": "comparisons that are worked on at once, each in a process of its own",
        "MODE_CACHE_MB": "memory for pictures and files; whoever holds most makes room",
        "MODE_UPLOAD_MB": "largest upload",
        "MODE_JOB_SECONDS": "a codec that takes longer is stopped, and its pane says so",
        "MODE_FRAMES": "whose pages may show this one in a frame",
        "MODE_READ_SECONDS": "a visitor's picture or CSV that takes longer to read is given up",
        "MODE_PICTURES": "folder of pictures that join the page's gallery",
        "MODE_VOTES": "folder that takes the answers of blind tests",
        "MODE_DATA": "folder of public data sets that `bench --dataset` reads, each by its name",
        "MODE_BUNDLED": "folder of sets that count as bundled, such as a family's packs",
        "MODE_WEIGHTS": "folder of imported weights",
        "MODE_WEIGHTS_MIRROR": "address below which public checkpoints lie by their names",
        "MODE_FETCH": "public weights that the page fetches in the background",
        "MODE_ACCEPT_LICENCE": "codecs whose weights' licences the operator accepts",
        "MODE_PROFILE": "whose weights a fresh page shows where both are here",
        "MODE_DEVICE": "where pictures are analysed and drawn",
        "MODE_PRECISION": "what the bundled networks draw in",
        "MODE_LPIPS_BACKBONE": "file of AlexNet's ImageNet features, for LPIPS",
        "MODE_VGG16_BACKBONE": "file of VGG16's ImageNet features, for DISTS",
        "MODE_DISTS_WEIGHTS": "file of the authors' DISTS weights",
        "OMP_NUM_THREADS": "threads of each process that computes, as OpenMP has it",
        "SPACE_ID": "set by a Hugging Face Space, whose page shows this one in a frame",
        "SPACES_ZERO_GPU": "set by a ZeroGPU Space, where networks borrow a GPU",
        "WORLD_SIZE": "set by torchrun: processes that train together",
        "LOCAL_RANK": "set by torchrun: which of them this is on its machine",
    }
)
"""Every variable that this program reads, and what it means."""


def setting(name: str) -> str:
    """The value of a variable, "" if it is not set; only names in the list can be asked for."""
    if name not in VARIABLES:
        raise ValueError(f"{name} is not in the table of settings")
    return os.environ.get(name, "")


def cache_folder() -> Path:
    """MODE_WEIGHTS if it is set, else a folder in the platform's user cache; not created here."""
    return Path(chosen) if (chosen := setting("MODE_WEIGHTS")) else _user_cache()


def data_folder() -> Path:
    """MODE_DATA if it is set, else a folder in the platform's user cache; not created here."""
    return Path(chosen) if (chosen := setting("MODE_DATA")) else _user_cache() / "data"


def _user_cache() -> Path:
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "mode-explorer"


_PATH = re.compile(r"(?<![\w:/.~-])~?(?:/[^\s/'\"`,;:()]+)+/?")
"""An absolute path, which an address is not."""


def for_visitors(sentence: object) -> str:
    """An error's words without the folders of this machine, for those who do not run it.

    What lies in this repository or in the folder of weights keeps its place there; of any other
    path only the last part is left.
    """
    text = str(sentence)
    known = {cache_folder(): "MODE_WEIGHTS", ROOT: "", Path.cwd(): "", Path.home(): ""}
    for folder, name in known.items():
        for place in {str(folder.absolute()), str(folder.resolve())} - {os.sep}:
            inside = f"{name}{os.sep}" if name else ""
            text = text.replace(f"{place}{os.sep}", inside)
            text = re.sub(rf"{re.escape(place)}(?![\w-])", name or "this folder", text)
    return _PATH.sub(lambda found: Path(found[0]).name, text)
