"""Stages as processes of their own, side by side: what becomes of one does not sink the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mode_core.cli.family.plan import (
    BUNDLED,
    DONE,
    FAILED,
    FAMILY,
    OUT,
    Part,
    Slot,
    Sources,
    affordable,
    blocked,
    schedule,
    sources,
)
from mode_core.cli.family.progress import last_words, says_finished
from mode_core.cli.family.state import State
from mode_core.settings import ROOT
from mode_core.weights.sets import find_weights

ATTEMPTS = 2
GRACE_S, PATIENCE_S = 5.0, 60.0
"""How late a stage may be at the end of the time; and, or twice its slot, before that."""
KILL_S = 20.0
AT_ONCE_S = 1.0
"""A slot that starts within this time starts now."""
OUTPUT, VISIBLE = "output.txt", "CUDA_VISIBLE_DEVICES"

Command = Callable[["Job"], list[str]]


@dataclass(frozen=True, slots=True)
class Job:
    """All that a stage's process is told."""

    part: Part
    folder: Path
    sources: Sources
    state: State
    by: float
    """Time of day at which training ends; validation comes after it."""
    devices: tuple[int, ...]
    """GPUs, or none."""
    attempt: int


@dataclass
class Running:
    """A stage that runs."""

    job: Job
    process: subprocess.Popen[bytes]
    lanes: list[int]
    end: float
    """When its slot ends, on the runner's clock."""
    length: float
    """The seconds of its slot."""
    said: int = 0
    """How long its output was when it began."""
    asked: float = 0.0
    """When it was asked to stop."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the stages run on."""

    gpus: int
    side_by_side: int
    """Processes on each GPU, or on the CPUs."""

    @property
    def lanes(self) -> int:
        """Processes at a time."""
        return max(1, self.gpus) * self.side_by_side

    def device(self, lane: int) -> tuple[int, ...]:
        """The GPU of a lane."""
        return (lane % self.gpus,) if self.gpus else ()


