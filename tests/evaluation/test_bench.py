"""Benchmarks: complete, repeatable to the byte, and none the worse for an interruption."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from mode_core import metrics
from mode_core.codecs import identity, learned
from mode_core.codecs.registry import load_codec
from mode_core.errors import ResultsError
from mode_core.evaluation import bench
from mode_core.evaluation.bench import Plan, find_photos, run_bench, usable_codecs
from mode_core.evaluation.rows import Row, read_rows, read_timings, write_rows
from mode_core.evaluation.workers import ALONE, Engine, Processes, Reader
from mode_core.metrics import METRICS
from mode_core.pictures.files import write_png
from mode_core.types import Anchor
from mode_core.weights import provenance
from mode_core.weights.provenance import note_addition, write_provenance
from tests.conftest import make_photo
from tests.made_up.toy_codec import ToyFamily, ToyMode, build_only_mode, toy_family

pytestmark = pytest.mark.usefixtures("only_mode")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    for place, size in enumerate([(48, 64), (57, 41), (163, 170)]):
        write_png(folder / f"photo{place}.png", make_photo(*size, seed=place))
    return find_photos(folder)


@pytest.fixture
def plan(photos: list[Path], tmp_path: Path) -> Plan:
    return Plan(photos, tmp_path / "own", ["mode"], targets=[0.5, 2.0])


def run(plan: Plan, engine: Engine = ALONE) -> dict[str, str]:
    def record(codec: str, path: Path, kept: bool) -> None:
        write_provenance(path, f"bench {codec}", kept)

    return run_bench(plan, record, engine=engine)


def test_every_photo_target_and_anchor_is_a_row(plan: Plan) -> None:
    assert run(plan) == {}
    rows = read_rows(plan.out / "mode.csv")
    assert len(rows) == 3 * 2 * 3
    assert {row.anchor for row in rows} == {"fidelity", "0.5", "perception"}
    assert {row.dataset for row in rows} == {"own"}
    assert {(row.profile, row.weights) for row in rows} == {("toy", b"toy!".hex())}
    for row in rows:
        assert row.bpp == 8 * row.bytes_file / (row.width * row.height)
        assert 0 < row.bytes_payload < row.bytes_file
        assert "psnr" in row.values
        assert ("ms_ssim" in row.values) == (row.width >= 161)
        assert "lpips" not in row.values


def test_one_file_is_encoded_once_for_all_anchors(plan: Plan) -> None:
    codec = load_codec("mode", "")
    assert isinstance(codec, ToyMode)
    run(plan)
    assert codec.encoded == 3 * 2
    sizes: dict[tuple[str, float], set[int]] = {}
    for row in read_rows(plan.out / "mode.csv"):
        sizes.setdefault((row.image, row.target_bpp), set()).add(row.bytes_file)
    assert all(len(size) == 1 for size in sizes.values())


def test_timings_and_provenance_lie_beside_the_rows(plan: Plan) -> None:
    run(plan)
    timings = read_timings(plan.out / "mode.timing.csv")
    assert len(timings) == 18
    assert {(timing.threads, timing.device) for timing in timings} == {(1, "cpu")}
    facts = json.loads((plan.out / "mode.json").read_text())
    assert facts["command"] == "bench mode"
    assert {"torch", "numpy", "python"} <= set(facts["versions"])
    assert sorted(path.name for path in plan.out.iterdir()) == [
        "mode.csv", "mode.json", "mode.timing.csv"]  # fmt: skip


def test_running_again_changes_no_byte_and_resuming_touches_nothing(plan: Plan) -> None:
    run(plan)
    first = (plan.out / "mode.csv").read_bytes()
    run(replace(plan, replace=True))
    assert (plan.out / "mode.csv").read_bytes() == first
    before = {path: path.stat().st_mtime_ns for path in plan.out.iterdir()}
    run(replace(plan, resume=True))
    assert {path: path.stat().st_mtime_ns for path in plan.out.iterdir()} == before
    assert (plan.out / "mode.csv").read_bytes() == first


def test_two_workers_give_the_bytes_of_one(plan: Plan, tmp_path: Path) -> None:
    small = plan.photos[:2]  # no MS-SSIM, so no torch to import in each worker
    alone = replace(plan, photos=small, codecs=["jpeg", "webp"], out=tmp_path / "one" / "own")
    together = replace(alone, out=tmp_path / "two" / "own")
    assert run(alone) == run(together, Processes(2)) == {}
    for name in ("jpeg.csv", "webp.csv"):
        assert (together.out / name).read_bytes() == (alone.out / name).read_bytes()


def interrupt_after(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of the job after `count` others."""
    done = []

    def measure(job: bench.Job, read: Reader) -> list[bench.Measurement]:
        if len(done) == count:
            raise KeyboardInterrupt
        done.append(job)
        return REAL_MEASURE(job, read)

    monkeypatch.setattr(bench, "measure_job", measure)


