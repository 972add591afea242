"""The training loop on a toy codec: schedule, resume, guards, several processes."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

from mode_core.cli.launch import _device, _start, split_photos
from mode_core.layers.flops import best_rate, counted
from mode_core.training import loop
from mode_core.training.checkpoint import load_into, read_state, read_weights
from mode_core.training.data import Photos, PhotosError
from mode_core.training.gradients import Guard
from mode_core.training.loop import Run, Settings
from mode_core.training.optim import WARM_UP, Rates, hidden_weights, orthogonal, rate_factor
from mode_core.training.stage import Rig, Setup, Stage, Stats, TrainingError
from mode_core.training.trainer import MOST_SKIPS, Trainer
from tests.conftest import ROOT, Shell

pytestmark = pytest.mark.training


class ToyCodec(nn.Module):
    """Unshuffle, narrow, noise, widen: a codec in miniature, with a layer that must not learn."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(192, 32, 1)
        self.up = nn.Conv2d(32, 192, 1)
        self.level = nn.Parameter(torch.zeros(3, 1, 1))
        self.fixed = nn.Parameter(torch.ones(32, 1, 1), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.down(nn.functional.pixel_unshuffle(x - 0.5, 8)) * self.fixed
        y = y + 0.01 * torch.randn_like(y)
        out: Tensor = nn.functional.pixel_shuffle(self.up(y), 8) + 0.5 + self.level
        return out


def build(setup: Setup) -> Rig:
    torch.manual_seed(7)
    return Rig(ToyCodec(), partner=nn.Conv2d(3, 3, 1))


def toy_loss(
    rig: Rig, x: Tensor, progress: float, generator: torch.Generator
) -> tuple[Tensor, Stats]:
    error = (rig.partner("partner")(rig.net(x)) - rig.partner("partner")(x)).square().mean()
    return error, {"error": error}


def toy_validate(rig: Rig, x: Tensor) -> tuple[Tensor, dict[str, float]]:
    picture = rig.net(x)
    return picture, {"error": float((picture - x).square().mean())}


TOY = Stage(
    "toy",
    "toy",
    build,
    toy_loss,
    toy_validate,
    batch=2,
    crop=32,
    late_crop=64,
    rates=Rates(0.05, 1e-2),
)


@pytest.fixture
def photos() -> Photos:
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(4, 3, 10, 12, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=(80, 96), mode="bicubic").clamp(0, 1)
    return Photos([(photo * 255).byte() for photo in smooth])


@pytest.fixture
def run(tmp_path: Path, photos: Photos) -> Callable[..., Run]:
    """Runs by a watch on which every step takes half a second: forty steps in all."""

    def make(out: str = "run", stage: Stage = TOY) -> Run:
        held_out = [photo[None, :, :64, :64].float() / 255 for photo in photos.photos[:1]]
        settings = Settings(tmp_path / out, 1 / 3, seed=3, batch=2, check_s=8)
        made: list[Run] = []

        def now() -> float:
            return made[0].trainer.steps / 2 if made else 0.0

        made.append(Run(stage, build(Setup()), photos, held_out, settings, lambda _: None, now))
        return made[0]

    return make


def test_every_run_warms_up_and_ends_annealed() -> None:
    assert rate_factor(0) < 0.1
    assert rate_factor(WARM_UP) == pytest.approx(1)
    assert rate_factor(1) == pytest.approx(0.01)
    falling = [rate_factor(WARM_UP + k * (1 - WARM_UP) / 50) for k in range(51)]
    assert falling == sorted(falling, reverse=True)


def test_orthogonal_flattens_the_spectrum() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(3, 20, 64) * torch.logspace(0, -1, 20)[:, None]
    values = torch.linalg.svdvals(orthogonal(matrix, 5))
    assert values.min() > 0.5
    assert values.max() < 1.5
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    assert ((orthogonal(matrix, 5) @ v.mT @ u.mT).diagonal(dim1=1, dim2=2).sum(-1) > 10).all()


def test_marked_and_narrow_weights_stay_out_of_muon() -> None:
    net = ToyCodec()
    assert hidden_weights(net) == {net.down.weight, net.up.weight}
    net.down.weight.lr_scale = 0.1  # type: ignore[attr-defined]
    assert hidden_weights(net) == {net.up.weight}
    assert hidden_weights(nn.Conv2d(3, 64, 3)) == set()
    assert hidden_weights(nn.Conv2d(64, 64, 3, groups=64)) == set()


def test_resuming_equals_not_pausing(run: Callable[..., Run]) -> None:
    straight = run("straight")
    straight.train()
    paused = run("paused")
    paused.settings = replace(paused.settings, pause_after_s=9)
    paused.train()
    state = read_state(paused.settings.out)
    assert state is not None
    assert 15 < paused.trainer.steps < 25
    resumed = run("resumed")
    torch.manual_seed(999)
    resumed.resume(state)
    resumed.train()
    assert resumed.trainer.steps == straight.trainer.steps == 40
    for a, b in zip(straight.trainer.params, resumed.trainer.params, strict=True):
        assert torch.equal(a, b)
    for a, b in zip(straight.trainer.average, resumed.trainer.average, strict=True):
        assert torch.equal(a, b)


def test_a_warm_start_takes_the_weights_and_nothing_else(
    run: Callable[..., Run], photos: Photos
) -> None:
    paused = run("paused")
    paused.settings = replace(paused.settings, pause_after_s=9)
    paused.train()
    rig, out, trainer = build(Setup()), paused.settings.out, paused.trainer
    words = {"resume": out, "width": paused.settings.width, "minutes": 1.0, "seed": 0, "by": None}
    assert _start(Namespace(**words, warm=False), TOY, rig, photos) is not None
    assert not torch.equal(rig.net.level, trainer.rig.net.level)
    (out / "state.pt").unlink()
    assert read_state(out) is None
    assert _start(Namespace(**words, warm=True), TOY, rig, photos) is None
    averages = dict(zip(map(id, trainer.params), trainer.average, strict=True))
    assert torch.equal(rig.net.level, averages[id(trainer.rig.net.level)])
    assert rig.net.level.any()
    assert rig.schooled


def test_one_that_broke_off_in_its_first_lessons_has_them_again(
    run: Callable[..., Run], photos: Photos
) -> None:
    stage = replace(TOY, schooling=0.6)
    paused = run("paused", stage)
    paused.settings = replace(paused.settings, pause_after_s=9)
    paused.train()
    words = {"resume": paused.settings.out, "width": "tiny", "minutes": 1.0, "seed": 0, "by": None}
    assert _start(Namespace(**words, warm=True), stage, rig := build(Setup()), photos) is None
    assert not rig.schooled
    paused.settings = replace(paused.settings, pause_after_s=float("inf"))
    paused.train()
    assert _start(Namespace(**words, warm=True), stage, rig, photos) is None
    assert rig.schooled


@pytest.mark.parametrize("learnt", [False, True])
def test_a_network_that_has_learnt_goes_on_at_rates_of_its_own(
    run: Callable[..., Run], learnt: bool
) -> None:
    one = run("one", replace(TOY, going_on=0.0))
    one.trainer.rig.schooled = learnt
    before = one.trainer.rig.net.level.detach().clone()
    one.train()
    assert torch.equal(one.trainer.rig.net.level, before) == learnt


def test_a_network_that_has_learnt_skips_the_first_lessons(run: Callable[..., Run]) -> None:
    lessons: list[float] = []

    def noting(
        rig: Rig, x: Tensor, progress: float, generator: torch.Generator
    ) -> tuple[Tensor, Stats]:
        lessons.append(progress)
        return toy_loss(rig, x, progress, generator)

    stage = replace(TOY, loss=noting, schooling=0.6)
    run("new", stage).train()
    assert lessons[0] == 0
    lessons.clear()
    learnt = run("learnt", stage)
    learnt.trainer.rig.schooled = True
    learnt.settings = replace(learnt.settings, pause_after_s=9)
    learnt.train()
    assert lessons[0] == pytest.approx(0.6)
    state = read_state(learnt.settings.out)
    assert state is not None
    assert float(read_weights(learnt.settings.out)[1]["lesson"]) > 0.7
    lessons.clear()
    resumed = run("resumed", stage)
    resumed.resume(state)
    resumed.train()
    assert lessons[0] > 0.7
    assert lessons == sorted(lessons)
    assert 0.98 < lessons[-1] <= 1


def test_a_warm_start_goes_on_with_the_critic_of_the_same_stage(
    run: Callable[..., Run], photos: Photos
) -> None:
    done = run("judged")
    done.trainer.rig.critic = nn.Conv2d(3, 1, 3)
    done.train()
    words = {"resume": done.settings.out, "width": done.settings.width, "warm": True, "by": None}
    for name, goes_on in (("toy", True), ("another", False)):
        rig = Rig(ToyCodec(), nn.Conv2d(3, 1, 3))
        assert _start(Namespace(**words), replace(TOY, name=name), rig, photos) is None
        kept = torch.equal(rig.critic.weight, done.trainer.rig.critic.weight)
        assert kept is goes_on


def test_validation_leaves_training_untouched(photos: Photos) -> None:
    trainer = Trainer(TOY, build(Setup()), seed=5)
    trainer.step(photos.crops(2, 32, trainer.generator), 0.1)
    before = {name: value.clone() for name, value in trainer.rig.state_dict().items()}
    noise = torch.get_rng_state()
    with trainer.averaged() as rig:
        rig.net(torch.rand(1, 3, 16, 16))
        weight = rig.net.down.weight
        assert torch.equal(weight, weight.half().float())
        assert not torch.equal(weight, before["net.down.weight"])
    assert torch.equal(noise, torch.get_rng_state())
    assert all(torch.equal(v, before[n]) for n, v in trainer.rig.state_dict().items())


def test_a_state_of_another_network_is_refused() -> None:
    state = Trainer(TOY, build(Setup()), seed=5).state()
    wider = Rig(nn.Conv2d(3, 3, 1))
    with pytest.raises(TrainingError, match="another network"):
        Trainer(replace(TOY, rates=Rates(0.0)), wider, seed=5).restore(state)


def test_frozen_parameters_get_no_gradient(photos: Photos) -> None:
    trainer = Trainer(TOY, build(Setup()), seed=0)
    frozen = [trainer.rig.net.fixed, *trainer.rig.frozen.parameters()]
    before = [parameter.clone() for parameter in frozen]
    for _ in range(3):
        trainer.step(photos.crops(2, 32, trainer.generator), 0.3)
    assert all(parameter.grad is None for parameter in frozen)
    assert all(torch.equal(a, b) for a, b in zip(frozen, before, strict=True))
    assert all(parameter.grad is not None for parameter in trainer.params)


def test_a_step_without_a_finite_gradient_changes_nothing(photos: Photos) -> None:
    trainer = Trainer(TOY, build(Setup()), seed=0)
    before = [parameter.clone() for parameter in trainer.params]
    trainer.step(torch.full((1, 3, 32, 32), math.nan), 0.3)
    assert trainer.skipped == 1
    assert all(torch.equal(a, b) for a, b in zip(trainer.params, before, strict=True))
    trainer.step(photos.crops(2, 32, trainer.generator), 0.3)
    assert trainer.skipped_in_row == 0


def test_what_the_optimiser_remembers_outlasts_bad_steps(photos: Photos) -> None:
    trainer = Trainer(TOY, build(Setup()), seed=0)
    trainer.step(photos.crops(2, 32, trainer.generator), 0.3)

    def kept() -> list[torch.Tensor]:
        parts = (part["state"].values() for part in trainer.optimiser.state())
        states = [state for part in parts for state in part]
        return [v.clone() for one in states for v in one.values() if torch.is_tensor(v)]

    before = kept()
    assert any(float(one.abs().sum()) for one in before)
    for _ in range(3):
        trainer.step(torch.full((1, 3, 32, 32), math.nan), 0.3)
    assert all(torch.equal(a, b) for a, b in zip(before, kept(), strict=True))


def test_training_goes_on_after_one_fall_late_in_a_run() -> None:
    guard = Guard(torch.device("cpu"))
    for step in range(60):
        assert guard.judge(torch.tensor(1.0), step)
    assert not guard.judge(torch.tensor(50.0), 60)
    guard.set(1, 0, 0.0)
    assert all(guard.judge(torch.tensor(norm), 61) for norm in (1.0, 1.2, 0.9, 1.1))
    assert not guard.judge(torch.tensor(50.0), 65)


def test_states_of_torchs_own_adam_are_continued(photos: Photos) -> None:
    trainer = Trainer(TOY, build(Setup()), seed=0)
    trainer.step(photos.crops(2, 32, trainer.generator), 0.3)
    adam, *others = trainer.optimiser.state()
    theirs = {"first": "exp_avg", "second": "exp_avg_sq", "turns": "step"}
    old = {
        number: {
            theirs[name]: torch.as_tensor(value, dtype=torch.float) for name, value in one.items()
        }
        for number, one in adam["state"].items()
    }
    fresh = Trainer(TOY, build(Setup()), seed=0)
    fresh.optimiser.restore([{"state": old}, *others])
    again = fresh.optimiser.state()[0]["state"]
    for number, one in adam["state"].items():
        assert again[number]["turns"] == one["turns"] == 1
        assert torch.equal(again[number]["first"], one["first"])
        assert torch.equal(again[number]["second"], one["second"])


def test_ten_bad_steps_fall_back_once_and_then_abort() -> None:
    trainer = Trainer(TOY, build(Setup()), seed=0)
    bad = torch.full((1, 3, 32, 32), math.nan)
    for _ in range(MOST_SKIPS):
        trainer.step(bad, 0.3)
    assert (trainer.falls, trainer.rate_scale) == (1, 0.5)
    for _ in range(MOST_SKIPS - 1):
        trainer.step(bad, 0.3)
    with pytest.raises(TrainingError, match="diverged twice"):
        trainer.step(bad, 0.3)


def test_a_run_leaves_weights_logs_and_a_picture(run: Callable[..., Run]) -> None:
    done = run()
    done.train()
    out = done.settings.out
    names = {path.name for path in out.iterdir()}
    assert names >= {"weights.safetensors", "state.pt", "log.csv", "validation.csv"}
    assert "validation.png" in names
    assert not any(name.endswith(".part") for name in names)
    tensors, facts = read_weights(out)
    assert tensors["down.weight"].dtype == torch.float16
    assert tensors["level"].dtype == torch.float32
    assert (facts["stage"], int(facts["steps"])) == ("toy", done.trainer.steps)
    header, *rows = (out / "log.csv").read_text().splitlines()
    assert header == "step,elapsed_s,crops,skipped,loss,error,gradient"
    assert len(rows) == 1


def test_a_run_says_what_it_will_do_and_how_busy_it_is(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "PROBE_S", 5.0)
    straight, said = run("straight"), []
    straight.say = said.append
    straight.train()
    (forecast,) = (line for line in said if "crops/s" in line)
    # by the fixture's watch: two steps of two crops a second, forty steps in all
    assert forecast.startswith("4.0 crops/s, 500 ms a step, ")
    assert "TFLOP/s" in forecast
    assert "about 40 steps and 80 crops by the end" in forecast


def test_operations_are_counted_and_the_best_rate_is_measured() -> None:
    a, b = torch.rand(8, 16, requires_grad=True), torch.rand(16, 4)
    assert counted(lambda: a @ b) == 2 * 8 * 16 * 4
    # as the critics do it: a gradient inside a loss that has one itself
    inner = nn.Linear(4, 4)

    def nested() -> None:
        leaf = (a @ b).detach().requires_grad_()
        (pull,) = torch.autograd.grad(inner(leaf).sum(), leaf)
        ((a @ b) * pull).sum().backward()

    assert counted(nested) > 3 * counted(lambda: a @ b)
    assert best_rate(torch.device("cpu"), torch.float32) > 1e8


def test_weights_of_another_width_or_codec_are_refused(
    run: Callable[..., Run], photos: Photos
) -> None:
    done, vq = run(), replace(TOY, codec="vq")
    done.train()
    other = ToyCodec()
    other.up = nn.Conv2d(16, 192, 1)
    with pytest.raises(TrainingError, match="do not fit"):
        load_into(other, done.settings.out)
    with pytest.raises(TrainingError, match="holds toy weights; name the folder of a run of vq"):
        _start(
            Namespace(resume=done.settings.out, warm=True, by=None, minutes=1.0),
            vq,
            Rig(other),
            photos,
        )
    (done.settings.out / "weights.safetensors").write_bytes(b"not weights")
    with pytest.raises(TrainingError, match="not a weights file"):
        load_into(ToyCodec(), done.settings.out)


def test_short_memory_halves_the_batch_once(run: Callable[..., Run]) -> None:
    said: list[str] = []

    def greedy(rig: Rig, x: Tensor, p: float, g: torch.Generator) -> tuple[Tensor, Stats]:
        if len(x) > 1:
            raise torch.OutOfMemoryError("too much")
        return toy_loss(rig, x, p, g)

    short = run(stage=replace(TOY, loss=greedy))
    short.say = said.append
    short.train()
    assert short.batch == 1
    assert sum("memory is short" in line for line in said) == 1
    assert short.trainer.steps > 0


def test_a_disk_that_is_full_from_the_start_leaves_nothing_to_resume(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    first = run()
    with monkeypatch.context() as patch:
        patch.setattr("mode_core.training.checkpoint.write_tensors", full)
        with pytest.raises(TrainingError, match=r"is full.*free some space and start again"):
            first.train()
    assert {path.name for path in first.settings.out.iterdir()} <= {"log.csv"}
    first.check()
    monkeypatch.setattr("mode_core.training.checkpoint.write_tensors", full)
    with pytest.raises(TrainingError, match="continue with --resume"):
        first.check()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--device tpu", "'tpu' is no device; give cpu, cuda or cuda:N"),
        ("--device cuda:x", "'cuda:x' is no device"),
        ("--threads -1", "'-1' is not a whole number from 1 to "),
        ("--threads 0", "'0' is not a whole number from 1 to "),
        ("--batch 0", "'0' is not a whole number from 1 to "),
        ("--photos absent", "there is no absent; give --photos a folder or a .tar file"),
        ("--photos . absent.tar", "there is no absent.tar"),
        ("--photos pyproject.toml", "pyproject.toml is neither a folder nor a .tar file"),
        ("--start eilc=runs", "elic has no use for --start eilc=; it takes none"),
        ("--export out", "--export is an option of `train family` alone; leave it out"),
        ("--gpus 0", "--gpus is an option of `train family` alone"),
        ("--device cuda:7", "there is no device cuda:7 here; give --device cuda:0 to cuda:1, or"),
    ],
)
def test_what_a_run_cannot_be_told_is_one_line_at_once(
    words: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell
) -> None:
    def too_late(*_: object) -> None:
        raise AssertionError("photos were read first")

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("mode_core.cli.launch.read_photos", too_late)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    given = ("train elic --photos . --minutes 1 --out", tmp_path / "run")
    assert message in shell.refuses(*given, words)
    assert (shell.out, shell.err.count("\n")) == ("", 1)


