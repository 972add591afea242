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
    """How many processes work on one comparison: two where each has a core and none a GPU."""
    device = setting("MODE_DEVICE")
    on_gpu = device.startswith("cuda") or (device != "cpu" and _has_driver())
    return 1 if on_gpu or cores() < 2 * places else 2


def threads_here(places: int, hands: int) -> int:
    """The threads of each of several hands at a place, which share its cores."""
    wanted = setting("OMP_NUM_THREADS").partition(",")[0].strip()
    of_place = int(wanted) if wanted.isdecimal() else cores() // places
    return max(1, of_place // hands)


def told(place: int, places: int, hands: int = 1) -> dict[str, str]:
    """What the environment of a worker has beside that of the page, so that each has its own share.

    A single worker is told nothing: it has the machine. What the operator has set stays, unless two
    hands have to share it.
    """
    share = {}
    if hands > 1 or (places > 1 and not setting("OMP_NUM_THREADS")):
        share["OMP_NUM_THREADS"] = str(threads_here(places, hands))
    if places > 1 and (known := _shared()):
        share["MODE_DEVICE"] = f"cuda:{place % known}"
    return share


def _shared() -> int:
    """The GPUs that workers share; none if the operator has named one of them, or the CPU."""
    return gpus() if setting("MODE_DEVICE") in ("", "cuda") else 0


@cache
def gpus() -> int:
    """The GPUs that torch sees; a process is asked, since the page's own never loads torch."""
    if not _has_driver():
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


def _has_driver() -> bool:
    return _DRIVER.exists() or which("nvidia-smi") is not None
