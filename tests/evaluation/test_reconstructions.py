"""Pictures that somebody else decoded get the very numbers that ours would."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mode_core.errors import SHOWN, ResultsError
from mode_core.evaluation import reconstructions
from mode_core.evaluation.bench import Plan, find_photos, run_bench
from mode_core.evaluation.curves import comparisons, curves_of
from mode_core.evaluation.decoded import Decoded, find_pictures, sizes_from
from mode_core.evaluation.folders import read_folder
from mode_core.evaluation.reconstructions import TheirPlan, measure_pictures
from mode_core.evaluation.rows import THEIRS, Row, kept_picture, read_rows, write_rows
from mode_core.evaluation.workers import ALONE, Engine, Processes
from mode_core.metrics import METRICS
from mode_core.pictures.files import read_image, write_png
from mode_core.weights.provenance import write_provenance
from tests.conftest import make_photo
from tests.made_up.decoded import hand_over, read_sizes, write_sizes
from tests.made_up.results import made_up_rows

TARGETS = (1.0, 2.0)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos") / "two"
    folder.mkdir()
    for name, size in (("a", (48, 64)), ("b", (163, 170))):
        write_png(folder / f"{name}.png", make_photo(*size))
    return find_photos(folder)


@pytest.fixture(scope="module")
def handed_over(photos: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("handed") / "over"
    folder.mkdir()
    hand_over(photos, folder, "jpeg", TARGETS, "jpeg")
    return folder


@pytest.fixture
def theirs(handed_over: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(handed_over, tmp_path / "over"))


@pytest.fixture
def plan(photos: list[Path], tmp_path: Path) -> TheirPlan:
    return TheirPlan(photos, tmp_path / "results" / "theirs", "two")


def found_in(folder: Path, plan: TheirPlan) -> list[Decoded]:
    return find_pictures(folder, plan.photos, 1, lambda sentence: None)


def run(plan: TheirPlan, folder: Path, engine: Engine = ALONE) -> list[str]:
    said: list[str] = []
    found = found_in(folder, plan)

    def record(codec: str, path: Path, kept: bool) -> None:
        write_provenance(path, codec, kept)

    failed = measure_pictures(plan, found, record, said.append, engine)
    assert failed == {}
    return said


def rows_of(plan: TheirPlan, codec: str = "jpeg") -> list[Row]:
    return read_rows(plan.out / f"{codec}-theirs.csv")


@pytest.fixture(scope="module")
def both(
    photos: list[Path], handed_over: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """The same pictures, measured as ours and as theirs."""
    folder = tmp_path_factory.mktemp("both")
    run_bench(Plan(photos, folder / "two", ["jpeg"], TARGETS), lambda codec, path, kept: None)
    plan = TheirPlan(photos, folder / "results" / "theirs", "two")
    run(plan, handed_over)
    return folder / "two" / "jpeg.csv", plan.out / "jpeg-theirs.csv"


def test_equal_pictures_give_equal_numbers_to_the_last_digit(both: tuple[Path, Path]) -> None:
    own_file, their_file = both
    ours = {(row.image, f"r{row.target_bpp:g}"): row for row in read_rows(own_file)}
    measured = read_rows(their_file)
    assert len(measured) == len(ours) == 4
    for row in measured:
        own = ours[row.image, row.rate_name]
        assert row.values == own.values
        assert (row.bpp, row.bytes_file, row.dataset) == (own.bpp, own.bytes_file, own.dataset)
        assert (row.profile, row.anchor, row.weights) == (THEIRS, "", "")
    assert {"psnr", "ms_ssim", "lpips"} <= set(measured[-1].values)


def cells(path: Path) -> list[dict[str, str]]:
    head, *lines = (line.split(",") for line in path.read_text().splitlines())
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_the_metric_cells_are_the_same_texts(both: tuple[Path, Path]) -> None:
    ours, measured = map(cells, both)
    shared = [name for name in ("bpp", *METRICS) if name in ours[0]]
    assert set(shared) == {name for name in ("bpp", *METRICS) if name in measured[0]}
    assert [[line[name] for name in shared] for line in measured] == [
        [line[name] for name in shared] for line in ours
    ]


def test_there_are_no_times_of_what_somebody_else_decoded(
    plan: TheirPlan, handed_over: Path
) -> None:
    run(plan, handed_over)
    names = sorted(path.name for path in plan.out.iterdir())
    assert names == ["jpeg-theirs.csv", "jpeg-theirs.json"]


def test_their_curve_is_never_mixed_with_ours_of_the_same_name(
    plan: TheirPlan, handed_over: Path, tmp_path: Path
) -> None:
    """Both in one folder, where a BD-rate can compare them."""
    plan = replace(plan, out=tmp_path / "two")
    targets = (0.8, 1.0, 2.0)
    run_bench(Plan(plan.photos, plan.out, ["jpeg"], targets), lambda codec, path, kept: None)
    run(plan, handed_over)
    curves = curves_of(read_folder(plan.out))
    steps = {name: {point.quality for point in points} for name, points in curves.items()}
    assert steps == {"jpeg": {"0.8", "1", "2"}, "jpeg:theirs": {"r1", "r2"}}
    compared = {one.name for one in comparisons(read_folder(plan.out), METRICS["psnr"], "jpeg")}
    assert compared == {"jpeg", "jpeg:theirs"}


def test_bitstreams_beside_the_pictures_count_where_the_table_says_nothing(
    plan: TheirPlan, theirs: Path
) -> None:
    first, *others = read_sizes(theirs)
    write_sizes(theirs, others)
    codec, rate, image, size = first
    (theirs / codec / rate / f"{image}.bin").write_bytes(bytes(int(size) + 7))
    found = found_in(theirs, plan)
    assert sizes_from(found) == {"sizes.csv": 3, "bitstreams": 1}
    assert {one.size for one in found if one.size_from == "bitstreams"} == {int(size) + 7}


def test_the_table_decides_where_a_bitstream_says_something_else(
    plan: TheirPlan, theirs: Path
) -> None:
    (codec, rate, image, size), *_ = read_sizes(theirs)
    (theirs / codec / rate / f"{image}.jpg").write_bytes(b"short")
    (first, *_) = found_in(theirs, plan)
    assert (first.path.suffix, first.size, first.size_from) == (".png", int(size), "sizes.csv")


@pytest.mark.parametrize("ending", [".png", ".ppm", ".tif"])
def test_the_jpeg_beside_a_lossless_picture_is_its_file(
    plan: TheirPlan, theirs: Path, ending: str
) -> None:
    (codec, rate, image, size), *others = read_sizes(theirs)
    write_sizes(theirs, others)
    path = theirs / codec / rate / f"{image}.png"
    path.rename(path.with_suffix(ending))
    path.with_suffix(".jpg").write_bytes(bytes(int(size) + 3))
    (first, *_) = found_in(theirs, plan)
    assert (first.path.suffix, first.size) == (ending, int(size) + 3)


def test_large_letters_and_zeros_of_rates_hide_nothing_where_one_can_be_meant(
    plan: TheirPlan, theirs: Path
) -> None:
    sizes = {(rate, image): int(size) for _, rate, image, size in read_sizes(theirs)}
    first, *others = [
        ["Jpeg", f"{rate[1:]}.0", image, size] for (rate, image), size in sizes.items()
    ]
    write_sizes(theirs, others)
    for rate in ("r1", "r2"):
        place = (theirs / "jpeg" / rate).rename(theirs / "jpeg" / rate[1:])
        for image in "ab":
            (place / f"{image}.png").rename(place / f"{image.upper()}.PNG")
    *_, image, size = first
    (theirs / "jpeg" / "1" / f"{image}.bin").write_bytes(bytes(int(size)))
    found = {(f"r{one.rate}", one.photo.stem): one.size for one in found_in(theirs, plan)}
    assert found == sizes
    shutil.copytree(theirs / "jpeg" / "1", theirs / "jpeg" / "1.00")
    said: list[str] = []
    with pytest.raises(ResultsError):
        find_pictures(theirs, plan.photos, 1, said.append)
    assert "there is no picture Jpeg/1.0/b" in said[0]  # of two rates of one number, none is meant


@pytest.mark.parametrize("separator", [";", "\t"])
def test_sizes_come_from_spreadsheets_too(plan: TheirPlan, theirs: Path, separator: str) -> None:
    expected = found_in(theirs, plan)
    write_sizes(theirs, [*read_sizes(theirs)[:-1], [], read_sizes(theirs)[-1]], separator)
    path = theirs / "sizes.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert found_in(theirs, plan) == expected


def test_a_codec_that_is_called_like_a_formula_reads_back(
    plan: TheirPlan, photos: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "over").mkdir()
    hand_over(photos, tmp_path / "over", "jpeg", [1.0], "=1+1")
    run(plan, tmp_path / "over")
    assert {row.codec for row in rows_of(plan, "=1+1")} == {"=1+1"}


def spoil(folder: Path) -> None:
    """One of each mistake."""
    first, second, third, fourth = read_sizes(folder)
    stranger = ["jpeg", "r1", "stranger.png", "9"]
    write_sizes(folder, [first, first, [*second[:3], "1e3"], fourth, stranger])
    write_png(folder / "jpeg" / "r1" / "b.png", make_photo(20, 30))
    write_png(folder / "jpeg" / "r1" / "c.png", make_photo(20, 30))
    (folder / "jpeg" / "r2" / "b.png").unlink()
    (folder / "empty" / "q3").mkdir(parents=True)
    (folder / "flat").mkdir()
    (folder / "broken" / "q3").mkdir(parents=True)
    for name in "ab":
        (folder / "broken" / "q3" / f"{name}.png").write_bytes(b"\x89PNG nothing")
        (folder / "broken" / "q3" / f"{name}.bin").write_bytes(b"x")
    assert third[:3] == ["jpeg", "r2", "a"]


WRONG = (
    "sizes.csv, line 3: jpeg/r1/a has a line already",
    "sizes.csv, line 4: bytes of jpeg/r1/b are '1e3'; give a whole number",
    "sizes.csv, line 6: there is no picture jpeg/r1/stranger.png",
    "jpeg/r1/c.png has the name of no picture of the data set",
    "jpeg/r1/b.png has 30x20 pixels, its original 170x163",
    "jpeg/r2/b is missing",
    "jpeg/r2/a has no bytes in sizes.csv, and no bitstream lies beside it",
    "empty/q3 holds no pictures",
    "flat holds no folder of a rate",
    "broken/q3: a.png ",
    "broken/q3: b.png ",
)


def test_all_that_is_wrong_is_said_at_once_and_nothing_is_written(
    plan: TheirPlan, theirs: Path
) -> None:
    spoil(theirs)
    said: list[str] = []
    with pytest.raises(ResultsError, match=f"{len(WRONG)} things to mend"):
        find_pictures(theirs, plan.photos, 1, said.append)
    for start in WRONG:
        assert sum(sentence.startswith(start) for sentence in said) == 1, (start, said)
    assert len(said) == len(WRONG)
    assert not plan.out.exists()


def test_of_hundreds_of_mistakes_the_first_are_said_and_all_counted(
    plan: TheirPlan, theirs: Path
) -> None:
    write_sizes(theirs, [["jpeg", "r1", f"x{i}", "9"] for i in range(300)])
    said: list[str] = []
    with pytest.raises(ResultsError, match="304 things to mend, of which the first 20 are above"):
        find_pictures(theirs, plan.photos, 1, said.append)
    assert len(said) == SHOWN == 20


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"codec,rate,image\n", "the header has no 'bytes'; it needs codec, rate, image, bytes"),
        (b"codec,codec,rate,image,bytes\n", "the header names 'codec' twice"),
        (b"codec,rate,image,bytes\njpeg,r1\n", "line 2 has 2 cells, the header has 4"),
        (b"\xff\xfe\x00", "it is not text in UTF-8"),
        (b"", "the header has no 'codec' and no 'rate'"),
    ],
)
def test_a_broken_table_is_told_with_its_line(
    plan: TheirPlan, theirs: Path, text: bytes, reason: str
) -> None:
    (theirs / "sizes.csv").write_bytes(text)
    with pytest.raises(ResultsError, match=rf"sizes\.csv: .*{re.escape(reason)}"):
        found_in(theirs, plan)


def test_a_folder_that_is_not_there_or_empty_is_refused(plan: TheirPlan, tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="absent is not a folder; lay the pictures out as"):
        found_in(tmp_path / "absent", plan)
    with pytest.raises(ResultsError, match="holds no pictures; lay the pictures out"):
        found_in(tmp_path, plan)


def test_two_originals_of_one_name_are_refused(
    plan: TheirPlan, theirs: Path, tmp_path: Path
) -> None:
    double = [*plan.photos, tmp_path / "a.jpg"]
    said: list[str] = []
    with pytest.raises(ResultsError, match="1 thing to mend"):
        find_pictures(theirs, double, 1, said.append)
    assert said[0].startswith("the data set has a.png and a.jpg")


def test_two_pictures_of_one_name_are_refused_unless_one_is_lossless(
    plan: TheirPlan, theirs: Path
) -> None:
    place = theirs / "jpeg" / "r1"
    (place / "a.png").rename(place / "a.avif")
    shutil.copy(place / "b.png", place / "a.webp")
    said: list[str] = []
    with pytest.raises(ResultsError):
        find_pictures(theirs, plan.photos, 1, said.append)
    assert said == ["jpeg/r1/a could be a.avif and a.webp; leave one of them there"]


def count_measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    measured: list[str] = []
    real = reconstructions._measured

    def measure(plan: TheirPlan, original: object, one: Decoded) -> Row:
        measured.append(one.where)
        return real(plan, original, one)  # type: ignore[arg-type]

    monkeypatch.setattr(reconstructions, "_measured", measure)
    return measured


def test_resuming_measures_what_is_missing_and_what_has_another_size(
    plan: TheirPlan, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(plan, theirs)
    with pytest.raises(ResultsError, match=r"jpeg-theirs\.csv holds rows already"):
        run(plan, theirs)
    before = rows_of(plan)
    measured = count_measured(monkeypatch)
    again = replace(plan, resume=True)
    run(again, theirs)
    assert measured == []
    lines = read_sizes(theirs)
    lines[0][3] = str(int(lines[0][3]) + 1)
    write_sizes(theirs, lines)
    assert "1 earlier rows are of another data set or file size" in run(again, theirs)[0]
    assert measured == ["jpeg/r1/a.png"]
    after = rows_of(plan)
    assert len(after) == len(before) == 4
    assert sum(row in before for row in after) == 3
    run(replace(plan, replace=True), theirs)
    assert len(measured) == 1 + 4


def test_rows_without_a_newer_metric_stay_where_their_picture_is_not_handed_over(
    plan: TheirPlan, handed_over: Path, theirs: Path
) -> None:
    run(plan, handed_over)
    whole = rows_of(plan)
    path = plan.out / "jpeg-theirs.csv"
    write_rows(path, [row._replace(values={"psnr": 1.0}) for row in whole])
    shutil.rmtree(theirs / "jpeg" / "r1")
    write_sizes(theirs, [line for line in read_sizes(theirs) if "r1" not in line])
    assert "2 earlier rows" in run(replace(plan, resume=True), theirs)[0]
    for before, now in zip(whole, rows_of(plan), strict=True):
        assert now.values == (before.values if now.rate_name == "r2" else {"psnr": 1.0})


def test_two_workers_give_the_bytes_of_one(
    plan: TheirPlan, handed_over: Path, tmp_path: Path
) -> None:
    run(plan, handed_over)
    together = replace(plan, out=tmp_path / "more" / "theirs")
    run(together, handed_over, Processes(2))
    name = "jpeg-theirs.csv"
    assert (together.out / name).read_bytes() == (plan.out / name).read_bytes()


def test_pictures_are_kept_where_that_is_asked_for_and_go_with_their_rows(
    plan: TheirPlan, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(plan, theirs)
    assert not (plan.out / "pictures").exists()
    measured = count_measured(monkeypatch)
    run(replace(plan, resume=True, keep_pictures=True), theirs)
    assert len(measured) == 4
    for row in rows_of(plan):
        kept = kept_picture(plan.out, row)
        assert kept is not None
        source = theirs / row.codec / row.rate_name / row.image
        assert (read_image(kept) == read_image(source)).all()
    run(replace(plan, replace=True), theirs)
    assert not list((plan.out / "pictures").rglob("*.png"))


@pytest.mark.parametrize("wrong", ["..", "a/b", "", "/etc"])
def test_a_name_in_a_row_never_leads_out_of_the_folder_of_kept_pictures(wrong: str) -> None:
    row = made_up_rows()[0]._replace(codec="x", rate_name="q3", image="../a.jpg")
    results = Path("results")
    assert kept_picture(results, row) == results / "pictures/x/q3/a.png"
    assert kept_picture(results, row._replace(codec=wrong)) is None
    assert kept_picture(results, row._replace(rate_name=wrong)) is None
