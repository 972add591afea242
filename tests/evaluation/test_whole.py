"""FID and KID of whole sets: of the very pictures that rows are of, all of them or none."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest

from app.explorer.library import load_library
from mode_core.codecs import learned
from mode_core.codecs.registry import load_codec
from mode_core.codecs.roundtrip import decode_all
from mode_core.errors import ResultsError
from mode_core.evaluation import bench, gathering
from mode_core.evaluation.bench import Plan, find_photos, run_bench
from mode_core.evaluation.decoded import find_pictures
from mode_core.evaluation.folders import read_folder, results_files
from mode_core.evaluation.gathering import SetJob, Which
from mode_core.evaluation.rows import (
    THEIRS,
    WHOLE_SET,
    WholeSet,
    read_rows,
    read_whole_sets,
    write_rows,
)
from mode_core.evaluation.whole import Found, SetPlan, sets_of_results, sets_of_theirs
from mode_core.metrics import QUICK_METRICS, measure
from mode_core.metrics.clouds import Features, frechet_distance, kernel_distance
from mode_core.metrics.features import Backbone, patches_of
from mode_core.pictures.files import read_image, write_png
from mode_core.types import Anchor, Image, Target
from tests.conftest import Shell, make_photo
from tests.made_up.decoded import hand_over
from tests.made_up.toy_codec import build_only_mode

pytestmark = pytest.mark.usefixtures("only_mode")
TARGETS = (0.5, 2.0)
TOY = Backbone("toy", "70790000", 6, Path("toy.pth"))


def toy_features(backbone: Backbone, image: Image) -> Features:
    """Mean and deviation of each colour of a patch."""
    assert backbone == TOY
    found = [np.r_[one.mean((0, 1)), one.std((0, 1))] for one in patches_of(image)]
    return np.array(found, np.float32).reshape(-1, TOY.numbers)


@pytest.fixture(autouse=True)
def _toy_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "features_of", toy_features)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos") / "own"
    folder.mkdir()
    for place, size in enumerate([(384, 390), (260, 520), (100, 300)]):
        write_png(folder / f"photo{place}.png", make_photo(*size, seed=place))
    return find_photos(folder)


@pytest.fixture(scope="module")
def results(photos: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of a codec with anchors and of one without, for reading."""
    out = tmp_path_factory.mktemp("results") / "own"
    anchors = [Anchor.parse("fidelity"), Anchor.parse("perception")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learned, "build", build_only_mode)
        patch.setattr(bench, "measure", partial(measure, keys=QUICK_METRICS))
        load_codec.cache_clear()
        run_bench(Plan(photos, out, ["mode", "jpeg"], TARGETS, anchors), lambda *_: None)
    return out


@pytest.fixture
def plan(photos: list[Path], results: Path, tmp_path: Path) -> SetPlan:
    """All figures of a copy of them."""
    out = Path(shutil.copytree(results, tmp_path / "results" / "own"))
    return SetPlan(photos, out, ["fid", "kid"], TOY)


def labels(found: Found) -> list[str]:
    return [Which.of(one).label for one in found.sets]


def written(plan: SetPlan) -> bytes:
    return (plan.out / WHOLE_SET).read_bytes()


def the(plan: SetPlan, codec: str, target: float, anchor: str = "") -> WholeSet:
    asked = codec, target, anchor
    [one] = [
        one for one in read_whole_sets(plan.out) if (one.codec, one.target_bpp, one.anchor) == asked
    ]
    return one


