"""The helper process: it answers, it can be lost, and it comes back."""

from __future__ import annotations

import importlib
import operator
import os
import pickle
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from types import ModuleType

import numpy as np
import pytest

from app.panes.weights import need_weights
from app.server import jobs as work
from app.server import process
from app.server.jobs import Begun, Job, Outcome
from app.server.process import NotReady, Turn, Unwanted, Worker, WorkerLost
from app.server.runner import Runner
from app.server.store import StoredFile
from app.settings import Settings
from mode_core.errors import UnknownCodec
from mode_core.metrics.fidelity import psnr
from mode_core.stream.container import Bitstream
from mode_core.types import Image
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    running = Worker(seconds=120)
    yield running
    running.close()


def test_it_answers_from_another_process(worker: Worker) -> None:
    assert worker.call(os.getpid) != os.getpid()
    assert worker.call(operator.add, 2, 3) == 5


def test_errors_come_back_as_they_were(worker: Worker) -> None:
    with pytest.raises(ZeroDivisionError):
        worker.call(operator.truediv, 1, 0)
    with pytest.raises(UnknownCodec, match="no codec"):
        worker.call(need_weights, "nonsense")


def test_what_libraries_print_does_not_garble_the_answers(worker: Worker) -> None:
    worker.call(os.write, 1, b"noise\n")
    assert worker.call(operator.add, 1, 1) == 2


def test_a_killed_worker_is_noticed_and_replaced(worker: Worker) -> None:
    before = worker.call(os.getpid)
    with pytest.raises(WorkerLost, match="restarted"):
        worker.call(os._exit, 9)
    assert worker.call(os.getpid) != before


def test_a_process_whose_parent_has_gone_ends_without_a_word() -> None:
    pipe = subprocess.PIPE
    for asked in (b"", pickle.dumps((time.sleep, (0.2,)))):
        command = [sys.executable, "-m", "app.server.child", "0"]
        left = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe)
        assert left.stdin is not None
        assert left.stdout is not None
        assert left.stderr is not None
        left.stdin.write(asked)
        left.stdin.close()
        left.stdout.close()
        assert (left.wait(60), left.stderr.read()) == (0, b"")


def test_a_hanging_task_is_stopped() -> None:
    worker = Worker(seconds=0.5)
    with pytest.raises(WorkerLost, match="longer than"):
        worker.call(time.sleep, 60)
    worker.close()


@pytest.fixture
def slow_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that takes a second to import, but not here."""
    text = "import os, time\n{}\ndef pid(): return os.getpid()"
    (tmp_path / "slow_one.py").write_text(text.format("time.sleep(1.2)"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "slow_one", ModuleType("slow_one"))
    exec(text.format(""), sys.modules["slow_one"].__dict__)
    return "slow_one"


def test_a_slow_start_is_no_part_of_a_task_s_time(slow_module: str) -> None:
    worker, task = Worker(seconds=0.5), sys.modules[slow_module].pid
    assert worker.call(task) != os.getpid()
    worker.close()


def test_a_start_goes_on_when_nobody_waits_for_it_any_more(slow_module: str) -> None:
    worker, task = Worker(seconds=0.5), sys.modules[slow_module].pid
    with pytest.raises(Unwanted):
        worker.call(task, wanted=lambda: False)
    assert worker._process is not None
    started = worker._process.pid
    assert worker.call(task) == started
    worker.close()


def test_one_that_does_not_start_is_replaced(
    slow_module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, task = Worker(seconds=0.5), sys.modules[slow_module].pid
    monkeypatch.setattr(process, "_START_S", 0.1)
    with pytest.raises(NotReady, match="try again in a moment"):
        worker.call(task)
    monkeypatch.undo()
    assert worker.call(operator.add, 1, 2) == 3
    worker.close()


def test_a_task_ends_with_the_parent(tmp_path: Path) -> None:
    """The pipe tells of that only between tasks."""
    code = (
        "import os, time; from app.server.process import Worker; from threading import Thread\n"
        "worker = Worker(60); print(worker.call(os.getpid), flush=True)\n"
        "Thread(target=worker.call, args=(time.sleep, 60), daemon=True).start()\n"
        "time.sleep(0.3); os._exit(0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    child, late = int(ran.stdout), time.monotonic() + 20
    while is_alive(child):
        assert time.monotonic() < late
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_unwanted_work_is_interrupted_and_its_process_goes_on(worker: Worker) -> None:
    before = worker.call(os.getpid)
    with pytest.raises(Unwanted):
        worker.call(time.sleep, 60, wanted=lambda: False)
    assert worker.call(os.getpid) == before
    assert worker.call(operator.add, 1, 2) == 3


def test_work_that_cannot_be_interrupted_is_killed(worker: Worker) -> None:
    before = worker.call(os.getpid)
    with pytest.raises(Unwanted):
        worker.call(stubborn, wanted=lambda: False)
    assert worker.call(os.getpid) != before


def stubborn() -> None:
    """As a long step inside a library: no signal gets through to Python."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    time.sleep(60)


