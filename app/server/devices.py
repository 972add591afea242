"""How many worker processes there are, and what each is told of devices and threads."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from shutil import which

from app.server.jobs import cores
from app.server.process import Worker, WorkerLost
from app.settings import Settings
from mode_core.settings import setting

_DRIVER = Path("/proc/driver/nvidia/version")
_COUNT_S = 180.0
_LOG = logging.getLogger("mode.app")


def places_here(settings: Settings) -> int:
    """As many workers as the operator wants, else one for each GPU, else one."""
    return settings.workers or max(1, _shared())


def hands_here(places: int) -> int:
    """How many processes code for one comparison: two where each has a core and none a GPU."""
    return 1 if _shared() or cores() < 2 * places else 2


def threads_here(places: int, hands: int) -> int:
    """The threads of each of several hands at a place; what the operator has set is shared."""
    of_place = setting("OMP_NUM_THREADS")
    known = int(of_place) if of_place.isdecimal() else _threads(places)
    return max(1, known // hands)


def told(place: int, places: int) -> dict[str, str]:
    """What the environment of a worker has beside that of the page, so that each has its own share.

    A single worker is told nothing: it has the machine. What the operator has set stays.
    """
    if places == 1:
        return {}
    share = {} if setting("OMP_NUM_THREADS") else {"OMP_NUM_THREADS": str(_threads(places))}
    if known := _shared():
        share["MODE_DEVICE"] = f"cuda:{place % known}"
    return share


def _shared() -> int:
    """The GPUs that workers share; none if the operator has named one of them, or the CPU."""
    return gpus() if setting("MODE_DEVICE") in ("", "cuda") else 0


@cache
def gpus() -> int:
    """The GPUs that torch sees; a process is asked, since the page's own never loads torch."""
    if not (_DRIVER.exists() or which("nvidia-smi")):
        return 0
    asked = Worker(_COUNT_S)
    try:
        return int(asked.call(count_gpus))
    except WorkerLost as error:
        _LOG.warning(
            "the GPUs here were not counted (%s): MODE_WORKERS says how many workers", error
        )
        return 0
    finally:
        asked.close()


def count_gpus() -> int:
    """What that process does."""
    import torch

    return torch.cuda.device_count()


def _threads(places: int) -> int:
    return max(1, cores() // places)