def test_figures_are_those_of_the_pictures_that_the_rows_are_of(plan: SetPlan) -> None:
    found = sets_of_results(plan)
    assert (found.new, found.left_out) == (6, [])
    assert labels(found) == [
        "jpeg at 0.5", "jpeg at 2", "mode@fidelity at 0.5", "mode@fidelity at 2",
        "mode@perception at 0.5", "mode@perception at 2",
    ]  # fmt: skip
    originals = [read_image(photo) for photo in plan.photos]
    for codec, anchor in (("jpeg", None), ("mode", Anchor.parse("perception"))):
        made = [
            decode_all(codec, one, Target(bpp=0.5), [anchor])[0] for one in originals
        ]  # fmt: skip
        x, y = (
            np.concatenate([toy_features(TOY, one) for one in images])
            for images in (originals, [one.image for one in made])
        )
        one = the(plan, codec, 0.5, str(anchor or ""))
        assert (one.pictures, one.patches, one.features) == (3, 4, 6)
        assert (one.backbone, one.backbone_tag) == ("toy", "70790000")
        assert one.fid == pytest.approx(frechet_distance(x, y), rel=1e-5)
        assert (one.kid, one.kid_std) == pytest.approx(kernel_distance(x, y), rel=1e-5)
        assert one.bpp == fmean(picture.bpp for picture in made)
        assert (one.fid or 0) > 0


def test_what_is_there_is_not_measured_again_unless_that_is_asked_for(plan: SetPlan) -> None:
    sets_of_results(replace(plan, codecs=["jpeg"], targets=[2.0]))
    before = written(plan)
    assert sets_of_results(replace(plan, codecs=["jpeg"], targets=[2.0])).new == 0
    found = sets_of_results(replace(plan, codecs=["jpeg"]))
    assert (found.new, labels(found)) == (1, ["jpeg at 0.5", "jpeg at 2"])
    both = written(plan)
    assert both != before
    assert sets_of_results(replace(plan, codecs=["jpeg"], replace=True)).new == 2
    assert written(plan) == both


def test_a_figure_that_is_asked_for_later_leaves_the_first(plan: SetPlan) -> None:
    jpeg = replace(plan, codecs=["jpeg"])
    sets_of_results(replace(jpeg, metrics=["fid"]))
    first = the(plan, "jpeg", 2)
    assert (first.kid, first.kid_std) == (None, None)
    assert sets_of_results(replace(jpeg, metrics=["kid"])).new == 2
    assert the(plan, "jpeg", 2)._replace(kid=None, kid_std=None) == first
    assert the(plan, "jpeg", 2).kid is not None


def test_what_is_measured_anew_keeps_no_figure_of_before(plan: SetPlan) -> None:
    jpeg = replace(plan, codecs=["jpeg"])
    sets_of_results(jpeg)
    assert the(plan, "jpeg", 2).kid is not None
    sets_of_results(replace(jpeg, metrics=["fid"], replace=True))
    assert (the(plan, "jpeg", 2).kid, the(plan, "jpeg", 2).kid_std) == (None, None)


def test_rows_of_other_pictures_are_another_set(plan: SetPlan) -> None:
    jpeg = replace(plan, codecs=["jpeg"])
    sets_of_results(jpeg)
    path = plan.out / "jpeg.csv"
    write_rows(path, [row for row in read_rows(path) if row.image != "photo1.png"])
    found = sets_of_results(jpeg)
    assert found.new == 0
    assert "2 patches of 256x256 are in its pictures, and 4 are the fewest" in found.left_out[0]


