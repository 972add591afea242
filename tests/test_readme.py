"""The README says what is so: its quoted outputs, its commands, its file tour."""

from __future__ import annotations

import re
import shlex
import sys

import pytest

from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from refresh_readme import BLOCK, README, refreshed

from mode_core.cli import build_parser

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
def test_quoted_outputs_are_what_the_commands_print_today() -> None:
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


def test_files_named_in_the_tour_exist() -> None:
    tour = re.findall(r"^\| `([^`]+)` \|", TEXT, re.MULTILINE)
    assert len(tour) > 10
    assert [name for name in tour if not (ROOT / name).exists()] == []


def test_front_matter_names_the_app_and_its_gradio() -> None:
    front = TEXT.split("---")[1]
    pin = re.search(r"^gradio==(.+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pin
    assert f"sdk_version: {pin[1]}" in front
    assert "app_file: app.py" in front