@pytest.mark.parametrize("text", ["forever()", "with Entered(): pass"])
def test_what_would_stay_half_done_is_killed(worker: Worker, tmp_path: Path, text: str) -> None:
    code = [
        "from pathlib import Path",
        "from time import sleep",
        "def forever():",
        "    Path(__file__).with_name('began').touch()",
        "    while True: sleep(0.01)",
        "class Entered:",
        "    def __enter__(self): pass",
        "    def __exit__(self, *_): forever()",
    ]
    inside = text.startswith("with")
    last = f"def use():\n    {text}" if inside else f"def use(): pass\n{text}"
    (tmp_path / "endless.py").write_text("\n".join([*code, last]))
    before = worker.call(os.getpid)
    with pytest.raises(Unwanted):
        worker.call(use_module, tmp_path, wanted=lambda: not (tmp_path / "began").exists())
    assert worker.call(os.getpid) != before


def use_module(folder: Path) -> None:
    """Import the module in this folder, and use it."""
    sys.path.insert(0, str(folder))
    importlib.import_module("endless").use()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do as they do")
def test_memory_of_a_large_task_goes_back_to_the_system(worker: Worker) -> None:
    before = worker.call(scattered, 0)
    assert worker.call(scattered, 100_000) > before + 150
    assert worker.call(scattered, 0) < before + 50


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do as they do")
def test_it_goes_back_in_mid_task_too(worker: Worker) -> None:
    assert worker.call(megabytes_go_back_within, 30)


def megabytes_go_back_within(seconds: float) -> bool:
    """Whether memory that this task does not use any more goes back while it still runs."""
    used, until = scattered(100_000), time.monotonic() + seconds
    while (used_now := scattered(0)) > used - 150 and time.monotonic() < until:
        time.sleep(0.2)
    return used_now <= used - 150


_KEPT: list[bytes] = []


def scattered(count: int) -> int:
    """Megabytes in use after so many blocks of 2 kB, which the C library keeps when freed."""
    blocks = [bytes(2000) for _ in range(count)]
    _KEPT.append(bytes(2000))  # lies above them, so that they are not the end of the heap
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    del blocks
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


def test_whoever_waits_for_the_process_in_vain_gives_up(worker: Worker) -> None:
    busy = Thread(target=worker.call, args=(time.sleep, 2))
    busy.start()
    time.sleep(0.2)
    with pytest.raises(Unwanted):
        worker.call(os.getpid, wanted=lambda: False)
    with pytest.raises(WorkerLost, match="busy"):
        worker.call(os.getpid, patience_s=0.1)
    assert busy.is_alive()
    busy.join()


def test_a_large_picture_may_take_longer_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float] = []
    runner = Runner(Settings(job_seconds=100))

    def call(*args: object, seconds: float, **how: object) -> Outcome:
        limits.append(seconds)
        return Outcome("jpeg")

    monkeypatch.setattr(runner.codecs[0], "call", call)
    for height in (500, 1000, 3000):
        job = Job("jpeg", ("",), 0.5, np.zeros((height, 1500, 3), np.uint8))
        list(runner.run([job], Turn()))
    assert limits == [100, 100, 300]


def test_so_may_a_file_with_a_large_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float] = []
    runner = Runner(Settings(job_seconds=100))

    def call(*args: object, seconds: float, **how: object) -> Outcome:
        limits.append(seconds)
        return Outcome("jpeg")

    monkeypatch.setattr(runner.codecs[0], "call", call)
    for height in (500, 3000):
        stream = Bitstream(200, bytes(4), 0, 1500, height, ())
        runner.open_file(StoredFile("", b"", stream), (), Turn())
    assert limits == [100, 300]


