"""The README says what is so: its quoted outputs, its commands, its file tour."""

from __future__ import annotations

import re
import shlex
import sys

import pytest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from refresh_readme import BLOCK, README, refreshed

from mode_core.cli.main import build_parser

TEXT = README.read_text(encoding="utf-8")
COMMANDS = sorted(
    {
        line.split("#")[0].strip()
        for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
        for line in block.splitlines()
        if "-m mode_core " in line
    }
)


@pytest.mark.skipif(not BLOCK.search(TEXT), reason="the README quotes no output yet")
def test_quoted_outputs_and_tour_are_what_is_so_today() -> None:
    assert refreshed(TEXT) == TEXT


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_parses(command: str) -> None:
    words = shlex.split(command)
    arguments = words[words.index("mode_core") + 1 :]
    assert build_parser().parse_args(arguments).run


def test_the_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"make ([a-z-]+)", TEXT))
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_tour_names_every_module() -> None:
    """Whatever makes the tour, each file must stand in the row of its folder."""
    rows = dict(re.findall(r"^\| `([^`]+)/` \| .* \| (.*) \|$", TEXT, re.MULTILINE))
    files = [*ROOT.glob("mode_core/**/*.py"), *ROOT.glob("app/**/*.py"), *ROOT.glob("app/**/*.js")]
    missing = []
    for path in files:
        folder = path.parent if path.suffix == ".py" else path.parent.parent
        name = path.stem if path.suffix == ".py" else path.name
        told = rows.get(str(folder.relative_to(ROOT)), "")
        if not name.startswith("__") and f"`{name}`" not in told:
            missing.append(str(path.relative_to(ROOT)))
    assert missing == []


def test_front_matter_names_the_app_and_its_gradio() -> None:
    front = TEXT.split("---")[1]
    pin = re.search(r"^gradio==(.+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pin
    assert f"sdk_version: {pin[1]}" in front
    assert "app_file: app.py" in front