def test_another_backbone_has_rows_of_its_own(
    plan: SetPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    jpeg = replace(plan, codecs=["jpeg"])
    sets_of_results(jpeg)
    other = replace(TOY, tag="00000000")
    monkeypatch.setattr(gathering, "features_of", lambda _, image: toy_features(TOY, image))
    found = sets_of_results(replace(jpeg, backbone=other))
    assert [one.backbone_tag for one in found.sets] == ["00000000"] * 2
    assert len(read_whole_sets(plan.out)) == 4


def test_a_set_without_one_of_its_pictures_is_left_out(
    plan: SetPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plan.out / "jpeg.csv"
    rows = read_rows(path)
    odd = {"bytes_payload": 7}
    write_rows(path, [row._replace(**odd) if row is rows[0] else row for row in rows])
    found = sets_of_results(replace(plan, codecs=["jpeg"]))
    assert found.left_out == [
        "jpeg at 0.5 is left out for 1 of 3 pictures whose file comes out otherwise today, by "
        "other weights or another encoder"
    ]
    assert labels(found) == ["jpeg at 2"]
    monkeypatch.setattr(learned, "build", partial(build_only_mode, tag=b"new!"))
    load_codec.cache_clear()
    found = sets_of_results(plan)
    assert [sentence.partition(" ")[0] for sentence in found.left_out] == [
        "jpeg", "mode@fidelity", "mode@fidelity", "mode@perception", "mode@perception",
    ]  # fmt: skip


def test_a_picture_that_drifts_costs_other_anchors_of_its_file_nothing(plan: SetPlan) -> None:
    path = plan.out / "mode.csv"
    rows = read_rows(path)
    odd = next(row for row in rows if row.anchor == "perception" and row.target_bpp == 2)
    values = {**odd.values, "psnr": odd.values["psnr"] + 0.5}
    write_rows(path, [row._replace(values=values) if row is odd else row for row in rows])
    found = sets_of_results(replace(plan, codecs=["mode"]))
    assert found.left_out == [
        "mode@perception at 2 is left out for 1 of 3 pictures whose picture has another PSNR today"
    ]
    assert len(found.sets) == 3


def test_a_photo_that_is_gone_and_one_that_is_damaged_are_said(
    plan: SetPlan, tmp_path: Path
) -> None:
    jpeg = replace(plan, codecs=["jpeg"], targets=[2.0])
    found = sets_of_results(replace(jpeg, photos=plan.photos[1:]))
    assert found.left_out == ["jpeg at 2 is left out for 1 of 3 pictures without their photo"]
    damaged = tmp_path / "photo0.png"
    damaged.write_bytes(plan.photos[0].read_bytes()[:5000])
    [said] = sets_of_results(replace(jpeg, photos=[damaged, *plan.photos[1:]])).left_out
    assert "for 1 of 3 pictures because of this: photo0.png" in said
    assert not (plan.out / WHOLE_SET).exists()


def test_an_interrupted_run_keeps_the_sets_that_are_whole(
    plan: SetPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets_of_results(plan)
    whole = written(plan)
    (plan.out / WHOLE_SET).unlink()
    seen: list[Image] = []

    def until(backbone: Backbone, image: Image) -> Features:
        seen.append(image)
        if len(seen) > 10:
            raise KeyboardInterrupt
        return toy_features(backbone, image)

    monkeypatch.setattr(gathering, "features_of", until)
    noted: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        sets_of_results(plan, lambda: noted.append(len(read_whole_sets(plan.out))))
    assert noted == [1, 2]
    assert [one.codec for one in read_whole_sets(plan.out)] == ["jpeg", "jpeg"]
    monkeypatch.setattr(gathering, "features_of", toy_features)
    assert sets_of_results(plan).new == 4
    assert written(plan) == whole


def test_two_runs_never_write_the_same_file(plan: SetPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []

    def features(backbone: Backbone, image: Image) -> Features:
        if not said:
            with pytest.raises(ResultsError, match=r"another run is writing .*whole-set.csv"):
                sets_of_results(plan)
            said.append(True)
        return toy_features(backbone, image)

    monkeypatch.setattr(gathering, "features_of", features)
    assert sets_of_results(plan).new == 6
    assert said


def test_pictures_of_others_get_the_figures_that_ours_would(plan: SetPlan, tmp_path: Path) -> None:
    folder = tmp_path / "handed"
    folder.mkdir()
    hand_over(plan.photos, folder, "jpeg", TARGETS, "jpeg")
    pictures = find_pictures(folder, plan.photos, 1, print)
    theirs = replace(plan, out=tmp_path / "results" / "theirs")
    found = sets_of_theirs(theirs, "own", pictures)
    assert (found.new, labels(found)) == (2, ["jpeg at r0.5", "jpeg at r2"])
    sets_of_results(replace(plan, codecs=["jpeg"]))
    for one, target in zip(read_whole_sets(theirs.out), TARGETS, strict=True):
        names = {"profile": "", "rate_name": "", "target_bpp": target}
        assert one.profile == THEIRS
        assert one._replace(**names) == the(plan, "jpeg", target)
    assert sets_of_theirs(theirs, "own", pictures).new == 0


def test_readers_of_results_leave_the_file_alone(plan: SetPlan) -> None:
    rows, files = read_folder(plan.out), results_files(plan.out)
    before = load_library(plan.out.parent)
    sets_of_results(replace(plan, codecs=["jpeg"]))
    assert (read_folder(plan.out), results_files(plan.out)) == (rows, files)
    after = load_library(plan.out.parent)
    assert (after.rows, after.problems) == (before.rows, ())


def test_a_file_by_hand_is_refused_before_anything_is_made(plan: SetPlan) -> None:
    (plan.out / WHOLE_SET).write_text("codec,fid\njpeg,1\n")
    with pytest.raises(ResultsError, match=r"whole-set.csv: the columns are codec,fid; expected"):
        sets_of_results(plan)


def test_a_job_goes_to_a_worker_as_it_is(plan: SetPlan) -> None:
    rows = read_rows(plan.out / "mode.csv")[:2]
    job = SetJob(plan.photos[0], TOY, rows)
    assert pickle.loads(pickle.dumps(job)) == job


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"codecs": ["webp"]},
            "holds no rows of webp; of codecs that run here it has jpeg, mode, 0.5",
        ),
        ({"targets": [0.3, 2.0]}, "holds no rows of 0.3; of codecs"),
        ({"codecs": ["mode"], "anchors": [Anchor(0.25)]}, "holds no rows of what was asked for"),
        ({"out": Path("absent")}, "absent is not a folder of results"),
    ],
)
def test_what_no_row_is_of_is_refused(change: dict[str, object], words: str, plan: SetPlan) -> None:
    with pytest.raises(ResultsError, match=words):
        sets_of_results(replace(plan, **change))


