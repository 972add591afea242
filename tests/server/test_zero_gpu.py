"""On a ZeroGPU Space: one borrowed GPU call for all networks, in a fork, and nothing before it.

What runs here is `tests/server/zero_gpu/spaces.py` in the place of Hugging Face's package.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np
import pytest

from app.server.jobs import Begun, Job
from app.server.process import always
from app.server.runner import Runner, make_runner
from app.settings import Settings
from mode_core.types import Image
from tests.conftest import PYTHON, ROOT, process
from tests.server.zero_gpu import spaces

BLACK = np.zeros((8, 8, 3), np.uint8)
VISIT = """
import io, json, os, sys
import numpy as np, spaces
from PIL import Image
from app.ui import build_demo

service = build_demo().service
before = {"decorated": [one.__qualname__ for one in spaces.decorated], "calls": len(spaces.calls),
          "torch": "torch" in sys.modules}
png = io.BytesIO()
Image.fromarray(np.tile(np.arange(96, dtype=np.uint8), (64, 1))).save(png, "PNG")
photo = service.add_photo(png.getvalue()).key
spaces.request.set("of this visitor")

def visit(*panes):
    *_, last = service.compare(photo, ["original", *panes], 0.3)
    return {slot.id: slot.error or slot.state for slot in last.slots}

panes = visit("mode-p", "jpeg", "elic")
again = visit("mode-p", "elic", "webp")
service.runner.close()
print(json.dumps({"before": before, "panes": panes, "again": again, "calls": spaces.calls,
                  "pid": os.getpid(), "torch": "torch" in sys.modules}))
"""


@pytest.mark.weights
@pytest.mark.slow
def test_one_call_for_all_networks_in_a_fork_and_no_torch_in_the_page() -> None:
    path = os.pathsep.join([str(ROOT / "tests" / "server" / "zero_gpu"), str(ROOT)])
    env = {"SPACES_ZERO_GPU": "true", "PYTHONPATH": path, "MODE_DEVICE": "cpu"}
    done = process(PYTHON, "-c", VISIT, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert told["before"] == {"decorated": ["all_jobs"], "calls": 0, "torch": False}
    assert set(told["panes"].values()) == set(told["again"].values()) == {"ready"}
    (call,) = told["calls"]
    assert call.pop("pid") != told["pid"]
    assert call == {
        "seconds": 15,
        "codecs": ["mode", "elic"],
        "thread": "line",
        "request": "of this visitor",
    }
    assert told["torch"] is False


def test_a_gpu_that_is_not_lent_is_a_sentence_in_each_pane_that_needed_it(
    photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setattr(spaces, "refuse", RuntimeError("quota <a href='x'>exceeded</a>"))
    monkeypatch.setattr(Runner, "run", lambda self, jobs, wanted: iter(jobs))
    runner = make_runner(Settings())
    classical, *learned = [Job(codec, ("",), 0.3, photo) for codec in ("jpeg", "elic", "ms-illm")]
    first, *others = runner.run([*learned, classical], always)
    assert first is classical
    assert [one.codec for one in others] == 2 * ["elic", "ms-illm"]
    assert others[:2] == [Begun("elic"), Begun("ms-illm")]
    assert all("the GPU was not lent (quota exceeded)" in one.error for one in others[2:])


def test_no_gpu_is_borrowed_before_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [Job(codec, ("",), 0.1, BLACK) for codec in ("jpeg", "elic")]
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setattr(Runner, "rehearsals", lambda self: jobs)
    assert [job.codec for job in make_runner(Settings()).rehearsals()] == ["jpeg"]


def test_elsewhere_nothing_is_borrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", "false")
    assert isinstance(make_runner(Settings()), Runner)
