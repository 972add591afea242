"""`train family`: photos in, all codecs out, within a time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from mode_core.cli.family import closing, packs
from mode_core.cli.family.plan import BUNDLED, FAILED, FAMILY, OUT, FamilyError, Part, closing_time
from mode_core.cli.family.progress import Teller, line, stage_words
from mode_core.cli.family.runner import Command, Place, Runner, stage_command
from mode_core.cli.family.state import State, fingerprint, opened
from mode_core.codecs.registry import CODECS
from mode_core.errors import ModeError, WeightsUnavailable
from mode_core.stream.atomic import make_folder, replacing
from mode_core.stream.lock import held
from mode_core.training.data import FEWEST, read_photos, write_prepared
from mode_core.weights.sets import find_weights

POLL_S, NOTED_S = 0.5, 5.0
EXPORTS = 6
"""Exports during a run, and at least a minute between them."""
ROOMY, FAIR = 60e9, 24e9
"""Bytes of a GPU on which three, and two, stages run side by side."""
OVERHEAD_SHARE, OVERHEAD_MOST = 0.05, 25.0
"""What a stage is expected to spend before and after training, of the whole time; the most."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    photos: Sequence[Path]
    out: Path
    minutes: float
    width: str = "compact"
    parts: Sequence[Part] = FAMILY
    from_bundled: Sequence[str] = ()
    gpus: int | None = None
    side_by_side: int | None = None
    export: Path | None = None
    options: Sequence[str] = ()
    """Further words for every stage."""


def train_family(wish: Wish, command: Command | None = None) -> State:
    """Train, pack, measure; goes on where an earlier start in the same folder ended."""
    began = time.monotonic()
    make_folder(wish.out)
    with held(wish.out / ".lock", lambda: _refuse_another(wish.out)), _ends() as asked:
        state = opened(wish.out, wish.minutes, wish.width)
        _Family(wish, state, began - state.spent_s, asked, command).run()
    return state


def _refuse_another(out: Path) -> None:
    raise FamilyError(f"another run is writing to {out}; wait for it or choose another --out")


@contextmanager
def _ends() -> Iterator[list[int]]:
    """Ctrl-C and a polite kill are noted, so that stages can save before all ends."""
    asked: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda number, _: asked.append(number)) for kind in kinds]
    try:
        yield asked
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


