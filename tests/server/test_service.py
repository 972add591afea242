"""What the page can ask for, without a browser and without torch: a made-up codec does the work."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from resource import getpagesize
from threading import Event, Semaphore, Thread

import numpy as np
import pytest
from PIL import Image as Pillow
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.http.intake import Intake, Limits
from app.http.routes import media_routes
from app.http.uploads import Uploads
from app.server.demands import BadRequest, Expired, check_request
from app.server.jobs import Job, Outcome, measure_pair
from app.server.opening import opening
from app.server.process import Wanted
from app.server.queue import Question
from app.server.reader import Unread
from app.server.service import Service
from app.server.snapshot import Comparison, Slot
from app.server.store import StoredFile, secret_key
from app.server.warming import warm
from app.settings import MEBIBYTE, Settings
from app.viewer.exports import Wish, table
from app.viewer.region import region_metrics
from mode_core.codecs.registry import find_codec
from mode_core.errors import ModeError
from mode_core.metrics import Measured, measure
from mode_core.metrics.fidelity import psnr
from mode_core.pictures.files import png_bytes
from mode_core.stream.container import Bitstream, Stream
from mode_core.types import Image
from tests.conftest import make_photo
from tests.made_up.fake_runner import FakeRunner, file_of, last

Compare = Callable[..., Comparison]


@pytest.fixture
def compare(service: Service, key: str) -> Compare:
    """What a comparison of the photo comes to in the end."""
    return lambda panes, *question: last(service.compare(key, panes, 0.1, *question))


PANES = ["original", "mode-f", "mode-p", "jpeg"]


def test_panes_fill_in_one_codec_after_the_other(service: Service, key: str) -> None:
    counts = [
        sum(slot.state == "ready" for slot in moment.slots)
        for moment in service.compare(key, PANES, 0.1)
    ]
    assert counts[:5] == [1, 1, 3, 3, 4]  # a codec that begins is a moment of its own


def test_mode_is_encoded_once_for_both_anchors(runner: FakeRunner, compare: Compare) -> None:
    end = compare(PANES)
    assert [job.anchors for job in runner.jobs if job.codec == "mode"] == [
        ("fidelity", "perception")
    ]
    f, p = (slot for slot in end.slots if slot.codec == "mode")
    assert f.facts["sha256"] == p.facts["sha256"]
    assert f.key != p.key


def test_another_anchor_is_decoded_from_the_file_that_is_there(
    runner: FakeRunner, compare: Compare
) -> None:
    before = compare(PANES).slots[1]
    runner.jobs.clear()
    after = compare([*PANES, "mode-0.35"]).slots[-1]
    assert [job.anchors for job in runner.jobs] == [("0.35",)]
    assert runner.jobs[0].file
    assert after.facts["sha256"] == before.facts["sha256"]


def test_what_was_computed_is_not_computed_again(runner: FakeRunner, compare: Compare) -> None:
    first = compare(PANES)
    runner.jobs.clear()
    second = compare(PANES)
    assert not runner.jobs
    assert [slot.key for slot in first.slots] == [slot.key for slot in second.slots]


def test_a_broken_codec_speaks_in_its_own_pane(runner: FakeRunner, compare: Compare) -> None:
    runner.broken = "jpeg"
    states = [slot.state for slot in compare(PANES).slots]
    assert states == ["ready", "ready", "ready", "failed"]
    assert compare(PANES).slots[-1].error == "jpeg is broken"


def test_another_anchor_that_cannot_be_decoded_says_so(
    runner: FakeRunner, compare: Compare
) -> None:
    compare(PANES)
    runner.broken = "mode"
    end = compare([*PANES, "mode-0.35"])
    assert (end.slots[-1].state, end.slots[-1].error) == ("failed", "mode is broken")


def test_one_anchor_however_it_is_written_is_one_picture(
    runner: FakeRunner, compare: Compare
) -> None:
    compare(["mode-f", "mode-0.5"])
    runner.jobs.clear()
    end = compare(["mode-0.0", "mode-fidelity", "mode-0.50"])
    assert [slot.id for slot in end.slots] == ["mode-0.0", "mode-f", "mode-0.50"]
    assert len({slot.key for slot in end.slots}) == 2
    assert not runner.jobs


def test_rows_carry_real_bytes_and_metrics(photo: Image, compare: Compare) -> None:
    row = compare(PANES).as_json()["panes"][-1]
    height, width, _ = photo.shape
    assert row["bpp"] == pytest.approx(8 * row["bytes"] / (width * height))
    assert row["deviation"] == pytest.approx(row["bpp"] / 0.1 - 1)
    assert row["metrics"]["psnr"] > 5
    assert row["missing"] == {"lpips": "not here"}


def test_nothing_is_said_of_a_metric_that_nothing_here_can_measure(
    compare: Compare, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Sequence[str]] = []

    def measured(one: Image, other: Image, names: Sequence[str], wanted: object = 0) -> Measured:
        asked.append(names)
        return measure(one, other, names)

    monkeypatch.setenv("MODE_LPIPS_BACKBONE", str(tmp_path / "absent"))
    monkeypatch.setattr(runner, "measure", measured)
    row = compare(["jpeg"]).as_json()["panes"][0]
    assert {name for names in asked for name in names} == {"psnr", "ms_ssim", "ssimulacra2"}
    assert set(row["metrics"]) | set(row["missing"]) == {"psnr", "ms_ssim", "ssimulacra2"}


def test_visitors_read_plain_words_and_the_log_says_the_cause_once(
    photo: Image, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "damaged.pth").write_bytes(b"not weights")
    monkeypatch.setenv("MODE_LPIPS_BACKBONE", str(tmp_path / "damaged.pth"))
    for _ in range(3):
        found = measure_pair(photo, photo, ("psnr", "ms_ssim", "lpips"))
        assert found.missing["lpips"] == "not available on this server"
        assert "161 pixels" in found.missing["ms_ssim"]
    (line,) = caplog.messages
    assert line.startswith(f"no LPIPS (AlexNet) on this page: {tmp_path}/damaged.pth is not a file")


def test_a_pane_says_this_to_the_page_and_nothing_else(service: Service, key: str) -> None:
    """Scripts of others read these names too: they are the rows of the API."""
    first, *_, end = service.compare(key, ["original", "mode-0.35", "jpeg"], 0.1)
    names = (
        "id label codec anchor state url file_url key sha256 bpp bytes bytes_text own_bpp "
        "deviation encode_ms decode_ms timing note whose licence error opened begun decodes "
        "expected_s metrics missing"
    )
    for moment in (first, end):
        assert all(list(pane) == names.split() for pane in moment.as_json()["panes"])
    original, between, jpeg = end.as_json()["panes"]
    assert (original["codec"], original["file_url"], original["bytes"]) == ("", "", None)
    assert (between["id"], between["codec"], between["anchor"]) == ("mode-0.35", "mode", "0.35")
    assert jpeg["url"] == f"mode/media/{jpeg['key']}.png"
    assert jpeg["file_url"] == f"mode/media/{jpeg['key']}.mode"
    assert (jpeg["encode_ms"], jpeg["decode_ms"], jpeg["deviation"]) == (
        20,
        10,
        pytest.approx(jpeg["bpp"] / 0.1 - 1),
    )
    names = "image width height notes has_original bpp panes note position wait_s others pace done"
    assert list(end.as_json()) == names.split()


def test_a_newer_request_of_the_same_page_ends_the_older(
    service: Service, runner: FakeRunner, key: str
) -> None:
    runner.turns = Semaphore(0)
    old = service.compare(key, ["jpeg", "webp", "avif"], 0.1, Question("p", 1))
    next(old)
    waiting = iter(old)
    run_ahead(waiting, runner)
    new = service.compare(key, ["jxl"], 0.1, Question("p", 2))
    next(new)
    runner.turns.release(9)
    last(new)
    assert [job.codec for job in runner.jobs] == ["jpeg", "jxl"]


def test_a_question_that_comes_late_is_not_worked_for(
    service: Service, runner: FakeRunner, key: str, compare: Compare
) -> None:
    assert compare(["jpeg"], Question("p", 2)).done
    late = service.compare(key, ["webp"], 0.1, Question("p", 1))
    assert not last(late).done
    assert [job.codec for job in runner.jobs] == ["jpeg"]


def test_a_superseded_comparison_is_not_measured(service: Service, key: str) -> None:
    old = service.compare(key, ["jpeg", "webp"], 0.1, Question("p", 1))
    while not measured_whole(next(old).slots[0]):
        continue
    next(service.compare(key, ["jxl"], 0.1, Question("p", 2)))
    left = list(old)
    assert not any(one.done for one in left)
    assert not any(measured_whole(one.slots[-1]) for one in left)


def measured_whole(slot: Slot) -> bool:
    """Whether the last of the slow metrics has been tried."""
    return slot.measured is not None and "lpips" in slot.measured.missing


def test_quick_metrics_are_there_with_their_pane(service: Service, key: str) -> None:
    for moment in service.compare(key, ["jpeg", "webp"], 0.1):
        ready = [slot for slot in moment.slots if slot.state == "ready"]
        assert all("psnr" in slot.measured.values for slot in ready if slot.measured)
        assert all(slot.measured for slot in ready)


def test_a_cancelled_comparison_ends_and_the_next_visitor_is_served(
    service: Service, runner: FakeRunner, key: str, compare: Compare
) -> None:
    runner.turns = Semaphore(0)
    old = service.compare(key, ["jpeg", "webp", "avif"], 0.1, Question("p", 1))
    next(old)
    run_ahead(old, runner)
    service.cancel(Question("p", 2))
    runner.turns.release(9)
    compare(["jxl"])
    assert [job.codec for job in runner.jobs] == ["jpeg", "jxl"]


def test_nothing_is_coded_or_measured_for_whoever_has_gone(
    service: Service, runner: FakeRunner, key: str
) -> None:
    gone = Question("p", 1, listening=lambda: False)
    assert not last(service.compare(key, ["jpeg"], 0.1, gone)).done
    assert runner.jobs == []


def test_what_each_codec_will_take_is_told_once_it_has_been_seen(
    service: Service, runner: FakeRunner, key: str, photo: Image
) -> None:
    assert next(service.compare(key, ["mode-f"], 0.1)).slots[0].expected_s is None
    runner.pace.learn("mode", "encode", photo.size // 3, 1.0)
    runner.pace.learn("mode", "decode", photo.size // 3, 0.5)
    told = [
        [(slot.begun, slot.expected_s) for slot in moment.slots if slot.state == "waiting"]
        for moment in service.compare(key, ["mode-f", "mode-p", "jpeg"], 0.1)
    ]
    assert told[1:3] == [
        [(True, pytest.approx(2.0)), (True, pytest.approx(2.0)), (False, None)],
        [(False, None)],
    ]


def test_what_has_a_file_is_expected_and_said_to_be_decoded_only(
    service: Service, runner: FakeRunner, key: str, photo: Image, compare: Compare
) -> None:
    runner.pace.learn("mode", "encode", photo.size // 3, 9.0)
    runner.pace.learn("mode", "decode", photo.size // 3, 0.5)
    compare(PANES)
    told = [
        (slot.begun, slot.decodes, slot.expected_s)
        for moment in service.compare(key, ["mode-0.35", "mode-f"], 0.1)
        for slot in moment.slots
        if slot.state == "waiting"
    ]
    assert told == [(False, False, None), (True, True, pytest.approx(0.5))]


def test_one_codec_that_nobody_knows_makes_no_others_count_as_nothing(
    service: Service, runner: FakeRunner, key: str
) -> None:
    learn(runner, "jpeg", 1e6)
    runner.turns = Semaphore(0)
    run_ahead(service.compare(key, ["jpeg", "webp"], 0.1), runner)
    waiting = service.compare(key, ["avif"], 0.1)
    (ahead,) = {one.ahead.seconds > 1000 for one in take_waiting(waiting) if one.ahead}
    assert ahead
    runner.turns.release(9)
    last(waiting)


def take_waiting(moments: Iterator[Comparison]) -> list[Comparison]:
    """Up to the first that tells what comes first."""
    taken = [next(moments)]
    while not taken[-1].ahead:
        taken.append(next(moments))
    return taken


def test_a_large_picture_that_takes_long_is_not_coded_before_that_is_agreed(
    service: Service, runner: FakeRunner
) -> None:
    large = service.add_photo(png_bytes(np.zeros((1200, 1300, 3), np.uint8))).key
    asked = last(service.compare(large, ["jpeg"], 0.1, agreed=False))
    assert (asked.pace, asked.done, runner.jobs) == ({}, False, [])
    learn(runner, "jpeg", 2.0)
    assert last(service.compare(large, ["jpeg"], 0.1, agreed=False)).done
    learn(runner, "webp", 20.0)
    slow = last(service.compare(large, ["jpeg", "webp"], 0.1, agreed=False))
    assert slow.pace == runner.pace.as_json()
    assert list(slow.pace) == ["jpeg", "webp"]
    assert last(service.compare(large, ["jpeg", "webp"], 0.1, agreed=True)).done
    assert last(service.compare(large, ["jpeg", "webp"], 0.1, agreed=False)).done  # in memory


def learn(runner: FakeRunner, maker: str, seconds: float) -> None:
    """The maker takes so long for a megapixel, a quarter of it to decode."""
    runner.pace.learn(maker, "encode", 1_000_000, 0.75 * seconds)
    runner.pace.learn(maker, "decode", 1_000_000, 0.25 * seconds)


def test_stored_times_are_not_shown_beside_live_ones(service: Service, compare: Compare) -> None:
    (live,) = compare(["jpeg"]).as_json()["panes"]
    assert live["timing"] == "2 processor cores, load 0.1"
    stored = opening(service)["panes"][1]
    assert stored["state"] == "ready"
    assert [stored[name] for name in ("encode_ms", "decode_ms", "timing")] == [None, None, ""]


def test_nobody_works_for_visitors_who_have_left(
    service: Service, runner: FakeRunner, key: str, compare: Compare
) -> None:
    runner.turns = Semaphore(1)
    moments = service.compare(key, ["jpeg", "webp", "avif"], 0.1)
    next(moments)
    next(moments)
    next(moments)
    moments.close()
    runner.turns.release(9)
    compare(["jxl"])
    worked = [job.codec for job in runner.jobs]
    assert (worked[0], worked[-1]) == ("jpeg", "jxl")
    assert "avif" not in worked


def run_ahead(moments: Iterator[Comparison], runner: FakeRunner) -> None:
    """Let the generator reach its place in the line, and the worker its first job."""
    Thread(target=lambda: list(moments), daemon=True).start()
    assert runner.started.wait(5)


@pytest.mark.slow
def test_memory_stays_flat_over_a_hundred_comparisons() -> None:
    """A comparison holds about a megabyte here: what is not let go of would show."""
    runner = FakeRunner()
    service = Service(Settings(cache_bytes=8 * MEBIBYTE), runner)

    def compare_many(seeds: range) -> int:
        for seed in seeds:
            photo = service.add_photo(png_bytes(make_photo(192, 256, seed)))
            last(service.compare(photo.key, PANES, 0.1, Question(f"page {seed}", 1)))
            runner.jobs.clear()
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * getpagesize() // MEBIBYTE

    before = compare_many(range(30))
    assert compare_many(range(30, 130)) - before < 10
    assert service.store.size <= 8 * MEBIBYTE


def test_keys_of_pictures_cannot_be_computed_from_outside(
    service: Service, photo: Image, key: str
) -> None:
    assert key == service.add_photo(png_bytes(photo)).key
    assert key not in hashlib.sha256(photo.tobytes()).hexdigest()
    assert secret_key("a", "bc") != secret_key("ab", "c")


def test_the_original_is_shown_exactly(service: Service, photo: Image) -> None:
    stored = service.add_photo(png_bytes(photo))
    assert np.array_equal(np.asarray(Pillow.open(BytesIO(stored.png))), photo)
    assert np.array_equal(stored.pixels, photo)


@pytest.mark.parametrize(
    ("panes", "bpp", "words"),
    [
        (["jpeg"] * 13, 0.1, "12 is the most"),
        (["jpeg"], 0.0, "between"),
        (["jpeg"], float("nan"), "between"),
        (["nonsense"], 0.1, "no pane 'nonsense'; choose from mode-f, mode-p"),
        (["mode-2"], 0.1, "anchor"),
        (["mode"], 0.1, "no pane"),
        (["<img src=x onerror=alert(1)>"], 0.1, "no pane"),
        *(([pane], 0.3, "no pane") for pane in ("elic.", "ms-illm.public/../..", "mode.x")),
    ],
)
def test_impossible_requests_are_refused_with_a_sentence(
    panes: list[str], bpp: float, words: str
) -> None:
    with pytest.raises(ModeError, match=words):
        check_request(panes, bpp)


def client_of(service: Service) -> TestClient:
    routes = media_routes(service, Intake(Limits(1 << 20)), Uploads(1 << 20))
    return TestClient(Starlette(routes=routes))


def test_an_upload_that_is_no_picture_is_answered_with_a_sentence(service: Service) -> None:
    client = client_of(service)
    for kind in ("photo", "file"):
        answer = client.post(f"/mode/{kind}", content=b"hello")
        assert (answer.status_code, list(answer.json())) == (200, ["error"])


@pytest.mark.parametrize("id", ["../../etc/passwd", "", "0" * 32, "file:///etc/passwd"])
def test_only_pictures_in_memory_can_be_asked_for(service: Service, id: str) -> None:
    with pytest.raises(Expired):
        service.photo(id)


def test_sample_photographs_come_from_the_machine(service: Service) -> None:
    assert service.photo("astronaut").pixels.shape == (512, 512, 3)
    assert service.photo("chelsea").pixels.shape == (300, 451, 3)


def test_uploads_over_the_limit_are_refused(runner: FakeRunner) -> None:
    service = Service(Settings(upload_bytes=MEBIBYTE), runner)
    with pytest.raises(BadRequest, match="1 MB"):
        service.add_photo(bytes(MEBIBYTE + 1))
    with pytest.raises(BadRequest, match="1 MB"):
        service.add_file(bytes(MEBIBYTE + 1))


def test_a_part_of_a_picture_is_a_picture_of_its_own(service: Service, photo: Image) -> None:
    whole = service.add_photo(png_bytes(photo))
    part = service.part(whole.key, [5, 7, 20, 30])
    assert np.array_equal(part.pixels, photo[7:37, 5:25])
    height, width, _ = photo.shape
    assert part.notes == (f"20x30 pixels cut out of {width}x{height}",)
    assert service.photo(part.key) is part


def test_a_large_picture_scales_to_about_a_megapixel(service: Service) -> None:
    whole = service.add_photo(png_bytes(np.full((1600, 2400, 3), 99, np.uint8)))
    part = service.part(whole.key, None)
    assert part.pixels.shape == (816, 1225, 3)
    assert (part.pixels == 99).all()
    assert part.notes == ("scaled down from 2400x1600",)


def test_parts_are_made_in_turn_and_once(
    service: Service, runner: FakeRunner, photo: Image
) -> None:
    """Otherwise a few short requests for parts of one large picture fill memory and cores."""
    key = service.add_photo(png_bytes(photo)).key
    part = service.part(key, [0, 0, 9, 9], "one")
    with runner.reader._turns.turn("another"):
        assert service.part(key, [0, 0, 9, 9], "one") is part
        with pytest.raises(Unread, match="nobody waits"):
            service.part(key, [0, 0, 8, 8], "one", lambda: False)


def test_a_mode_file_opens_at_both_anchors(service: Service, photo: Image) -> None:
    file = file_of(Job("mode", ("fidelity",), 0.1, photo))
    end = last(service.open_file(service.add_file(file.data).key))
    assert [slot.id for slot in end.slots] == ["mode-f", "mode-p"]
    assert end.as_json()["has_original"] is False
    with pytest.raises(ModeError, match=r"not a \.mode file"):
        service.add_file(b"GIF89a")


def test_a_file_that_is_opened_waits_and_is_then_said_to_be_decoded(
    service: Service, runner: FakeRunner, key: str, photo: Image
) -> None:
    file = service.add_file(file_of(Job("mode", ("fidelity",), 0.1, photo)).data).key
    runner.pace.learn("mode", "decode", photo.size // 3, 4.0)
    runner.turns = Semaphore(0)
    run_ahead(service.compare(key, ["jpeg"], 0.1), runner)
    service.line.length = 9
    opening = service.open_file(file, ["fidelity", "0.35"])
    (waits,) = take_waiting(opening)
    behind = service.compare(key, ["webp"], 0.1, Question(visitor="another", page="p"))
    *_, mine = take_waiting(behind)
    assert mine.ahead
    assert (mine.ahead.tickets, mine.ahead.seconds) == (1, 0)  # another visitor comes first
    third = service.compare(key, ["avif"], 0.1)
    *_, mine = take_waiting(third)
    assert mine.ahead
    assert (mine.ahead.tickets, mine.ahead.seconds) == (3, pytest.approx(8.0))
    runner.turns.release(9)
    begun, end = opening
    for moment, state in ((waits, (False, False)), (begun, (True, True))):
        told = [(slot.id, slot.begun, slot.decodes, slot.expected_s) for slot in moment.slots]
        assert told == [(id, *state, pytest.approx(8.0)) for id in ("mode-f", "mode-0.35")]
        height, width, _ = photo.shape
        assert (moment.as_json()["width"], moment.as_json()["height"]) == (width, height)
    assert (begun.ahead, begun.done, end.done) == (None, False, True)


def test_another_anchor_of_a_file_is_all_that_is_decoded(
    service: Service, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = service.add_file(file_of(Job("mode", ("fidelity",), 0.1, photo)).data).key
    first = last(service.open_file(file))
    asked: list[Sequence[str]] = []
    opened = service.runner.open_file

    def noted(file: StoredFile, anchors: Sequence[str], wanted: Wanted) -> Outcome:
        asked.append(anchors)
        return opened(file, anchors, wanted)

    monkeypatch.setattr(service.runner, "open_file", noted)
    begun, end = service.open_file(file, ["fidelity", "0.35", "perception", "0.350"])
    assert [slot.state for slot in begun.slots] == ["ready", "waiting", "ready"]
    assert [slot.id for slot in end.slots] == ["mode-f", "mode-0.35", "mode-p"]
    assert [slot.key for slot in end.slots][::2] == [slot.key for slot in first.slots]
    assert (end.bpp, end.done) == (first.bpp, True)
    assert last(service.open_file(file, ["0.35"])).slots == end.slots[1:2]
    assert asked == [["0.35"]]


def test_a_file_that_decodes_in_one_way_only_has_no_anchors(service: Service, photo: Image) -> None:
    height, width, _ = photo.shape
    wire = find_codec("jpeg").wire_id
    made = Bitstream(wire, b"\0" * 4, 0, width, height, (Stream(b"jpeg"),), 0.6)
    file = service.add_file(made.to_bytes()).key
    with pytest.raises(BadRequest, match="jpeg decodes in one way only; leave out the anchor"):
        last(service.open_file(file, ["fidelity"]))


def test_what_larger_pictures_take_is_learnt_while_the_line_is_empty(
    service: Service, runner: FakeRunner, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [Job(codec, ("",), 0.1, photo) for codec in ("jpeg", "webp")]
    monkeypatch.setattr(runner, "rehearsals", lambda: jobs)
    runner.turns = Semaphore(0)
    warming = Thread(target=warm, args=(service,))
    warming.start()
    assert runner.started.wait(5)
    seen, looked = list[int](), Event()

    def visit(_: Wanted) -> Iterator[None]:
        assert looked.wait(10)
        seen.append(len(runner.jobs))
        yield

    monkeypatch.setattr("app.server.warming.sleep", lambda _: looked.set())
    visits = [service.line.join(visit) for _ in range(2)]
    runner.turns.release(9)
    for one in visits:
        list(one)
    assert seen == [1, 1]  # nobody waits for more than the one that has begun
    warming.join(10)
    assert [job.codec for job in runner.jobs] == ["jpeg", "webp"]


def test_who_waits_only_for_what_the_server_learns_is_told_of_no_others(
    service: Service, runner: FakeRunner, photo: Image, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "rehearsals", lambda: [Job("jpeg", ("",), 0.1, photo)])
    runner.turns = Semaphore(0)
    warming = Thread(target=warm, args=(service,))
    warming.start()
    assert runner.started.wait(5)
    mine = service.compare(key, ["webp"], 0.1, Question("p", visitor="me"))
    *_, waits = take_waiting(mine)
    theirs = service.compare(key, ["avif"], 0.1, Question("q", visitor="they"))
    *_, behind = take_waiting(theirs)
    told = [one.as_json() for one in (waits, behind)]
    assert [(one["position"], one["others"]) for one in told] == [(1, False), (2, True)]
    runner.turns.release(9)
    assert [last(one).done for one in (mine, theirs)] == [True, True]
    warming.join(10)


def test_region_metrics_see_exactly_the_region(service: Service, photo: Image, key: str) -> None:
    slot = last(service.compare(key, PANES, 0.1)).slots[-1]
    box = [5, 9, 30, 20]
    found = region_metrics(service, key, [slot.key, "other"], box, slow=False)
    decoded = photo // 2 + 3
    expected = psnr(photo[9:29, 5:35], decoded[9:29, 5:35])
    assert found == {slot.key: {"metrics": {"psnr": expected}, "missing": {}}}


def test_another_users_key_does_not_open_a_region(service: Service, photo: Image) -> None:
    mine = service.add_photo(png_bytes(photo)).key
    other = service.add_photo(png_bytes(255 - photo)).key
    slot = last(service.compare(other, ["jpeg"], 0.1)).slots[0]
    assert region_metrics(service, mine, [slot.key], [0, 0, 9, 9], slow=False) == {}


@pytest.mark.parametrize("text", ["-3", "many", "0", "1.5"])
def test_settings_say_what_they_want(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MODE_QUEUE", text)
    with pytest.raises(SystemExit, match="MODE_QUEUE"):
        Settings.from_environment()


def test_tables_show_what_the_page_shows(service: Service, key: str) -> None:
    end = last(service.compare(key, PANES, 0.1))
    keys = [slot.key for slot in end.slots[1:]]
    asked = {"kind": "csv", "picture": key, "keys": keys}
    _, *rows = csv.reader(StringIO(table(service, Wish.parse(asked))))
    assert [row[0] for row in rows] == [
        f"{slot.facts['label']}{'' if slot.id == 'jpeg' else ' (ours, small)'}"
        for slot in end.slots[1:]
    ]
    assert rows[0][1] == str(end.slots[1].facts["bytes"])
    with pytest.raises(BadRequest, match="in memory"):
        table(service, Wish.parse(asked | {"keys": ["0" * 32]}))


def test_a_copied_table_says_what_its_numbers_are_of(service: Service, key: str) -> None:
    end = last(service.compare(key, ["jpeg"], 0.1))
    asked = {"picture": key, "keys": [end.slots[0].key]}
    height, width, _ = service.photo(key).pixels.shape
    for kind in ("markdown", "latex", "csv"):
        told = table(service, Wish.parse(asked | {"kind": kind}))
        assert f"the whole picture of {width} x {height} pixels" in told, kind


def test_a_browser_can_ask_whether_a_picture_or_a_file_is_still_there(service: Service) -> None:
    client = client_of(service)
    photo = service.add_photo(png_bytes(make_photo(8, 9)))
    file = service.add_file(Bitstream(1, bytes(4), 50, 9, 8, (Stream(b"x"),)).to_bytes())
    for key, ending, status in (
        (photo.key, "png", 200),
        (photo.key, "mode", 404),
        (file.key, "mode", 200),
        (file.key, "png", 404),
        ("0" * 32, "png", 404),
    ):
        assert client.head(f"/mode/media/{key}.{ending}").status_code == status, (ending, status)


@pytest.mark.parametrize(
    "data", [None, [], {"kind": "exe"}, {"kind": "csv", "picture": 1, "keys": []}]
)
def test_wishes_of_another_shape_are_refused(data: object) -> None:
    with pytest.raises(BadRequest):
        Wish.parse(data)
