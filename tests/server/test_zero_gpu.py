"""On a ZeroGPU Space: one borrowed GPU call for all networks, in a fork, and nothing before it.

Hugging Face's own package runs here. What it needs and this machine lacks is replaced: the service
that lends (`zero_gpu/lender.py`), and the first touch of a GPU in the fork.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from app.server.jobs import Begun, Job, Outcome
from app.server.process import Turn
from app.server.runner import MOST_GPU_S, Runner, ZeroRunner, gpu_seconds, make_runner
from app.settings import Settings
from mode_core.stream.container import MAX_PIXELS
from mode_core.types import Image
from tests.conftest import PYTHON, ROOT, process
from tests.server.zero_gpu.lender import lending

VISIT = """
import io, json, os, sys
import numpy as np
from PIL import Image
from starlette.datastructures import Headers
from app.ui import build_demo

service = build_demo().service
import spaces
from spaces.zero import decorator, torch
from gradio.context import LocalContext

torch.init = torch.move = lambda *_, **__: None  # no GPU here
before = {"decorated": sorted({one.__qualname__ for one in decorator.decorated_cache})}
png = io.BytesIO()
Image.fromarray(np.tile(np.arange(96, dtype=np.uint8), (64, 1))).save(png, "PNG")
photo = service.add_photo(png.getvalue()).key

class Request:
    headers = Headers({"x-ip-token": "a.e30.c"})

LocalContext.request.set(Request())

def visit(*panes):
    *_, last = service.compare(photo, ["original", *panes], 0.3)
    return {slot.id: slot.error or slot.state for slot in last.slots}

panes = visit("mode-p", "jpeg", "elic")
again = visit("mode-p", "elic", "webp")
service.runner.close()
print(json.dumps({"before": before, "panes": panes, "again": again, "pid": os.getpid()}))
"""


@pytest.mark.weights
@pytest.mark.slow
def test_one_call_for_all_networks_in_a_fork() -> None:
    with lending() as lender:
        env = {
            "SPACES_ZERO_GPU": "true",
            "SPACES_ZERO_DEVICE_API_URL": lender.url,
            "PYTHONPATH": str(ROOT),
            "MODE_DEVICE": "cpu",
        }
        done = process(PYTHON, "-c", VISIT, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["before"] == {"decorated": ["all_jobs"]}
    assert set(told["panes"].values()) == set(told["again"].values()) == {"ready"}
    (asked,) = lender.about("schedule")
    assert (asked["durationSeconds"], asked["token"]) == ("15", "a.e30.c")
    (allowed,) = lender.about("allow")
    assert int(allowed["pid"]) != told["pid"]
    assert [one["fail"] for one in lender.about("release")] == ["false"]


class Refusing(ZeroRunner):
    """No lender at all: what it would be asked for, and what it says."""

    def __init__(self, answer: str = "") -> None:
        Runner.__init__(self, Settings())
        self.asked: list[list[Job]] = []
        self._answer = answer
        self._on_gpu = self._lend

    def _lend(self, jobs: list[Job]) -> Any:
        self.asked.append(list(jobs))
        if self._answer:
            raise RuntimeError(self._answer)
        return iter([Outcome(job.codec) for job in jobs])


def test_a_gpu_that_is_not_lent_is_a_sentence_in_each_pane_that_needed_it(
    photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Runner, "run", lambda self, jobs, wanted: iter(jobs))
    runner = Refusing("quota <a href='x'>exceeded</a>")
    classical, *learned = [Job(codec, ("",), 0.3, photo) for codec in ("jpeg", "elic", "ms-illm")]
    first, *others = runner.run([*learned, classical], Turn())
    assert first is classical
    assert [one.codec for one in others] == 2 * ["elic", "ms-illm"]
    assert others[:2] == [Begun("elic", bpp=0.3), Begun("ms-illm", bpp=0.3)]
    assert all("the GPU was not lent (quota exceeded)" in one.error for one in others[2:])


def flat(pixels: int) -> Image:
    """A picture that takes no memory."""
    return np.broadcast_to(np.uint8(0), (pixels // 1000, 1000, 3))


@pytest.mark.parametrize("megapixels", [0.4, 4, 12, 16])
def test_no_call_bids_more_than_anybody_may(megapixels: float) -> None:
    picture = flat(int(megapixels * 1e6))
    learned = [Job(codec, ("",), 0.3, picture) for codec in ("mode", "elic", "ms-illm", "dlf")]
    runner = Refusing()
    told = list(runner.run(learned, Turn()))
    assert [one.codec for one in told if isinstance(one, Outcome)] == [job.codec for job in learned]
    assert [job for jobs in runner.asked for job in jobs] == learned
    assert all(15 <= gpu_seconds(jobs) <= MOST_GPU_S for jobs in runner.asked)


def test_a_picture_too_large_to_bid_for_says_which_would_do() -> None:
    learned = [Job(codec, ("",), 0.3, flat(MAX_PIXELS)) for codec in ("elic", "mode")]
    runner = Refusing()
    told = [one for one in runner.run(learned, Turn()) if isinstance(one, Outcome)]
    assert runner.asked == []
    assert len(told) == 2
    assert all("16 megapixels" in one.error for one in told)


def test_no_gpu_is_borrowed_before_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [Job(codec, ("",), 0.1, flat(8000)) for codec in ("jpeg", "elic")]
    monkeypatch.setattr(Runner, "rehearsals", lambda self: jobs)
    assert [job.codec for job in Refusing().rehearsals()] == ["jpeg"]


def test_elsewhere_nothing_is_borrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", "false")
    assert isinstance(make_runner(Settings()), Runner)
