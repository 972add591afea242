"""The runner with processes that only look like stages: one that fails does not sink the others."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mode_core.cli.family.plan import DONE, FAILED, FAMILY, OUT, FamilyError, Part, chosen
from mode_core.cli.family.runner import Job, Place, Runner, stage_command, with_devices
from mode_core.cli.family.state import State, opened

SAVES = "import sys; open(sys.argv[1] + '/weights.safetensors', 'w').close()"
WORKS = f"{SAVES}; print('finished')"
FAILS = "raise SystemExit('memory does not hold it')"
DIES = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
WAITS = (
    "import sys, time, signal\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    "open(sys.argv[1] + '/ready', 'w').close()\n"
    "time.sleep(600)"
)
Begin = Callable[..., Runner]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """A runner whose stages are one-line programs, by name."""

    def make(
        names: str, scripts: Mapping[str, str], bundled: Mapping[str, str] | None = None
    ) -> Runner:
        parts = chosen(names.split(), [], [])
        said: list[str] = []

        def command(job: Job) -> list[str]:
            script = scripts.get(job.part.name, WORKS)
            return [sys.executable, "-c", script, str(job.folder)]

        state = opened(tmp_path, 10, "compact")
        runner = Runner(parts, state, Place(0, 2), bundled or {}, command, said.append, 0.5)
        runner.said = said  # type: ignore[attr-defined]
        return runner

    return make


def all_of(runner: Runner) -> list[str]:
    until = time.monotonic() + 3600
    while runner.turn(until):
        time.sleep(0.01)
    said: list[str] = runner.said  # type: ignore[attr-defined]
    return said


def statuses(runner: Runner) -> dict[str, str]:
    return {part.name: runner.state.status(part.name) for part in runner.parts}


def test_all_stages_run_each_after_what_it_stands_on(begin: Begin) -> None:
    runner = begin("elic vq prior mode", {})
    said = all_of(runner)
    assert set(statuses(runner).values()) == {DONE}
    order = [sentence.split()[0] for sentence in said if "is done" in sentence]
    assert order.index("vq") < order.index("prior") < order.index("mode")
    starts = runner.state.stages["mode"]["starts"]
    assert starts == {"elic": "elic", "vq": "prior"}


@pytest.mark.parametrize(("script", "why"), [(FAILS, "memory does not hold"), (DIES, "signal 9")])
def test_a_stage_that_fails_is_tried_twice_and_sinks_no_other(
    begin: Begin, script: str, why: str
) -> None:
    runner = begin("elic vq prior mode", {"elic": script})
    said = all_of(runner)
    assert statuses(runner) == {"elic": FAILED, "vq": DONE, "prior": DONE, "mode": OUT}
    assert sum(why in sentence for sentence in said) == 2
    assert any(sentence.startswith("mode is left out: it needs elic weights") for sentence in said)


def test_what_a_broken_stage_had_saved_is_used(begin: Begin) -> None:
    runner = begin("vq prior", {"vq": f"{SAVES}; {DIES}"})
    said = all_of(runner)
    assert statuses(runner) == {"vq": FAILED, "prior": DONE}
    assert any("what it had saved is used" in sentence for sentence in said)


def test_a_stage_that_was_asked_to_end_is_not_done_but_goes_on(
    begin: Begin, tmp_path: Path
) -> None:
    interrupted = f"{SAVES}; print('interrupted; continue with --resume')"
    once = (
        "import os, sys\nfirst = not os.path.exists(sys.argv[1] + '/weights.safetensors')\n"
        f"{SAVES}\nprint('interrupted; continue with --resume' if first else 'finished')"
    )
    runner = begin("elic vq", {"elic": interrupted, "vq": once})
    said = all_of(runner)
    assert statuses(runner) == {"elic": FAILED, "vq": DONE}
    assert runner.state.stages["vq"]["attempts"] == 2
    assert any("elic" in sentence and "what it had saved is used" in sentence for sentence in said)
    # what an earlier start had said does not count
    (tmp_path / "elic" / "output.txt").write_text("finished\n")
    again = begin("elic", {"elic": interrupted})
    again.state.mark("elic", status="", attempts=0)
    assert statuses_after(again) == {"elic": FAILED}


def test_a_stage_without_weights_has_failed_whatever_it_says(begin: Begin) -> None:
    assert statuses_after(begin("elic", {"elic": "pass"})) == {"elic": FAILED}


def statuses_after(runner: Runner) -> dict[str, str]:
    all_of(runner)
    return statuses(runner)


def test_finished_stages_are_not_run_again(begin: Begin, tmp_path: Path) -> None:
    all_of(begin("elic vq", {"vq": FAILS}))
    marked = json.loads((tmp_path / "plan.json").read_text())["stages"]
    assert (marked["elic"]["status"], marked["vq"]["status"]) == (DONE, FAILED)
    again = begin("elic vq", {"elic": FAILS})
    again.state.mark("vq", status="", attempts=0)
    said = all_of(again)
    assert statuses(again) == {"elic": DONE, "vq": DONE}
    assert not any(sentence.startswith("elic") for sentence in said)


def test_stages_that_are_stopped_end_and_can_go_on(begin: Begin, tmp_path: Path) -> None:
    runner = begin("elic", {"elic": WAITS})
    until = time.monotonic() + 3600
    while not (tmp_path / "elic" / "ready").exists():
        runner.turn(until)
        time.sleep(0.01)
    (run,) = runner.running
    runner.stop()
    assert run.process.poll() == 0
    assert statuses(runner) == {"elic": ""}


def test_what_no_time_is_left_for_is_said(begin: Begin) -> None:
    runner = begin("elic", {})
    assert not runner.turn(time.monotonic() - 1) or not runner.turn(time.monotonic() - 1)
    assert statuses(runner) == {"elic": OUT}


def test_a_damaged_plan_or_another_width_is_refused(tmp_path: Path) -> None:
    State(tmp_path, 10, "tiny").save()
    with pytest.raises(FamilyError, match="family of width tiny; give --width tiny"):
        opened(tmp_path, 10, "compact")
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(FamilyError, match=r"plan\.json is damaged; delete it"):
        opened(tmp_path, 10, "compact")


def test_the_command_of_a_stage_names_all_that_it_stands_on(begin: Begin, tmp_path: Path) -> None:
    part = next(part for part in FAMILY if part.name == "ms-illm-gan")
    for name in ("ms-illm", "vq-gan"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.safetensors").touch()
    words = words_of(tmp_path, part, (3,))
    assert f"--start vq={tmp_path / 'vq-gan'}" in words
    assert f"--resume {tmp_path / 'ms-illm'}" in words
    assert "--device cuda:0" in words
    (tmp_path / part.name).mkdir()
    (tmp_path / part.name / "state.pt").touch()
    assert f"--resume {tmp_path / part.name}" in words_of(tmp_path, part, ())
    assert "torch.distributed.run --standalone --nproc_per_node 2 -m mode_core" in words_of(
        tmp_path, part, (0, 1)
    )


@pytest.mark.parametrize(
    ("outer", "devices", "seen"),
    [
        (None, (2, 3), "2,3"),
        ("", (1,), "1"),
        ("4,5,6,7", (2, 3), "6,7"),
        ("GPU-a, GPU-b", (1, 1), "GPU-b"),
        ("4,5", (), "4,5"),
    ],
)
def test_a_stage_sees_its_own_gpus_alone(
    outer: str | None, devices: tuple[int, ...], seen: str
) -> None:
    outside = {} if outer is None else {"CUDA_VISIBLE_DEVICES": outer}
    assert with_devices(outside, devices) == {"CUDA_VISIBLE_DEVICES": seen}


def test_stages_side_by_side_share_no_gpu(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    shows = f"{WORKS}; import os; print('sees', os.environ['CUDA_VISIBLE_DEVICES'])"
    runner = begin("elic vq", {"elic": shows, "vq": shows})
    runner.place = Place(4, 1)
    all_of(runner)
    told = [(runner.state.folder(name) / "output.txt").read_text() for name in ("elic", "vq")]
    seen = [name for text in told for name in text.split("sees ")[1].strip().split(",")]
    assert sorted(seen) == ["4", "5", "6", "7"]


def words_of(home: Path, part: Part, devices: tuple[int, ...]) -> str:
    from mode_core.cli.family.plan import sources

    state = opened(home, 10, "compact")
    found = sources(part, state.results(FAMILY), {}, "compact")
    job = Job(part, home / part.name, found, state, time.time() + 60, devices, 1)
    return " ".join(stage_command(home / "photos.safetensors", [], 1, 2, 60)(job))


def test_processes_of_stages_do_not_get_the_ctrl_c_of_the_terminal(begin: Begin) -> None:
    runner = begin("elic", {"elic": WAITS})
    runner.turn(time.monotonic() + 3600)
    (run,) = runner.running
    import os

    assert os.getpgid(run.process.pid) != os.getpgid(0)
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()


def test_what_did_not_fit_starts_when_a_failure_leaves_time(begin: Begin) -> None:
    runner = begin("elic vq dlf", {"elic": FAILS, "vq": WORKS})
    runner.overhead = 100.0
    until = time.monotonic() + 150
    assert {slot.part.name for slot in runner.slots(until)} == {"elic", "vq"}
    runner.overhead = runner.closing = 0.1
    all_of(runner)
    assert statuses(runner)["dlf"] == DONE
