"""Ray itself, where it is installed: on this machine, and two of its nodes of which one is lost.

All of it stays on 127.0.0.1.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from mode_core.evaluation import session
from mode_core.evaluation.bench import Job, Plan, find_photos, measure_job, run_bench
from mode_core.evaluation.cluster import Cluster
from mode_core.evaluation.rows import Measurement, Row, row_key
from mode_core.evaluation.workers import AnyTask, Reader, Result
from mode_core.pictures.files import write_png
from tests.conftest import make_photo

# Not `importorskip`: what Ray finds set when it is first imported stays.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("ray") is None, reason="Ray is not installed (requirements-cluster.txt)"
    ),
]

NAMES = ("jpeg.csv", "webp.csv")
PHOTOS = 12


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    (tmp_path / "photos").mkdir()
    for place in range(PHOTOS):
        write_png(tmp_path / "photos" / f"{place:02}.png", make_photo(48, 64, seed=place))
    photos = find_photos(tmp_path / "photos")
    return Plan(photos, tmp_path / "one" / "own", ["jpeg", "webp"], targets=[1.0, 2.0])


def whole(plan: Plan) -> dict[str, bytes]:
    """What one process gives."""
    assert run_bench(plan, lambda *_: None) == {}
    return {name: (plan.out / name).read_bytes() for name in NAMES}


class Elsewhere:
    """A cluster at which something happens when so many jobs are done."""

    def __init__(self, engine: Cluster, after: int, happen: Callable[[], object]) -> None:
        self.engine, self.after, self.happen = engine, after, happen

    def outcomes(
        self, jobs: Sequence[AnyTask], attempt: Callable[[AnyTask, Reader], Result]
    ) -> Iterator[tuple[AnyTask, Result | str]]:
        for place, found in enumerate(self.engine.outcomes(jobs, attempt)):
            if place == self.after:
                self.happen()
            yield found


def dies_once(job: Job, read: Reader) -> list[Measurement] | str:
    """Some photos cost the first worker that meets them its life."""
    mark = job.photo.with_suffix(".died")
    if int(job.photo.stem) % 4 == 1 and job.codec == "jpeg" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return [(row, None) for row, _ in measure_job(job, read)]


def test_workers_that_are_killed_cost_a_retry_each_and_nothing_else(plan: Plan) -> None:
    jobs = [
        Job(photo, "own", codec, "", plan.targets, (None,))
        for codec in plan.codecs
        for photo in plan.photos
    ]
    expected = [row for job in jobs for row, _ in measure_job(job)]
    found: list[Row] = []
    listening: set[str] = set()
    for _, outcome in Cluster("local", 2).outcomes(jobs, dies_once):
        assert not isinstance(outcome, str), outcome
        found += [row for row, _ in outcome]
        listening |= addresses()
    assert len(list(plan.photos[0].parent.glob("*.died"))) == PHOTOS // 4
    assert sorted(found, key=row_key) == sorted(expected, key=row_key)
    assert listening == {"127.0.0.1"}


def addresses() -> set[str]:
    """Where the nodes of the Ray that this process is connected to say they are."""
    import ray

    return {node["NodeManagerAddress"] for node in ray.nodes()}


@pytest.fixture
def two_nodes() -> Iterator[Any]:
    with session._environment(session.environment_here()):
        from ray.cluster_utils import Cluster as Nodes

        store = {"object_store_memory": 100 * 2**20}
        nodes = Nodes(True, head_node_args={"num_cpus": 1, "include_dashboard": False, **store})
        try:
            yield nodes, nodes.add_node(num_cpus=1, **store)
        finally:
            nodes.shutdown()


def test_a_node_that_is_lost_in_the_middle_changes_no_byte(plan: Plan, two_nodes: Any) -> None:
    expected = whole(plan)
    nodes, second = two_nodes
    lost = Elsewhere(
        Cluster(nodes.address), 5, lambda: nodes.remove_node(second, allow_graceful=False)
    )
    for name in NAMES:
        (plan.out / name).unlink()
    assert run_bench(plan, lambda *_: None, engine=lost) == {}
    assert {name: (plan.out / name).read_bytes() for name in NAMES} == expected
