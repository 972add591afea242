"""Newer metrics of old rows: of the same picture or none, and nothing else moves."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mode_core.codecs import identity, learned
from mode_core.codecs.registry import load_codec
from mode_core.errors import ResultsError
from mode_core.evaluation import additions
from mode_core.evaluation.additions import Additions, FileAgain, add_metrics
from mode_core.evaluation.bench import Plan, find_photos, run_bench
from mode_core.evaluation.rows import THEIRS, Row, read_rows, write_rows
from mode_core.evaluation.workers import ALONE, Engine, Processes, Reader
from mode_core.metrics.fidelity import psnr
from mode_core.pictures.files import read_image, write_png
from mode_core.types import Anchor, Target
from mode_core.weights.provenance import note_addition, write_provenance
from tests.conftest import Shell, make_photo
from tests.made_up.toy_codec import ToyFamily, ToyMode, build_only_mode, toy_family

pytestmark = pytest.mark.usefixtures("only_mode")
NEW = "ssimulacra2"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    for place, size in enumerate([(120, 128), (113, 140), (48, 70)]):
        write_png(folder / f"photo{place}.png", make_photo(*size, seed=place))
    return find_photos(folder)


@pytest.fixture
def whole(photos: list[Path], tmp_path: Path) -> dict[str, bytes]:
    """Results with every metric; those in `plan` lack one."""
    out = tmp_path / "own"
    codecs = ["mode", "jpeg"]
    run_bench(
        Plan(photos, out, codecs, targets=[0.5, 0.51, 2.0]),
        lambda codec, path, kept: write_provenance(path, f"bench {codec}", kept),
    )
    return {name: (out / f"{name}.csv").read_bytes() for name in codecs}


@pytest.fixture
def plan(photos: list[Path], tmp_path: Path, whole: dict[str, bytes]) -> Additions:
    """The same results, as they were before the metric came."""
    out = tmp_path / "own"
    for name in whole:
        write_rows(out / f"{name}.csv", [without(row) for row in read_rows(out / f"{name}.csv")])
    return Additions(photos, out, [NEW])


def without(row: Row) -> Row:
    return row._replace(values={key: one for key, one in row.values.items() if key != NEW})


def run(plan: Additions, engine: Engine = ALONE) -> list[str]:
    def note(name: str, path: Path, _: bool) -> None:
        note_addition(path, f"add {name}", plan.metrics)

    return add_metrics(plan, note, engine)


def held(plan: Additions) -> dict[str, bytes]:
    return {name: (plan.out / f"{name}.csv").read_bytes() for name in ("mode", "jpeg")}


def toy() -> ToyMode:
    codec = load_codec("mode", "")
    assert isinstance(codec, ToyMode)
    return codec


def test_rows_get_the_numbers_that_bench_would_have_given_them(
    plan: Additions, whole: dict[str, bytes]
) -> None:
    assert held(plan) != whole
    assert run(plan) == []
    assert held(plan) == whole
    small = [row for row in read_rows(plan.out / "mode.csv") if row.height == 48]
    assert len(small) == 9
    assert not any(NEW in row.values for row in small)


def test_nothing_but_the_new_column_moves(plan: Additions) -> None:
    def cells(path: Path) -> list[dict[str, str]]:
        with path.open(newline="") as file:
            return [{k: v for k, v in row.items() if k != NEW} for row in csv.DictReader(file)]

    names = ["mode.csv", "jpeg.csv"]
    before = [cells(plan.out / name) for name in names]
    timings = {path: path.read_bytes() for path in plan.out.glob("*.timing.csv")}
    run(plan)
    assert [cells(plan.out / name) for name in names] == before
    assert {path: path.read_bytes() for path in plan.out.glob("*.timing.csv")} == timings


def test_one_file_is_made_once_for_its_anchors_and_targets(plan: Additions) -> None:
    rows = read_rows(plan.out / "mode.csv")
    files = {(row.image, row.quality) for row in rows if row.height > 48}
    assert len({(row.image, row.target_bpp) for row in rows if row.height > 48}) > len(files)
    codec = load_codec("mode", "toy")
    assert isinstance(codec, ToyMode)
    run(plan)
    assert codec.encoded == len(files)


def test_rows_of_other_weights_stay_empty_and_are_counted(
    plan: Additions, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = held(plan)
    monkeypatch.setattr(learned, "build", partial(build_only_mode, tag=b"new!"))
    load_codec.cache_clear()
    [said] = run(plan)
    assert "mode.csv: SSIMULACRA2 stays empty in 18 of 27 rows: 18 whose file comes out" in said
    after = held(plan)
    assert after["mode"] == before["mode"]
    assert after["jpeg"] != before["jpeg"]
    assert "added" not in json.loads((plan.out / "mode.json").read_text())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bytes_payload": 7}, "18 of 27 rows: 2 whose file comes out otherwise"),
        ({"profile": THEIRS}, "2 whose pictures others decoded"),
        ({"image": "gone.png"}, "2 without their photo"),
        ({"codec": "toy9"}, "because of this: there is no codec 'toy9'"),
    ],
)
def test_what_is_not_the_same_is_never_measured(
    change: dict[str, object], words: str, plan: Additions
) -> None:
    path = plan.out / "jpeg.csv"
    rows = [row for row in read_rows(path) if row.height > 48]
    odd = [row._replace(**change) if row.target_bpp != 2 else row for row in rows[:3]]
    write_rows(path, odd + rows[3:])
    [said] = run(plan)
    assert words.removeprefix("18 of 27 rows: ") in said
    assert [NEW in row.values for row in read_rows(path)].count(False) == 2


def test_another_photo_of_the_name_is_told_by_its_psnr(plan: Additions, tmp_path: Path) -> None:
    """The toy's file is as long for any photo of this size, and so may any codec's be."""
    folder = tmp_path / "others"
    folder.mkdir()
    write_png(folder / "photo0.png", make_photo(120, 128, seed=50))
    said = run(replace(plan, photos=[*plan.photos[1:], folder / "photo0.png"], codecs=["mode"]))
    assert len(said) == 1
    assert "9 whose picture has another PSNR today" in said[0]
    rows = [row for row in read_rows(plan.out / "mode.csv") if row.height > 48]
    assert {NEW in row.values for row in rows if row.image == "photo0.png"} == {False}
    assert {NEW in row.values for row in rows if row.image != "photo0.png"} == {True}


def test_an_anchor_that_drifts_costs_the_others_of_its_file_nothing(plan: Additions) -> None:
    path = plan.out / "mode.csv"
    rows = read_rows(path)
    odd = next(row for row in rows if row.height > 48 and row.anchor == "perception")
    values = {**odd.values, "psnr": odd.values["psnr"] + 0.5}
    write_rows(path, [row._replace(values=values) if row is odd else row for row in rows])
    [said] = run(replace(plan, codecs=["mode"]))
    assert "stays empty in 1 of 27 rows: 1 whose picture has another PSNR today" in said
    lacking = [row for row in read_rows(path) if row.height > 48 and NEW not in row.values]
    assert [(row.image, row.target_bpp, row.anchor) for row in lacking] == [
        (odd.image, odd.target_bpp, odd.anchor)
    ]


def test_rows_of_imported_sets_are_made_with_the_set_that_they_name(
    photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learned, "build", lambda info, _: ToyFamily(info, b""))
    load_codec.cache_clear()
    monkeypatch.setattr(identity, "family", lambda *_: toy_family(tmp_path))
    out, image = tmp_path / "theirs", read_image(photos[0])
    out.mkdir()
    family, anchor = load_codec("mode", "public"), Anchor.parse("fidelity")
    rows = []
    for place in (0, 1):
        file = family.encode(image, Target(quality=place))
        size, tag = len(file.to_bytes()), file.weights.hex()
        told = {"psnr": psnr(image, family.decode(file, anchor))}
        names = "theirs", photos[0].name, file.width, file.height, "mode", "public", "fidelity"
        sizes = size, file.payload_bytes, 8 * size / (file.width * file.height)
        rows.append(Row(*names, 0.5 + place, 0, tag, *sizes, told))
    gone = rows[0]._replace(target_bpp=3.0, weights="00000000")
    write_rows(out / "mode-public.csv", [*rows, gone])
    [said] = run(Additions(photos, out, [NEW]))
    assert "stays empty in 1 of 3 rows: 1 whose file comes out otherwise" in said
    assert [NEW in row.values for row in read_rows(out / "mode-public.csv")] == [True, True, False]


REAL_FILLED = additions._filled


def interrupt_after(count: int, monkeypatch: pytest.MonkeyPatch) -> list[FileAgain]:
    """Ctrl-C in the middle of the file after `count` others."""
    done: list[FileAgain] = []

    def filled(job: FileAgain, read: Reader) -> list[Row]:
        if len(done) == count:
            raise KeyboardInterrupt
        done.append(job)
        return REAL_FILLED(job, read)

    monkeypatch.setattr(additions, "_filled", filled)
    return done


def test_an_interrupted_run_goes_on_and_ends_in_the_same_bytes(
    plan: Additions, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = held(plan)
    interrupt_after(3, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(plan)
    assert held(plan) == before
    assert [path.name for path in plan.out.glob("*.added.partial.csv")]
    done = interrupt_after(100, monkeypatch)
    assert run(plan) == []
    assert held(plan) == whole
    files = {(row.codec, row.image, row.quality) for row in read_rows(plan.out / "mode.csv")}
    files |= {(row.codec, row.image, row.quality) for row in read_rows(plan.out / "jpeg.csv")}
    assert len(done) == len([one for one in files if one[1] != "photo2.png"]) - 3
    assert not list(plan.out.glob("*.partial.csv"))


def test_numbers_of_an_interrupted_run_count_for_the_same_rows_alone(
    plan: Additions, whole: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_after(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(plan)
    [partial_file] = plan.out.glob("*.added.partial.csv")
    rows = read_rows(partial_file)
    write_rows(partial_file, [one._replace(values={**one.values, "psnr": 1.0}) for one in rows])
    monkeypatch.setattr(additions, "_filled", REAL_FILLED)
    assert run(plan) == []
    assert held(plan) == whole


def test_two_workers_give_the_bytes_of_one(plan: Additions, whole: dict[str, bytes]) -> None:
    assert run(replace(plan, codecs=["jpeg"]), Processes(2)) == []
    assert (plan.out / "jpeg.csv").read_bytes() == whole["jpeg"]


def test_two_runs_never_write_the_same_files(
    plan: Additions, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []

    def filled(job: FileAgain, read: Reader) -> list[Row]:
        if not said:
            for other in (
                lambda: run(plan),
                lambda: run_bench(Plan(plan.photos, plan.out, ["jpeg"], resume=True), print),
            ):
                with pytest.raises(ResultsError, match="another run is writing") as refused:
                    other()
                said.append(refused)
        return REAL_FILLED(job, read)

    monkeypatch.setattr(additions, "_filled", filled)
    assert run(plan) == []
    assert len(said) == 2


def test_an_unfinished_bench_and_a_file_by_hand_are_refused(plan: Additions) -> None:
    path = plan.out / "jpeg.csv"
    good = path.read_bytes()
    (plan.out / "jpeg.partial.csv").write_bytes(good)
    with pytest.raises(ResultsError, match=r"finish it with --resume first"):
        run(plan)
    (plan.out / "jpeg.partial.csv").unlink()
    path.write_bytes(good.replace(b"\n", b"\r\n"))
    with pytest.raises(ResultsError, match="its other numbers would change"):
        run(plan)
    assert path.read_bytes() == good.replace(b"\n", b"\r\n")


def test_provenance_says_what_came_later_and_keeps_the_rest(plan: Additions) -> None:
    before = json.loads((plan.out / "jpeg.json").read_text())
    run(plan)
    after = json.loads((plan.out / "jpeg.json").read_text())
    [added] = after.pop("added")
    assert after == before
    assert added["metrics"] == [NEW]
    assert added["command"] == "add jpeg"
    assert {"commit", "device", "versions"} <= set(added)


def test_the_command_adds_says_what_stays_empty_and_what_does_not_go_with_it(
    plan: Additions, shell: Shell
) -> None:
    start = f"bench {plan.photos[0].parent} --out {plan.out} --add-metrics"
    assert "SSIMULACRA2 has it" in shell.does(f"{start} SSIMULACRA2")
    assert "and keep their other numbers" in shell.refuses(f"{start} ssimulacra2 --bpp 1")
    assert "there is no metric 'vmaf'" in shell.refuses(f"{start} vmaf")
    assert "cannot be measured here" in shell.refuses(f"{start} lpips")
    assert "--reconstructions --resume" in shell.refuses(f"{start} psnr --reconstructions x")
    rows = read_rows(plan.out / "jpeg.csv")
    write_rows(plan.out / "jpeg.csv", [without(row) for row in rows])
    plan.photos[0].rename(plan.photos[0].with_suffix(".gone"))
    try:
        said = shell.refuses(f"{start} ssimulacra2")
    finally:
        plan.photos[0].with_suffix(".gone").rename(plan.photos[0])
    assert "jpeg.csv: SSIMULACRA2 stays empty in 3 of 9 rows: 3 without their photo" in said
    assert np.all(
        [NEW in row.values for row in read_rows(plan.out / "mode.csv") if row.height > 48]
    )
