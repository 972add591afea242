"""The loop that every stage runs in: by the clock, guarded, logged, resumable."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from mode_core.layers.flops import best_rate, counted
from mode_core.training import checkpoint
from mode_core.training.data import Photos
from mode_core.training.log import Means, add_row, save_sheet
from mode_core.training.stage import Rig, Stage, TrainingError
from mode_core.training.together import largest, stop, world_size
from mode_core.training.trainer import Trainer
from mode_core.weights.provenance import commit

PROBE_S = 20.0
LOG_S = 15.0
LATE = 0.85
SHOWN = 4

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """One run, as its command line says."""

    out: Path
    minutes: float
    seed: int = 0
    batch: int = 8
    bf16: bool = False
    width: str = "tiny"
    check_s: float = 180.0
    pause_after_s: float = float("inf")
    forecast: bool = True
    """Whether the run measures after a while what it will do; a short one has no time for it."""


class Clock:
    """Seconds of training so far; time between runs, validation and checkpoints do not count."""

    def __init__(self, budget_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self.budget_s = budget_s
        self._now = now
        self._before = 0.0
        self._since: float | None = None

    def start(self) -> None:
        """Let time count from here."""
        if self._since is None:
            self._since = self._now()

    def stop(self) -> None:
        """Let time stand still."""
        self.elapsed_s = self.elapsed_s

    @property
    def elapsed_s(self) -> float:
        """Seconds counted so far."""
        running = 0.0 if self._since is None else self._now() - self._since
        return self._before + running

    @elapsed_s.setter
    def elapsed_s(self, seconds: float) -> None:
        self._before, self._since = seconds, None

    @property
    def progress(self) -> float:
        """Share of the budget used, at most 1."""
        return min(1.0, self.elapsed_s / self.budget_s)


class Run:
    """A stage in training on a set of photos."""

    def __init__(
        self,
        stage: Stage,
        rig: Rig,
        photos: Photos,
        held_out: Sequence[Tensor],
        settings: Settings,
        say: Say,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stage, self.photos, self.held_out = stage, photos, held_out
        self.settings, self.say = settings, say
        self.trainer = Trainer(stage, rig, settings.seed, settings.bf16)
        self.clock = Clock(settings.minutes * 60, now)
        self.batch = settings.batch
        self.means = Means()
        self.leads = not dist.is_initialized() or dist.get_rank() == 0

    def resume(self, state: dict[str, Any]) -> None:
        """Continue an interrupted run exactly."""
        self.trainer.restore(state["trainer"])
        self.clock.elapsed_s = state["elapsed_s"]
        self.batch = state["batch"]

    def train(self) -> None:
        """Train until the time is up, Ctrl-C, or the pause asked for; leaves a checkpoint."""
        self.settings.out.mkdir(parents=True, exist_ok=True)
        # the least of all; and waiting for a process that starts late is no training
        self.batch = -round(largest(-self.batch)[0])
        self.clock.start()
        first, _ = self._shared(False)
        logged = checked = first
        probe = _Probe(self)
        with _interruptible() as interrupted:
            while True:
                elapsed, asked = self._shared(interrupted())
                paused = elapsed - first > self.settings.pause_after_s
                if asked or paused or elapsed >= self.clock.budget_s:
                    break
                step = partial(self._step, elapsed / self.clock.budget_s)
                if self.settings.forecast and probe.is_due(elapsed):
                    probe.report(elapsed, counted(step))
                else:
                    step()
                if elapsed - logged > LOG_S:
                    logged = elapsed
                    self._log(elapsed)
                if elapsed - checked > self.settings.check_s:
                    checked = elapsed
                    self.check()
            self.clock.stop()
            self.check()
        done = self.clock.progress >= 1
        self.say("finished" if done else "interrupted; continue with --resume")

    def _step(self, progress: float) -> None:
        size = self.stage.late_crop if progress > LATE else self.stage.crop
        try:
            x_BCHW = self.photos.crops(self.batch, size, self.trainer.generator)
            self.means.add(self.trainer.step(x_BCHW, progress))
            return
        except (RuntimeError, MemoryError) as error:
            short = isinstance(error, torch.OutOfMemoryError | MemoryError)
            if not short and "can't allocate" not in str(error):
                raise
            if self.trainer.applying and world_size() > 1:
                raise TrainingError(
                    f"memory does not hold the update after {self.batch} crops in one of several "
                    "processes; choose a smaller --batch or --width"
                ) from error
            stop(error)
            if self.batch < 2:
                raise TrainingError(
                    f"memory does not hold {self.batch} crops of {size} pixels; "
                    "choose a smaller --batch or --width"
                ) from error
        self.batch //= 2
        if self.photos.device.type == "cuda":
            torch.cuda.empty_cache()
        self.say(f"memory is short: the batch is now {self.batch} crops")

    def _shared(self, asked: bool) -> tuple[float, bool]:
        """The first process's watch, and whether anyone is to end: all take the same turns."""
        elapsed, ends = largest(self.clock.elapsed_s if self.leads else -1.0, float(asked))
        return elapsed, ends > 0

    def _log(self, elapsed: float) -> None:
        row = {
            "step": self.trainer.steps,
            "elapsed_s": elapsed,
            "crops": self.trainer.crops,
            "skipped": self.trainer.skipped,
            **self.means.take(),
        }
        if self.leads:
            add_row(self.settings.out / "log.csv", row)

    def check(self) -> None:
        """Validate the averaged weights and write the checkpoint."""
        if not self.leads:
            return
        out, trainer = self.settings.out, self.trainer
        with trainer.averaged() as live:
            if hasattr(live.net, "freeze"):
                live.net.freeze()
            # files are coded on the host, whatever trains: exact numbers are read one by one there
            rig = live if trainer.device.type == "cpu" else deepcopy(live).cpu()
            tensors = checkpoint.stored(rig.net)
            # weights first: whoever is killed while it validates has them
            self._save_weights(tensors, {})
            results = [self.stage.validate(rig, photo) for photo in self.held_out]
        figures = {n: fmean(r[1][n] for r in results) for n in results[0][1]} if results else {}
        self._save(tensors, figures)
        if results:
            pairs = [(p, r[0]) for p, r in zip(self.held_out, results, strict=True)]
            save_sheet(out / "validation.png", pairs[:SHOWN])
            row = {"step": trainer.steps, "elapsed_s": self.clock.elapsed_s, **figures}
            add_row(out / "validation.csv", row)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.say(f"step {trainer.steps}, {self.clock.elapsed_s / 60:.1f} min: {shown}")

    def _save(self, tensors: dict[str, Tensor], figures: dict[str, float]) -> None:
        self._save_weights(tensors, figures)
        state = {
            "stage": self.stage.name,
            "width": self.settings.width,
            "minutes": self.settings.minutes,
            "elapsed_s": self.clock.elapsed_s,
            "batch": self.batch,
            "trainer": self.trainer.state(),
        }
        checkpoint.save_state(self.settings.out, state)

    def _save_weights(self, tensors: dict[str, Tensor], figures: dict[str, float]) -> None:
        settings, trainer = self.settings, self.trainer
        facts = {
            "stage": self.stage.name,
            "codec": self.stage.codec,
            "width": settings.width,
            "steps": trainer.steps,
            "crops": trainer.crops,
            "skipped": trainer.skipped,
            "minutes": round(self.clock.elapsed_s / 60, 2),
            "device": trainer.device.type,
            "seed": settings.seed,
            "commit": commit(),
            **self._lesson(),
            **{f"validation_{name}": f"{value:.5g}" for name, value in figures.items()},
            **trainer.rig.facts,
            **checkpoint.facts_of(trainer.rig.net),
        }
        checkpoint.save_weights(settings.out, tensors, facts)

    def _lesson(self) -> dict[str, str]:
        """How far its losses have come, where a new network has first lessons to go through."""
        told = f"{self.trainer.lesson(self.clock.progress):.3f}"
        return {"lesson": told} if self.stage.schooling else {}