REAL_MEASURE = bench.measure_job


def test_an_interrupted_run_resumes_to_the_same_bytes(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(plan)
    whole = (plan.out / "mode.csv").read_bytes()
    (plan.out / "mode.csv").unlink()
    interrupt_after(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(plan)
    assert not (plan.out / "mode.csv").exists()
    codec = load_codec("mode", "")
    assert isinstance(codec, ToyMode)
    before = codec.encoded
    monkeypatch.setattr(bench, "measure_job", REAL_MEASURE)
    run(replace(plan, resume=True))
    # The third photo at two targets, and the tiny picture that asks for the weights tag.
    assert codec.encoded - before == 2 + 1
    assert (plan.out / "mode.csv").read_bytes() == whole
    assert len(read_timings(plan.out / "mode.timing.csv")) == 18
    assert not list(plan.out.glob("*.partial.csv"))


def test_finished_results_survive_an_interrupted_rerun(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(plan)
    whole = (plan.out / "mode.csv").read_bytes()
    interrupt_after(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(replace(plan, replace=True))
    assert (plan.out / "mode.csv").read_bytes() == whole


def test_earlier_rows_are_never_replaced_without_being_asked(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(plan)
    with pytest.raises(ResultsError, match=r"mode\.csv holds rows already: --resume .* --replace"):
        run(plan)
    (plan.out / "mode.csv").unlink()
    interrupt_after(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(plan)
    with pytest.raises(ResultsError, match=r"mode\.partial\.csv holds rows already"):
        run(plan)


def test_two_runs_never_write_the_same_files(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that ends last would leave its own rows alone."""
    said = []

    def measure(job: bench.Job, read: Reader) -> list[bench.Measurement]:
        if not said:
            other = replace(plan, photos=plan.photos[1:], resume=True)
            with pytest.raises(
                ResultsError, match=r"another run is writing .*mode\.csv"
            ) as refused:
                run(other)
            said.append(refused)
            run(replace(plan, photos=plan.photos[:1], codecs=["jpeg"]))
        return REAL_MEASURE(job, read)

    monkeypatch.setattr(bench, "measure_job", measure)
    run(plan)
    assert said
    assert len(read_rows(plan.out / "mode.csv")) == 18
    assert len(read_rows(plan.out / "jpeg.csv")) == 2
    assert not list(plan.out.glob(".*"))


def test_rows_that_resuming_does_not_keep_are_counted_aloud(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(plan)
    monkeypatch.setattr(learned, "build", partial(build_only_mode, tag=b"new!"))
    load_codec.cache_clear()
    said: list[str] = []
    again = replace(plan, photos=plan.photos[:1], resume=True)
    run_bench(again, lambda *_: None, said.append)
    assert len(said) == 1
    assert "18 earlier rows are of other weights" in said[0]


def test_rows_of_every_imported_set_are_kept(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learned, "build", lambda info, _: ToyFamily(info, b""))
    monkeypatch.setattr(identity, "family", lambda *_: toy_family(tmp_path))
    load_codec.cache_clear()
    plan = Plan(photos[:1], tmp_path / "own", ["mode"], targets=[0.5, 8.0], profile="public")
    run(plan)
    path = plan.out / "mode-public.csv"
    before = read_rows(path)
    assert len({row.weights for row in before}) == 2
    run(replace(plan, resume=True))
    assert read_rows(path) == before
    write_rows(path, [before[0]._replace(weights="00000000"), *before[1:]])
    run(replace(plan, resume=True))
    assert read_rows(path) == before


def test_resuming_adds_only_what_is_missing(plan: Plan) -> None:
    run(plan)
    before = read_rows(plan.out / "mode.csv")
    run(replace(plan, targets=[0.5, 1.0, 2.0], resume=True))
    after = read_rows(plan.out / "mode.csv")
    assert all(row in after for row in before)
    assert {row.target_bpp for row in after if row not in before} == {1.0}


def test_rows_get_the_metrics_that_they_lacked_for_want_of_a_backbone(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(plan)
    monkeypatch.delenv("MODE_LPIPS_BACKBONE")
    fake = replace(METRICS["lpips"], compute=lambda reference, decoded: 0.25)
    monkeypatch.setattr(metrics, "METRICS", {**METRICS, "lpips": fake})
    metrics._given_up.cache_clear()  # another process
    run(replace(plan, resume=True))
    rows = read_rows(plan.out / "mode.csv")
    assert len(rows) == 18
    assert {row.values["lpips"] for row in rows} == {0.25}


def test_rows_without_a_newer_metric_stay_where_nothing_is_asked_of_them(plan: Plan) -> None:
    run(plan)
    path = plan.out / "mode.csv"
    whole = read_rows(path)
    write_rows(path, [row._replace(values={"psnr": row.values["psnr"]}) for row in whole])
    old = read_rows(path)
    assert old != whole
    said: list[str] = []
    few = replace(plan, photos=plan.photos[-1:], targets=plan.targets[:1], resume=True)
    run_bench(few, lambda *_: None, said.append)
    asked = (plan.photos[-1].name, plan.targets[0])
    assert read_rows(path) == [
        new if (new.image, new.target_bpp) == asked else before
        for before, new in zip(old, whole, strict=True)
    ]
    assert len(said) == 1
    assert "3 earlier rows" in said[0]
    run(replace(plan, resume=True))
    assert read_rows(path) == whole


def test_commits_of_kept_rows_stay_on_record(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, targets in (("aaa", [0.5]), ("bbb", [0.5, 1.0]), ("ccc", [0.5, 1.0, 2.0])):
        monkeypatch.setattr(provenance, "commit", lambda name=name: name)
        run(replace(plan, targets=targets, resume=True))
    facts = json.loads((plan.out / "mode.json").read_text())
    assert (facts["commit"], facts["earlier_commits"]) == ("ccc", ["aaa", "bbb"])


def test_commands_of_kept_rows_stay_on_record_and_so_does_what_was_added(plan: Plan) -> None:
    def resumed(*targets: float, **changed: bool) -> dict[str, object]:
        def record(_: str, path: Path, kept: bool) -> None:
            write_provenance(path, f"bench {targets}", kept)

        few = replace(plan, codecs=["jpeg"], targets=targets, photos=plan.photos[:1])
        run_bench(replace(few, **(changed or {"resume": True})), record)
        return json.loads((plan.out / "jpeg.json").read_text())

    assert resumed(4.0)["earlier_commands"] == []
    note_addition(plan.out / "jpeg.json", "add", ["lpips"])
    assert resumed(4.0, 2.0)["earlier_commands"] == ["bench (4.0,)"]
    assert resumed(1.0)["earlier_commands"] == ["bench (4.0,)", "bench (4.0, 2.0)"]
    facts = resumed(4.0, 2.0, 0.5)
    assert facts["earlier_commands"] == ["bench (4.0,)", "bench (4.0, 2.0)", "bench (1.0,)"]
    assert [one["command"] for one in facts["added"]] == ["add"]
    facts = resumed(4.0, replace=True)
    assert (facts["earlier_commands"], "added" in facts) == ([], False)


@pytest.mark.parametrize(
    ("before", "earlier"),
    [
        ({"command": "a", "earlier_commits": []}, ["a"]),
        ({"command": "a", "earlier_commits": ["bbb"]}, ["unknown", "a"]),
        ({"command": "a --resume", "earlier_commits": []}, ["unknown", "a --resume"]),
        ({"command": "c", "earlier_commands": ["b", "a", "b"]}, ["b", "a", "c"]),
        ({"command": "a", "earlier_commands": "b"}, ["unknown"]),
        ({}, ["unknown"]),
        (None, ["unknown"]),
    ],
)
def test_what_a_file_does_not_tell_of_earlier_commands_is_unknown(
    before: object, earlier: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "jpeg.json"
    path.write_text(json.dumps(before))
    write_provenance(path, "now", kept_rows=True)
    assert json.loads(path.read_text())["earlier_commands"] == earlier


def test_rows_of_other_weights_are_measured_again(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(plan)
    monkeypatch.setattr(learned, "build", partial(build_only_mode, tag=b"new!"))
    load_codec.cache_clear()
    run(replace(plan, resume=True))
    rows: list[Row] = read_rows(plan.out / "mode.csv")
    assert len(rows) == 18
    assert {row.weights for row in rows} == {b"new!".hex()}


def test_a_broken_photo_is_named_and_the_rest_is_measured(plan: Plan, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG nothing")
    failed = run(replace(plan, photos=[broken, *plan.photos]))
    assert list(failed) == ["broken.png (mode)"]
    assert len(read_rows(plan.out / "mode.csv")) == 18


def test_a_codec_with_one_output_has_no_anchor(plan: Plan) -> None:
    run(replace(plan, codecs=["jpeg"], photos=plan.photos[:1], anchors=[Anchor.FIDELITY]))
    assert [row.anchor for row in read_rows(plan.out / "jpeg.csv")] == ["", ""]


def test_codecs_without_weights_are_left_out_with_the_reason() -> None:
    usable, left_out = usable_codecs()
    assert usable == ["mode", "jpeg", "webp", "avif", "jxl"]
    assert left_out["elic"] == "elic has no weights here"


def test_photos_are_found_by_name(photos: list[Path]) -> None:
    assert [path.name for path in photos] == ["photo0.png", "photo1.png", "photo2.png"]
    assert find_photos(photos[0]) == photos[:1]


@pytest.mark.parametrize("name", ["absent", ""])
def test_no_photos_are_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"does not exist|holds no photos"):
        find_photos(tmp_path / name)