def test_what_was_done_tells_what_coding_and_opening_take(
    photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner, pixels = Runner(Settings()), photo.size // 3
    monkeypatch.setattr(runner.codecs[0], "call", lambda task, *args, **_: task(*args))
    (made,) = work.run_job(Job("jpeg", ("",), 0.5, photo)).pictures
    file = StoredFile("", made.file, made.bitstream)
    opened = runner.open_file(file, (), Turn())
    assert list(runner.pace.as_json()["jpeg"]) == ["decode"]
    told = runner.pace.seconds("jpeg", pixels, 2, encodes=False)
    assert told == pytest.approx(2 * opened.pictures[0].decode_s)
    jobs = [Job("jpeg", ("",), 0.5, photo, one) for one in (None, file)]
    begun, _, again, _ = runner.run(jobs, Turn())
    assert [one.decodes for one in (begun, again) if isinstance(one, Begun)] == [False, True]
    assert list(runner.pace.as_json()["jpeg"]) == ["encode", "decode"]


def test_it_answers_a_server_that_has_many_visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < 1200:
        pytest.skip("no process may open so many files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    worker, held = Worker(seconds=120), [os.open(os.devnull, os.O_RDONLY) for _ in range(1050)]
    try:
        assert worker.call(operator.add, 1, 2) == 3
    finally:
        worker.close()
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_job_brings_its_quick_metrics_and_what_its_times_were_taken_on(photo: Image) -> None:
    made = work.run_job(Job("jpeg", ("",), 0.5, photo))
    (measured,) = made.measured
    assert measured.values == {"psnr": psnr(photo, made.pictures[0].image)}
    assert re.fullmatch(r"\d+ processor cores, load \d+\.\d", made.timing)


def test_a_codec_that_dies_takes_only_its_own_pane_down(
    photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(Settings(job_seconds=120))
    jobs = [Job("jpeg", ("",), 0.5, photo), Job("webp", ("",), 0.5, photo)]
    dies, real = True, runner.codecs[0].call

    def call(task: object, *args: object, **how: object) -> object:
        nonlocal dies
        dies, now = False, dies
        return real(os._exit, 9) if now else real(task, *args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(runner.codecs[0], "call", call)
    first, lost, second, made = runner.run(jobs, Turn())
    assert (first, second) == (Begun("jpeg", bpp=0.5), Begun("webp", bpp=0.5))
    runner.close()
    assert "stopped" in lost.error
    assert made.pictures[0].image.shape == photo.shape


def test_a_job_gives_pixels_out_of_its_file(photo: Image) -> None:
    (made,) = work.run_job(Job("webp", ("",), 0.5, photo)).pictures
    stored = StoredFile("", made.file, Bitstream.from_bytes(made.file))
    (again,) = work.open_file(stored).pictures
    assert np.array_equal(made.image, again.image)
    assert made.bitstream == stored.bitstream
    assert made.bitstream.target_bpp == 0.5
    (other,) = work.run_job(Job("webp", ("",), 0.25, photo, stored)).pictures
    assert (other.file, other.target_bpp, other.encode_s) == (made.file, 0.25, None)


def test_a_file_that_cannot_be_decoded_fails_as_its_own_codec(photo: Image) -> None:
    lost = Bitstream(200, bytes(4), 0, 8, 8, ())
    made = work.run_job(Job("webp", ("",), 0.5, photo, StoredFile("", b"", lost)))
    assert made.codec == "webp"
    assert made.error


def test_a_codec_without_weights_says_so_and_names_no_folder_of_the_server(
    photo: Image, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty = ROOT / "assets" / "none"
    monkeypatch.setattr("mode_core.weights.sets.BUNDLED", empty)
    monkeypatch.setenv("MODE_WEIGHTS", str(tmp_path_factory.mktemp("empty")))
    error = work.run_job(Job("elic", ("",), 0.1, photo)).error
    assert "elic has no weights in assets/none" in error
    assert str(ROOT) not in error


def test_a_codec_that_breaks_in_an_unforeseen_way_costs_its_pane_alone(
    photo: Image, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(work, "decode_all", broken)
    outcome = work.run_job(Job("jpeg", ("",), 0.5, photo))
    assert (outcome.codec, outcome.error) == (
        "jpeg",
        "something broke on the server; its log says what",
    )
    assert "CUDA out of memory" in caplog.text