class _Family:
    """One start of a family."""

    def __init__(
        self, wish: Wish, state: State, began: float, asked: list[int], command: Command | None
    ) -> None:
        self.wish, self.state, self.began, self.asked = wish, state, began, asked
        self.total = wish.minutes * 60
        self.tell = Teller(state.out / "family.log")
        self.place = place_of(wish)
        self.bundled = bundled_widths()
        self.exported = time.monotonic()
        self.benches: list[subprocess.Popen[bytes]] = []
        threads = max(1, (os.cpu_count() or 1) // self.place.lanes)
        beside = (self.place.side_by_side if self.place.gpus else self.place.lanes) - 1
        photos = (state.out / "photos.safetensors").absolute()
        check_s = max(30.0, self.total / 8)
        self.command = command or stage_command(photos, wish.options, threads, beside, check_s)
        overhead = min(OVERHEAD_MOST, OVERHEAD_SHARE * self.total)
        self.runner = Runner(
            wish.parts, state, self.place, self.bundled, self.command, self.tell.say, overhead
        )

    @property
    def spent(self) -> float:
        """Seconds of the time that are used."""
        return time.monotonic() - self.began

    def run(self) -> None:
        """All of it; ModeError if it was stopped, or nothing came of it."""
        tell, state = self.tell, self.state
        where = f"{self.place.gpus} GPUs" if self.place.gpus else "the CPU"
        tell.say(
            f"{len(self.wish.parts)} stages of width {state.width} in {self.wish.minutes:g} "
            f"minutes on {where}, {self.place.lanes} side by side"
            + (f"; {self.spent:.0f} s are used already" if state.spent_s else "")
        )
        for codec in self.wish.from_bundled:
            if self.bundled.get(codec) != state.width:
                tell.say(f"--from-bundled {codec}: no {codec} weights of width {state.width} are "
                         "bundled, so what needs them is left out")  # fmt: skip
        if not self.bundled:
            tell.say("nothing is bundled: every codec starts afresh, and no figures are before")
        for name in list(state.stages):
            if state.status(name) in (FAILED, OUT, "running"):
                # a new start is a new chance, and attempts count anew
                state.mark(name, status="", attempts=0)
        try:
            self._prepare()
            self._bench_before()
            until = self.began + self.total - closing_time(self.total)
            while not self.asked and self.runner.turn(until):
                self._breathe()
            if self.asked:
                tell.say("stopping: what runs saves its state")
                self.runner.stop()
            self._close()
        finally:
            # whatever went wrong here, nothing goes on without a keeper
            closing.finish(self.benches, 0.0, self._breathe_last)
            self.runner.stop()

    def _breathe(self) -> None:
        """A little later: note the time, show the line, export what there is."""
        time.sleep(POLL_S)
        if self.spent - self.state.spent_s > NOTED_S:
            self.state.spent_s = self.spent
            self.state.save()
        now = self.runner.now()
        running = [
            stage_words(run.job.part.name, run.job.folder, run.end - now - self.runner.closing)
            for run in self.runner.running
        ]
        waiting = [part.name for part in self.runner.waiting()]
        self.tell.show(line(self.spent, self.total, running, waiting))
        if time.monotonic() - self.exported > max(60.0, self.total / EXPORTS):
            self._export()

    def _prepare(self) -> None:
        """Photos decoded once for all stages, a few kept back for the table."""
        path, kept_back = self.state.out / "photos.safetensors", self.state.out / "held-out"
        written = [self.state.out, *([self.wish.export] if self.wish.export else [])]
        given = fingerprint(self.wish.photos, written)
        if path.is_file() and kept_back.is_dir():
            if self.state.photos not in ("", given):
                raise FamilyError(
                    f"{self.state.out} was begun with other photos; give --photos the same ones, "
                    "or choose another --out"
                )
            return
        self.tell.say("reading photos...")
        count = closing.pictures_for(self.wish.minutes)
        photos, bad = read_photos(self.wish.photos, FEWEST + count)
        for sentence in bad[:20]:
            self.tell.say(f"skipped {sentence}")
        apart = len(photos) // count
        places = range(apart // 2, apart * count, apart)
        for old in (kept_back, self.state.out / "table"):
            shutil.rmtree(old, ignore_errors=True)
        closing.write_held_out(kept_back, [photos[n] for n in places], self.wish.minutes)
        with replacing(path) as part:
            write_prepared(part, [photo for n, photo in enumerate(photos) if n not in places])
        self.state.photos = given
        self.state.save()
        self.tell.say(f"{len(photos)} photos, {len(places)} of them kept back for the table")

    def _bench_before(self) -> None:
        codecs = [c for c in dict.fromkeys(p.codec for p in FAMILY) if c in self.bundled]
        home = self.state.out / "table" / "before"
        codecs = [codec for codec in codecs if not (home / f"{codec}.csv").is_file()]
        if codecs:
            self.benches.append(closing.bench(self.state, "before", codecs))

    def _close(self) -> None:
        """Packs, sheet, table, export; within what is left of the time, or at once if stopped."""
        tell, state = self.tell, self.state
        for sentence in packs.write_packs(state):
            tell.say(sentence)
        closing.write_sheet(state)
        closing.forget_after(state)
        made = [c for c in CODECS if any((state.out / "packs").glob(f"{c}-*/*.safetensors"))]
        self._export()
        if made and not self.asked:
            (state.out / "table").mkdir(exist_ok=True)
            # each process takes seconds to begin: no more of them than there are processors
            groups = [made[n :: os.cpu_count() or 1] for n in range(os.cpu_count() or 1)]
            self.benches += [closing.bench(state, "after", some) for some in groups if some]
            self.benches.append(closing.cards(state, made))
        deadline = self.began + self.total - min(5.0, self.total / 20)
        late = closing.finish(self.benches, 0.0 if self.asked else deadline, self._breathe_last)
        if late and not self.asked:
            tell.say(f"{late} measurements were not over in time; the table holds what there was")
        lines = closing.write_table(state)
        state.spent_s = self.spent
        state.save()
        self._export()
        self._report(made, lines)

    def _breathe_last(self) -> None:
        time.sleep(POLL_S)
        self.tell.show(line(self.spent, self.total, ["packing and measuring"], []))
        if self.asked:
            for process in self.benches:
                with suppress(OSError):
                    process.terminate()

    def _export(self) -> None:
        self.exported = time.monotonic()
        if self.wish.export is None:
            return
        try:
            packs.write_packs(self.state)
            for name in packs.export(self.state, self.wish.export):
                self.tell.say(f"the export has no room for {name}")
        except (OSError, ModeError) as error:
            self.tell.say(f"the export could not be written: {error}")

    def _report(self, made: Sequence[str], lines: int) -> None:
        out = self.state.out
        again = f"the same command with --out {out} continues"
        if self.asked:
            raise FamilyError(f"stopped after {self.spent / 60:.1f} minutes; {again}")
        if not made:
            raise FamilyError(f"no stage left weights; {out / 'family.log'} says why")
        self.tell.say(
            f"done in {self.spent / 60:.1f} minutes: packs of {', '.join(made)} in "
            f"{out / 'packs'}, {lines} lines in {out / 'table.md'}, pictures in {out / 'sheet.png'}"
        )
        self.tell.say(f"MODE_BUNDLED={out / 'packs'} lets every command and the page use them")


def place_of(wish: Wish) -> Place:
    """How many stages run at a time, and where."""
    here = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpus = here if wish.gpus is None else wish.gpus
    if gpus > here:
        have = f"{here} GPUs are" if here else "no GPU is"
        raise FamilyError(f"--gpus {gpus}: {have} here; give --gpus {here}")
    if wish.side_by_side:
        return Place(gpus, wish.side_by_side)
    if not gpus:
        return Place(0, min(2, os.cpu_count() or 1))
    memory = min(torch.cuda.get_device_properties(n).total_memory for n in range(gpus))
    return Place(gpus, 3 if memory > ROOMY else 2 if memory > FAIR else 1)


def bundled_widths() -> Mapping[str, str]:
    """The codecs of the family that have bundled weights, and of which width."""
    found = {}
    for codec in dict.fromkeys(part.codec for part in FAMILY):
        with suppress(WeightsUnavailable):
            found[codec] = find_weights(codec).width
    return found


__all__ = ["BUNDLED", "Wish", "train_family"]
