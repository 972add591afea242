"""Everything that is read from the environment stands in one table, and that one in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mode_core.settings import VARIABLES, for_visitors, setting
from tests.conftest import ROOT

PLATFORM = {"XDG_CACHE_HOME", "LOCALAPPDATA"}
"""Where a platform keeps its users' caches; nothing of ours."""


def test_nothing_else_reads_the_environment() -> None:
    # handing the environment on as it is, or setting something in it, is no reading
    readers = re.compile(r"os\.getenv|os\.environ\.get|os\.environ\[[^]]*\](?! = )")
    files = [path for top in ("mode_core", "app") for path in (ROOT / top).rglob("*.py")]
    found = [str(one.relative_to(ROOT)) for one in files if readers.search(one.read_text("utf-8"))]
    assert found == ["mode_core/settings.py"]
    own = (ROOT / "mode_core" / "settings.py").read_text(encoding="utf-8")
    assert set(re.findall(r'environ\.get\("([A-Z_]+)"', own)) == PLATFORM


def test_the_docs_have_the_same_table() -> None:
    text = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[A-Z0-9_]+`(?:, `[A-Z0-9_]+`)*) \|", text, re.M)
    assert set(re.findall(r"`([A-Z0-9_]+)`", " ".join(rows))) == set(VARIABLES)
    asked = re.findall(r'"(MODE_[A-Z_]+)"', (ROOT / "app" / "settings.py").read_text("utf-8"))
    assert len(set(asked)) >= 6
    assert set(asked) <= set(VARIABLES)


def test_what_is_not_listed_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODE_NONSENSE", "1")
    with pytest.raises(ValueError, match="MODE_NONSENSE"):
        setting("MODE_NONSENSE")
    monkeypatch.setenv("MODE_QUEUE", "7")
    assert setting("MODE_QUEUE") == "7"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("elic has no weights in {ROOT}/assets/weights; train", "in assets/weights; train"),
        (
            "no weights in /srv/My Weights; see docs/a.md",
            "no weights in MODE_WEIGHTS; see docs/a.md",
        ),
        ("the weights in /srv/My Weights/elic-3 are damaged", "in MODE_WEIGHTS/elic-3 are"),
        ("it names /data/secret/alex.pth, which is not a file", "it names alex.pth, which"),
        ("'/opt/models/a.pt' lacks b, so does ~/x/c.pt", "'a.pt' lacks b, so does c.pt"),
        ("{HOME}/me/photo.png cannot be read", "me/photo.png cannot be read"),
        (
            "https://a.org/models/b.pth gives 3/4 (a/b)",
            "https://a.org/models/b.pth gives 3/4 (a/b)",
        ),
    ],
)
def test_visitors_learn_no_folder_of_this_machine(
    said: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODE_WEIGHTS", "/srv/My Weights")
    told = for_visitors(said.format(ROOT=ROOT, HOME=Path.home()))
    assert shown in told
    assert not any(
        place in told for place in ("/srv", "/data", "/opt", str(ROOT), str(Path.home()))
    )
