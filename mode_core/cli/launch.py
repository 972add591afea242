"""From a command line to a run: device, networks, photos, and what to continue from."""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mode_core.codecs.stages import STAGES
from mode_core.layers.device import multiplies_bfloat16
from mode_core.settings import setting
from mode_core.training import checkpoint
from mode_core.training.data import Photos, read_photos, refuse_no_source
from mode_core.training.loop import Run, Settings
from mode_core.training.stage import Rig, Setup, Stage, TrainingError, nothing
from mode_core.training.together import HOST_TOO

HELD_OUT = 8
LEAST_S = 2.0
"""A run that starts too late for its end trains so long all the same: it leaves weights."""
HELD_OUT_SIDE = 256
PREPARED_CROPS = 64
BENCHMARKED_MINUTES = 10.0
MEMORY_SHARE = 0.7
"""Of the free memory of a device, what crops may fill."""


def launch(args: argparse.Namespace) -> None:
    """Run one stage as the arguments say."""
    stage = STAGES[args.stage]
    _refuse(args, stage)
    device = _device(args)
    if args.by is not None:
        leave_with_parent()
    torch.manual_seed(args.seed)
    starts = starts_of(args.start)
    rig = stage.assemble(Setup(args.width, args.lpips_backbone, starts)).to(device)
    _refuse_idle(stage, starts)
    photos, held_out = split_photos(args.photos, device, args.held_out)
    state = _start(args, stage, rig, photos)
    rig.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if args.by is not None:
        args.minutes = _left(args.by, state["elapsed_s"] if state else 0.0, device)
    run = Run(stage, rig, photos, held_out, _settings(args, stage, device), say)
    if state is not None:
        run.resume(state)
    run.train()
    if dist.is_initialized():
        dist.destroy_process_group()


def _goes_on(args: argparse.Namespace, elapsed_s: float) -> bool:
    """Whether an interrupted run has time left; one that ends by a time of day is given some."""
    return args.by is not None or elapsed_s < args.minutes * 60


def _left(by: float, gone: float, device: torch.device) -> float:
    """The minutes of a run that ends by a time of day, the same in all processes."""
    seconds = torch.tensor([gone + max(LEAST_S, by - time.time())], dtype=torch.float64)
    if dist.is_initialized():
        seconds = seconds.to(device)
        dist.broadcast(seconds, 0)
    return float(seconds) / 60


def leave_with_parent() -> None:
    """End with a checkpoint once whoever holds the other end of the input is gone."""

    def wait() -> None:
        while os.read(0, 1 << 10):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    if not dist.is_initialized():
        threading.Thread(target=wait, daemon=True).start()


def say(sentence: str) -> None:
    """Print a sentence, once however many processes train."""
    if not dist.is_initialized() or dist.get_rank() == 0:
        print(sentence, flush=True)


def _refuse(args: argparse.Namespace, stage: Stage) -> None:
    if args.out.exists() and not args.out.is_dir():
        raise TrainingError(f"--out {args.out} is a file; give a folder")
    if args.by is not None:
        args.minutes = max(LEAST_S, args.by - time.time()) / 60
    if args.minutes is None:
        raise TrainingError("give --minutes, the length of the run")
    if args.resume is None and stage.continues:
        names = " or ".join(stage.continues)
        raise TrainingError(f"{stage.name} builds on {names}: give --resume with that run's folder")
    if args.resume is not None and not args.resume.exists():
        raise TrainingError(f"there is no {args.resume}; give --resume with the folder of a run")
    refuse_no_source(args.photos)


def _device(args: argparse.Namespace) -> torch.device:
    if args.threads:
        torch.set_num_threads(args.threads)
    device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        known = f"cuda:0 to cuda:{count - 1}, or cpu" if count else "cpu"
        raise TrainingError(f"there is no device {device} here; give --device {known}")
    if int(setting("WORLD_SIZE") or 1) > 1:
        dist.init_process_group(HOST_TOO if device.type == "cuda" else "gloo")
        if device.type == "cuda":
            device = torch.device("cuda", int(setting("LOCAL_RANK")))
    if device.type == "cuda":
        torch.cuda.set_device(device.index or 0)
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True
        # looking for the fastest kernels takes seconds for each new size: it must pay
        torch.backends.cudnn.benchmark = args.minutes >= BENCHMARKED_MINUTES
    return device


def _settings(args: argparse.Namespace, stage: Stage, device: torch.device) -> Settings:
    cuda = device.type == "cuda"
    return Settings(
        out=args.out,
        minutes=args.minutes,
        seed=args.seed,
        batch=args.batch or (_gpu_batch(stage, device, args.beside) if cuda else stage.batch),
        bf16=multiplies_bfloat16(device) and not args.fp32,
        width=args.width,
        pause_after_s=args.pause_after * 60,
        check_s=args.check_seconds,
        forecast=args.by is None,
    )