class _Probe:
    """Says once, after twenty seconds, what the run will do and how busy it keeps its device."""

    def __init__(self, run: Run) -> None:
        self._run, self._done = run, False
        self._marks: list[tuple[float, int, int]] = []

    def is_due(self, elapsed: float) -> bool:
        """Whether enough time has passed since the first steps, which warm up."""
        if self._done:
            return False
        trainer = self._run.trainer
        self._marks = [*self._marks[:2], (elapsed, trainer.steps, trainer.crops)]
        self._done = elapsed - self._marks[min(1, len(self._marks) - 1)][0] >= PROBE_S
        return self._done

    def report(self, elapsed: float, operations: float) -> None:
        """The forecast, from steps so far and the operations of one."""
        trainer, (first, *_, last) = self._run.trainer, self._marks[1:]
        seconds = last[0] - first[0]
        steps, crops = (
            (now - then) / seconds for then, now in zip(first[1:], last[1:], strict=True)
        )
        left = self._run.clock.budget_s - elapsed
        dtype = torch.bfloat16 if trainer.bf16 else torch.float32
        rate, best = operations * steps, best_rate(trainer.device, dtype)
        self._run.say(
            f"{crops:.1f} crops/s, {1000 / steps:.0f} ms a step, {rate / 1e12:.3g} TFLOP/s "
            f"({100 * rate / best:.0f} % of a plain matrix product): about "
            f"{last[1] + steps * left:,.0f} steps and {last[2] + crops * left:,.0f} "
            f"crops by the end, in {left / 60:.1f} more minutes"
        )


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and a polite kill end the loop after the step in hand, with a checkpoint.

    The second one ends it at once.
    """
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, ask) for kind in kinds]
    try:
        yield lambda: bool(asked)
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