def child_environment(**more: str) -> dict[str, str]:
    """What a process of this family sees."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **more}


def with_devices(environment: Mapping[str, str], devices: Sequence[int]) -> dict[str, str]:
    """An environment in which these GPUs, as numbered in it, are the only ones."""
    if not devices:
        return dict(environment)
    outer = [name.strip() for name in environment.get(VISIBLE, "").split(",") if name.strip()]
    names = [outer[n] if n < len(outer) else str(n) for n in dict.fromkeys(devices)]
    return {**environment, VISIBLE: ",".join(names)}


class Runner:
    """Starts what can start, watches it, and plans anew whenever something ends."""

    def __init__(
        self,
        parts: Sequence[Part],
        state: State,
        place: Place,
        bundled: Mapping[str, str],
        command: Command,
        say: Callable[[str], None],
        overhead: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.parts, self.state, self.place, self.bundled = parts, state, place, bundled
        self.command, self.say, self.now = command, say, now
        self.overhead = self.closing = overhead
        self.measured = False
        self.running: list[Running] = []

    def waiting(self) -> list[Part]:
        """What is still to start, those that failed in an earlier start of the family included."""
        busy = {run.job.part.name for run in self.running}
        over = (DONE, FAILED, OUT)
        return [
            part
            for part in self.parts
            if part.name not in busy and self.state.status(part.name) not in over
        ]

    def slots(self, until: float) -> list[Slot]:
        """The plan from now on."""
        now = self.now()
        lanes = [0.0] * self.place.lanes
        for run in self.running:
            for lane in run.lanes:
                lanes[lane] = max(run.end - now, 0.0)
        over = {p.name: 0.0 for p in self.parts if self.state.status(p.name)}
        over |= {r.job.part.name: max(r.end - now, 0.0) for r in self.running}
        over = {n: end for n, end in over.items() if n not in {p.name for p in self.waiting()}}
        kept = affordable(self.waiting(), lanes, over, until - now, self.overhead)
        return schedule(kept, lanes, over, until - now, self.overhead)

    def turn(self, until: float) -> bool:
        """Look after everything once; whether anything is left to do."""
        for run in list(self.running):
            self._watch(run, until)
        self._start(until)
        return bool(self.running or self.waiting())

    def _start(self, until: float) -> None:
        # once it is known how long starting and validating take, nothing starts in vain
        least = self.overhead if self.measured else AT_ONCE_S
        if until - self.now() < least:
            for part in self.waiting():
                self._over(part, OUT, f"{part.name} is left out: the time is too short for it")
            return
        busy = {lane for run in self.running for lane in run.lanes}
        ending = {run.job.part.name for run in self.running}
        due = [s for s in self.slots(until) if s.start <= AT_ONCE_S and s.lane not in busy]
        due = [s for s in due if not blocked(s.part, ending, self.waiting())]
        spare = [n for n in range(self.place.lanes) if n not in busy | {s.lane for s in due}]
        extra = spare if self._shares_gpus() else []
        for number, slot in enumerate(due):
            self._launch(slot, [slot.lane, *extra[number :: len(due)]])

    def _shares_gpus(self) -> bool:
        """Whether GPUs that nothing else needs join a stage."""
        return self.place.gpus > 1 and self.place.side_by_side == 1 and not self.running

    def _launch(self, slot: Slot, lanes: list[int]) -> None:
        part, state = slot.part, self.state
        found = sources(part, state.results(FAMILY), self.bundled, state.width)
        if found.missing:
            self._over(part, OUT, found.missing)
            return
        for sentence in found.told:
            self.say(sentence)
        folder = state.folder(part.name)
        folder.mkdir(parents=True, exist_ok=True)
        attempt = int(state.stages.get(part.name, {}).get("attempts", 0)) + 1
        length = max(slot.end - slot.start - self.closing, 1.0)
        devices = tuple(device for lane in lanes for device in self.place.device(lane))
        job = Job(part, folder, found, state, time.time() + length, devices, attempt)
        with (folder / OUTPUT).open("ab") as output:
            said = output.tell()
            process = subprocess.Popen(
                self.command(job),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=with_devices(child_environment(), devices),
                cwd=ROOT,  # this very version of the program
                start_new_session=True,  # Ctrl-C is for this process, which asks them to end
            )
        end = self.now() + slot.end - slot.start
        self.running.append(Running(job, process, lanes, end, slot.end - slot.start, said))
        state.mark(
            part.name, status="running", attempts=attempt, seconds=round(slot.end - slot.start, 1),
            resume=found.resume, starts=dict(found.starts or {}), devices=list(devices),
        )  # fmt: skip
        self.say(f"{part.name} starts, {slot.end - slot.start:.0f} s")

    def _watch(self, run: Running, until: float) -> None:
        code, now = run.process.poll(), self.now()
        if code is None:
            late = now > min(run.end + max(PATIENCE_S, run.length), until + GRACE_S)
            if late and not run.asked:
                self.say(f"{run.job.part.name} takes too long and is asked to end")
                run.asked = now
                run.process.send_signal(signal.SIGTERM)
            elif run.asked and now - run.asked > KILL_S:
                kill(run.process)
            return
        self.running.remove(run)
        if run.process.stdin:
            run.process.stdin.close()
        part, has = run.job.part, run.job.part.name in self.state.results(FAMILY)
        # a stage that was asked to end saves and leaves with 0, however short it has trained
        if code == 0 and has and says_finished(run.job.folder / OUTPUT, run.said):
            # how long it took after its training had ended is what the next ones need, too
            self.closing = max(self.closing, time.time() - run.job.by)
            self.overhead, self.measured = max(self.overhead, self.closing), True
            self._over(part, DONE, f"{part.name} is done")
            return
        why = last_words(run.job.folder / OUTPUT, {"code": code})
        if run.job.attempt < ATTEMPTS and until - now > self.overhead:
            self.state.mark(part.name, status="", why=why)
            self.say(f"{part.name} broke off and is tried once more ({why})")
            return
        kept = "; what it had saved is used" if has else ""
        self._over(part, FAILED, f"{part.name} failed ({why}){kept}")

    def _over(self, part: Part, status: str, sentence: str) -> None:
        self.state.mark(part.name, status=status, why=sentence)
        self.say(sentence)

    def stop(self) -> None:
        """Ask all that runs to save and end; kill what does not."""
        for run in self.running:
            run.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + KILL_S + self.closing
        for run in self.running:
            try:
                run.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                kill(run.process)
            self.state.mark(run.job.part.name, status="", why="stopped")
        self.running.clear()


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, at once."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


def stage_command(
    photos: Path, options: Sequence[str], threads: int, beside: int, check_s: float
) -> Command:
    """How the process of a stage is called."""

    def command(job: Job) -> list[str]:
        several = len(set(job.devices)) > 1
        words = [sys.executable]
        if several:
            words += ["-m", "torch.distributed.run", "--standalone"]
            words += ["--nproc_per_node", str(len(set(job.devices)))]
        words += ["-m", "mode_core", "train", job.part.name, "--photos", str(photos)]
        words += ["--out", str(job.folder), "--width", job.state.width, "--by", f"{job.by:.1f}"]
        words += ["--threads", str(threads), "--check-seconds", f"{check_s:.0f}"]
        words += ["--beside", str(beside), *options]
        if not several:
            words += ["--device", "cuda:0" if job.devices else "cpu"]  # the only one that it sees
        if (job.folder / "state.pt").is_file():
            words += ["--resume", str(job.folder)]
        elif job.sources.resume:
            words += ["--resume", str(_folder(job, job.sources.resume))]
        for codec, stage in (job.sources.starts or {}).items():
            words += ["--start", f"{codec}={_folder(job, stage)}"]
        return words

    return command


def _folder(job: Job, source: str) -> Path:
    """Where the weights of a source lie."""
    if source.startswith(BUNDLED):
        return find_weights(source.removeprefix(BUNDLED)).folder.absolute()
    return job.state.folder(source).absolute()