def test_the_command_says_figures_and_how_far_they_may_be_trusted(
    plan: SetPlan, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    start = f"bench {plan.photos[0].parent} --out {plan.out} --set-metrics"
    said = shell.does(f"{start} fid,KID --codecs jpeg --bpp 2")
    assert "AlexNet 727f116d" in said
    assert "1 sets, 1 of them measured now" in said
    assert "with no paper's" in shell.err
    assert "FID of 4 patches is too high, since covariances of 256 features" in shell.err
    [added] = json.loads((plan.out / "whole-set.json").read_text())["added"]
    assert added["metrics"] == ["fid", "kid"]
    assert "--set-metrics fid,KID --codecs jpeg --bpp 2 --workers 1" in added["command"]
    folder = tmp_path / "handed"
    folder.mkdir()
    hand_over(plan.photos, folder, "jpeg", [2.0], "jpeg")
    said = shell.does(f"{start} kid --reconstructions {folder} --out {tmp_path / 'theirs'}")
    assert "r2" in said
    assert "too high" not in shell.err
    for words, answer in (
        ("psnr", "there is no metric 'psnr' of whole sets; there are fid and kid"),
        ("fid --add-metrics psnr", "are two runs"),
        ("fid --profile public", "the rows of --out say which weights"),
        ("fid --dataset mine", "goes with --reconstructions DIR"),
        (f"fid --reconstructions {folder} --dataset ''", "--dataset '' is no name"),
        (f"fid --reconstructions {folder} --bpp 2", "are for codecs that run here"),
        ("fid --backbone absent.pth", "absent.pth is not a file; docs/whole-sets.md"),
        ("fid --codecs jpeg --bpp 0.3", "holds no rows of 0.3"),
    ):
        assert answer in shell.refuses(f"{start} {words}")
    without = start.removesuffix("--set-metrics")
    assert "--backbone goes with --set-metrics" in shell.refuses(f"{without} --backbone x")