def _gpu_batch(stage: Stage, device: torch.device, beside: int) -> int:
    """What keeps a large device busy, or less where its memory is small or shared."""
    free, _ = torch.cuda.mem_get_info(device)
    return fitting_batch(stage, free / (1 + beside))


def fitting_batch(stage: Stage, free: float) -> int:
    """The batch for so many bytes."""
    return max(1, min(stage.gpu_batch, int(MEMORY_SHARE * free / (stage.crop_mb * 1e6))))


class Starts(dict[str, Path]):
    """Runs by codec, which remember what codecs a stage has looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.looked_for: set[str] = set()

    def get(self, codec: str, default: Any = None) -> Any:
        self.looked_for.add(codec)
        return super().get(codec, default)

    def __contains__(self, codec: object) -> bool:
        self.looked_for.add(str(codec))
        return super().__contains__(codec)


def _refuse_idle(stage: Stage, starts: Starts) -> None:
    """TrainingError for a --start that no part of the stage has looked for."""
    for codec in starts:
        if codec not in starts.looked_for:
            known = " or ".join(f"{one}=FOLDER" for one in sorted(starts.looked_for))
            raise TrainingError(
                f"{stage.name} has no use for --start {codec}=; it takes {known or 'none'}"
            )


def starts_of(words: Sequence[str]) -> Starts:
    """What --start was told."""
    starts = Starts()
    for text in words:
        codec, equals, path = text.partition("=")
        if not equals:
            raise TrainingError(f"--start {text} is not CODEC=FOLDER, such as elic=runs/elic")
        starts[codec] = Path(path)
    return starts


def split_photos(
    sources: list[Path], device: torch.device, held_out: int = HELD_OUT
) -> tuple[Photos, list[Tensor]]:
    """What a run deals crops of, and the middles of the photos that it is judged by."""
    say("reading photos...")
    photos, bad = read_photos(sources)
    for line in bad:
        say(f"skipped {line}")
    if held_out >= len(photos):
        raise TrainingError(
            f"--held-out {held_out} leaves nothing of {len(photos)} photos to train on; give fewer"
        )
    held = range(0, len(photos), -(-len(photos) // held_out))
    kept = Photos([photo for i, photo in enumerate(photos) if i not in held], device)
    say(f"{len(kept)} photos, {kept.megapixels:.0f} megapixels; {len(held)} more for validation")
    return kept, [centre(photos[i]) for i in held]


def centre(photo: Tensor) -> Tensor:
    """The middle of a photo as a float batch of one; photos smaller than 64 pixels are padded."""
    high, wide = (min(HELD_OUT_SIDE, max(64, side // 64 * 64)) for side in photo.shape[1:])
    y, x = (max(0, (photo.shape[1] - high) // 2), max(0, (photo.shape[2] - wide) // 2))
    part = photo[None, :, y : y + high, x : x + wide].float() / 255
    missing = (0, wide - part.shape[3], 0, high - part.shape[2])
    return nn.functional.pad(part, missing, mode="replicate") if any(missing) else part


def _start(
    args: argparse.Namespace, stage: Stage, rig: Rig, photos: Photos
) -> dict[str, Any] | None:
    """Fit a fresh start to the photos, or load what --resume names; the state if it is exact."""
    if args.resume is None:
        generator = torch.Generator().manual_seed(args.seed)
        if stage.prepare is not nothing:
            say("looking at photos before the first step...")
        stage.prepare(rig, lambda: photos.crops(PREPARED_CROPS, stage.crop, generator))
        return None
    idle = args.warm and rig.critic is None
    state = None if idle else checkpoint.read_state(args.resume)
    same = state is not None and (state["stage"], state["width"]) == (stage.name, args.width)
    if state is not None and same and not args.warm and _goes_on(args, state["elapsed_s"]):
        say(f"continuing after {state['elapsed_s'] / 60:.1f} minutes")
        return state
    facts = checkpoint.load_into(rig.net, args.resume, stage.codec)
    rig.schooled = float(facts.get("lesson", 1)) >= stage.schooling
    if stage.continues and facts.get("stage") not in (stage.name, *stage.continues):
        names = " or ".join(stage.continues)
        say(f"note: {stage.name} builds on {names}, and {args.resume} is no run of it")
    say(f"starting from the weights of {facts.get('stage')} after {facts.get('steps')} steps")
    if state is not None and same and rig.critic is not None:
        # a critic learns slowly and is in no weights file: a stage's next run goes on with it
        saved, names = state["trainer"]["rig"], rig.critic.state_dict()
        rig.critic.load_state_dict({name: saved[f"critic.{name}"] for name in names})
        say("and from the critic of that run")
    return None
