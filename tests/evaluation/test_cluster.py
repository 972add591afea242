"""Jobs on a cluster: the rows of one process, whatever happens to workers.

What Ray itself does is tested in test_ray.py, where it is installed; here a stand-in passes things
on as Ray does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mode_core.errors import ModeError
from mode_core.evaluation import cluster, session
from mode_core.evaluation.basis import difference, weights_basis
from mode_core.evaluation.bench import Plan, find_photos, run_bench
from mode_core.evaluation.cluster import Cluster
from mode_core.evaluation.workers import ALONE, Engine
from mode_core.pictures.files import read_image, write_png
from mode_core.types import Image
from tests.conftest import Shell, make_photo
from tests.made_up.fake_ray import FakeRay, RayError, RaySystemError, RayTaskError

NAMES = ("jpeg.csv", "webp.csv")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "photos").mkdir()
    for place, size in enumerate([(48, 64), (57, 41), (40, 40)]):
        write_png(tmp_path / "photos" / f"{place}.png", make_photo(*size, seed=place))
    photos = find_photos(tmp_path / "photos")
    return Plan(photos, tmp_path / "one" / "own", ["jpeg", "webp"], targets=[1.0, 2.0])


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRay]:
    fake = FakeRay(CPU=2.0)
    monkeypatch.setattr(cluster, "joined", fake.joined)
    monkeypatch.setattr(cluster, "basis", lambda: {"mode_core": "abc"})
    cluster._own_machine.cache_clear()
    cluster._own_basis.cache_clear()
    yield fake
    cluster._own_machine.cache_clear()
    cluster._own_basis.cache_clear()


def run(plan: Plan, engine: Engine = ALONE) -> dict[str, str]:
    return run_bench(plan, lambda *_: None, engine=engine)


def elsewhere(plan: Plan) -> Plan:
    return replace(plan, out=plan.out.parent.parent / "other" / "own")


def same(plan: Plan, other: Plan) -> bool:
    return all((plan.out / n).read_bytes() == (other.out / n).read_bytes() for n in NAMES)


def test_a_cluster_gives_the_bytes_of_one_process(plan: Plan, ray: FakeRay) -> None:
    other, engine = elsewhere(plan), Cluster("local", 2)
    assert run(plan) == run(other, engine) == {}
    assert same(plan, other)
    assert len(engine.devices) == 1


def test_a_picture_is_read_and_stored_once_for_all_codecs(
    plan: Plan, ray: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def counted(path: Path) -> Image:
        read.append(path)
        return read_image(path)

    monkeypatch.setattr(cluster, "read_image", counted)
    assert run(elsewhere(plan), Cluster()) == {}
    assert read == plan.photos
    assert (len(ray.stored), len(ray.sent)) == (3, 6)


def test_few_tasks_are_under_way_and_workers_stay(plan: Plan, ray: FakeRay) -> None:
    run(elsewhere(plan), Cluster(workers=1))
    assert ray.most == 2
    assert ray.options == {"num_cpus": 1, "num_gpus": 0, "max_calls": 0, "max_retries": 3}


def test_a_broken_photo_is_named_as_in_one_process(plan: Plan, ray: FakeRay) -> None:
    plan.photos[1].write_bytes(b"\x89PNG nothing")
    other = elsewhere(plan)
    failed = run(plan)
    assert list(failed) == ["1.png (jpeg)", "1.png (webp)"]
    assert run(other, Cluster()) == failed
    assert same(plan, other)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            RayError("The worker died.\nmuch more"),
            "the worker died at each of 4 tries, most likely for want of memory (The worker died.)",
        ),
        (RayTaskError(ValueError("no such\nthing")), "ValueError: no such"),
    ],
)
def test_a_task_that_cannot_be_done_is_a_line_of_the_report(
    error: Exception, said: str, plan: Plan, ray: FakeRay
) -> None:
    ray.dies = lambda task: error if task == 1 else None
    other = elsewhere(plan)
    assert run(other, Cluster()) == {"0.png (webp)": said}
    ray.dies = lambda task: None
    run(plan)
    assert run(replace(other, resume=True), Cluster()) == {}
    assert same(plan, other)


def test_a_node_without_the_program_ends_the_run_and_what_was_measured_stays(
    plan: Plan, ray: FakeRay
) -> None:
    lost = RayTaskError(RaySystemError("No module named 'mode_core'"))
    ray.dies = lambda task: lost if task == 5 else None
    other = elsewhere(plan)
    with pytest.raises(ModeError, match=r"cannot run this program .*mode_core.* same commit"):
        run(other, Cluster("ray://a:1"))
    ray.dies = lambda task: None
    run(plan)
    assert run(replace(other, resume=True), Cluster()) == {}
    assert same(plan, other)


def test_a_worker_of_another_program_makes_no_row(
    plan: Plan, ray: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([{"mode_core": "abc"}, {"mode_core": "def"}])
    monkeypatch.setattr(cluster, "basis", lambda: next(found))
    with pytest.raises(ModeError, match=r"on the node .* mode_core is def and should be abc"):
        run(elsewhere(plan), Cluster())
    assert not list(elsewhere(plan).out.glob("*.csv"))


@pytest.mark.parametrize(
    ("resources", "gpus", "said"),
    [
        ({}, 0, "the Ray cluster h:1 has no core"),
        ({"CPU": 2.0}, 0.25, "the Ray cluster h:1 has no GPU for --gpus-per-task 0.25"),
    ],
)
def test_a_cluster_that_can_run_nothing_is_told_at_once(
    resources: dict[str, float], gpus: float, said: str, plan: Plan, ray: FakeRay
) -> None:
    ray.resources = resources
    with pytest.raises(ModeError, match=said):
        run(elsewhere(plan), Cluster("h:1", gpus=gpus))


def test_parts_of_a_gpu_are_shared_out(plan: Plan, ray: FakeRay) -> None:
    ray.resources = {"CPU": 64.0, "GPU": 0.5}
    run(elsewhere(plan), Cluster(gpus=0.25))
    assert (ray.most, ray.options["num_gpus"]) == (4, 0.25)


def test_other_weights_are_another_basis(toy_weights: Path, home: Path) -> None:
    before = weights_basis(("elic", ""))
    assert weights_basis(("jpeg", "")) == {"weights of jpeg": "none"}
    assert weights_basis(("elic", "public")) == {"weights of elic": "absent"}
    assert weights_basis(None) == {}
    other = {"weights of elic": weights_basis(("vq", ""))["weights of vq"]}
    assert difference(before, dict(before)) == ""
    assert difference(before, other).startswith("weights of elic is ")
    assert "absent" in difference(before, {})


def test_without_ray_it_is_said_what_to_install(
    shell: Shell, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "find_spec", lambda name: None)
    said = shell.refuses("bench", plan.photos[0], "--out", plan.out, "--codecs jpeg --ray local")
    assert "pip install -r requirements-cluster.txt" in said
    assert not plan.out.exists()


def test_what_ray_finds_set_is_not_set_afterwards() -> None:
    before = dict(os.environ)
    with session._environment(session.environment_here()):
        assert {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"} != before
    assert dict(os.environ) == before