def test_without_a_gpu_the_cpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(TrainingError, match="no device cuda here; give --device cpu"):
        _device(Namespace(device="cuda", threads=None))


def test_what_takes_long_is_said_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PhotosError, match="holds 0 photos"):
        split_photos([tmp_path], torch.device("cpu"))
    assert capsys.readouterr().out == "reading photos...\n"


def test_some_photos_are_left_to_train_on(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = [torch.zeros(3, 64, 64, dtype=torch.uint8)] * 5
    monkeypatch.setattr("mode_core.cli.launch.read_photos", lambda _: (photos, []))
    for held_out in (1, 4):
        kept, held = split_photos([], torch.device("cpu"), held_out)
        assert len(kept) + len(held) == 5
        assert 1 <= len(held) <= held_out
    with pytest.raises(TrainingError, match="--held-out 5 leaves nothing of 5 photos to train on"):
        split_photos([], torch.device("cpu"), 5)


def test_an_option_of_one_stage_is_none_of_the_family(tmp_path: Path, shell: Shell) -> None:
    given = ("train family --photos . --minutes 1 --out", tmp_path / "run", "--threads 1")
    assert "--threads is an option of one stage, not of the family" in shell.refuses(*given)


def _learn_a_half(rank: int, out: str, x: Tensor) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{out}/meet", rank=rank, world_size=2)
    trainer = Trainer(QUIET, build(Setup()), seed=0)
    for step in range(5):
        trainer.step(x[2 * rank : 2 * rank + 2], step / 5)
    torch.save([p.detach() for p in trainer.params], f"{out}/{rank}.pt")
    dist.destroy_process_group()


def quiet_loss(
    rig: Rig, x: Tensor, progress: float, generator: torch.Generator
) -> tuple[Tensor, Stats]:
    net = rig.net
    y = net.up(net.down(nn.functional.pixel_unshuffle(x - 0.5, 8)))
    error = (nn.functional.pixel_shuffle(y, 8) + 0.5 + net.level - x).square().mean()
    return error, {}


QUIET = replace(TOY, loss=quiet_loss)


def test_two_processes_equal_one_with_the_whole_batch(tmp_path: Path, photos: Photos) -> None:
    x = photos.crops(4, 32, torch.Generator().manual_seed(0))
    mp.start_processes(_learn_a_half, (str(tmp_path), x), nprocs=2, start_method="fork")
    alone = Trainer(QUIET, build(Setup()), seed=0)
    for step in range(5):
        alone.step(x, step / 5)
    for rank in range(2):
        together = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for mine, theirs in zip(alone.params, together, strict=True):
            assert torch.allclose(mine, theirs, atol=1e-5)
