"""Two processes decide together: one that has no memory, is lost or must end never goes alone."""

from __future__ import annotations

import math
import os
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor

from mode_core.training.data import Photos
from mode_core.training.gradients import Guard
from mode_core.training.loop import Run, Settings
from mode_core.training.stage import Rig, Setup, Stats
from mode_core.training.trainer import MOST_SKIPS, Trainer
from tests.training.test_loop import QUIET, build, quiet_loss

pytestmark = pytest.mark.training
_PATIENCE = timedelta(minutes=3)
"""Where they did not agree, one would wait for the other for ever."""


def _meet(rank: int, out: str) -> None:
    torch.set_num_threads(1)
    meet = f"file://{out}/meet"
    dist.init_process_group("gloo", timeout=_PATIENCE, init_method=meet, rank=rank, world_size=2)


class Late(Guard):
    """Hears of its device a step late, as GPUs tell in their own time."""

    def judge(self, norm: Tensor, steps: int) -> Tensor:
        before = self.counts.clone()
        usable = super().judge(norm, steps)
        self.heard.copy_(before)
        return usable


def _fall(rank: int, out: str) -> None:
    _meet(rank, out)
    trainer, bad = Trainer(QUIET, build(Setup()), seed=0), torch.full((1, 3, 32, 32), math.nan)
    if rank:
        trainer.guard = Late(trainer.device)
    fallen = []
    for _ in range(MOST_SKIPS + 3):
        trainer.step(bad, 0.3)
        fallen.append(trainer.falls)
    torch.save(fallen, f"{out}/{rank}.pt")
    dist.destroy_process_group()


def test_all_fall_back_at_the_same_step(tmp_path: Path) -> None:
    mp.start_processes(_fall, (str(tmp_path),), nprocs=2, start_method="fork")
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert first == second
    assert (first[MOST_SKIPS - 2], first[-1]) == (0, 1)


def _train(rank: int, out: str, photos: Photos) -> None:
    _meet(rank, out)

    def loss(rig: Rig, x: Tensor, p: float, g: torch.Generator) -> tuple[Tensor, Stats]:
        steps = made[0].trainer.steps
        if rank and steps == 3 and len(x) > 1:
            raise torch.OutOfMemoryError("too much")
        if rank and steps == 8:
            os.kill(os.getpid(), signal.SIGTERM)
        return quiet_loss(rig, x, p, g)

    def now() -> float:
        return made[0].trainer.steps / 2 if made else 0.0

    made: list[Run] = []
    settings = Settings(Path(out) / "run", 1 / 3, seed=3, batch=4 - rank, forecast=False)
    stage = replace(QUIET, loss=loss)
    made.append(Run(stage, build(Setup()), photos, [], settings, lambda _: None, now))
    made[0].train()
    trainer = made[0].trainer
    left = trainer.steps, made[0].batch, [p.detach() for p in trainer.params]
    torch.save(left, f"{out}/{rank}.pt")
    dist.destroy_process_group()


def test_memory_that_is_short_in_one_and_a_wish_to_end_count_for_all(tmp_path: Path) -> None:
    photos = Photos([(torch.rand(3, 80, 96) * 255).byte() for _ in range(3)])
    mp.start_processes(_train, (str(tmp_path), photos), nprocs=2, start_method="fork")
    left = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    assert [(steps, batch) for steps, batch, _ in left] == [(9, 1), (9, 1)]
    for mine, theirs in zip(left[0][2], left[1][2], strict=True):
        assert torch.equal(mine, theirs)


def _continue(rank: int, out: str) -> None:
    _meet(rank, out)
    trainer = Trainer(QUIET, build(Setup()), seed=0)
    states: list[dict[str, Any] | None] = [trainer.state() if rank == 0 else None]
    dist.broadcast_object_list(states)
    trainer.restore(states[0] or {})
    torch.save((torch.rand(8, generator=trainer.generator), torch.rand(8)), f"{out}/{rank}.pt")
    dist.destroy_process_group()


def test_after_a_pause_each_draws_crops_of_its_own(tmp_path: Path) -> None:
    mp.start_processes(_continue, (str(tmp_path),), nprocs=2, start_method="fork")
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    assert not torch.equal(first[0], second[0])
    assert not torch.equal(first[1], second[1])
