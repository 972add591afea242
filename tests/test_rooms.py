"""The rooms of the house, read from the code: who uses whom, never upwards, never in a circle."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import PYTHON, ROOT, process

MOST_NAMES = {"mode_core": 16, "app": 11}
PAGE_ONLY = {"gradio": "app", "plotly": "app/explorer", "starlette": "app"}
LIGHT = (
    "mode_core", "mode_core.codecs.registry", "mode_core.evaluation.rows",
    "mode_core.evaluation.curves", "mode_core.evaluation.bench", "mode_core.pictures.files",
    "mode_core.metrics", "mode_core.codecs.roundtrip", "mode_core.cli.main", "app.server.service",
    "app.http.routes", "app.viewer.region",
)  # fmt: skip
HEAVY = {"torch", "compressai", "lpips", "gradio", "plotly", "pandas", "scipy", "matplotlib"}
Arrows = Mapping[str, set[str]]


def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name."""
    found = {}
    for path in sorted([*ROOT.glob("mode_core/**/*.py"), *ROOT.glob("app/**/*.py")]):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()
FOLDERS = [name for name, path in MODULES.items() if path.name == "__init__.py" and "." in name]


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every name that a file imports, wherever in the file and for whatever reason."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else str(node.module) for name in names)


def room(module: str) -> str:
    """The folder that a module lies in; at the top a module is a room of its own."""
    if MODULES[module].name == "__init__.py" or module.count(".") == 1:
        return module
    return module.rpartition(".")[0]


def module_arrows() -> Arrows:
    return {name: {i for i in imports(path) if i in MODULES} for name, path in MODULES.items()}


def room_arrows() -> Arrows:
    arrows = defaultdict(set)
    for module, used in module_arrows().items():
        arrows[room(module)] |= {room(one) for one in used} - {room(module)}
    return arrows


def circles(arrows: Arrows) -> list[str]:
    """What is left when everything that uses nothing (more) has been taken away."""
    left = {name: set(used) for name, used in arrows.items()}
    while free := [name for name, used in left.items() if not used & left.keys() - {name}]:
        for name in free:
            del left[name]
    return sorted(left)


def stated(folder: str) -> set[str]:
    """What the folder's `__init__` says that it may use."""
    text = ast.get_docstring(ast.parse(MODULES[folder].read_text(encoding="utf-8"))) or ""
    found = re.search(r"^May use: (.*?)\.$", text, re.M | re.S)
    assert found, f"{MODULES[folder]} does not say what it may use"
    return set(re.split(r",\s*", found[1])) - {"nothing"}


def used(folder: str) -> set[str]:
    """What a folder does use: rooms of its own half, and `mode_core` as a whole from the page."""
    own = folder.partition(".")[0]
    names = {one.removeprefix(f"{own}.") for one in room_arrows()[folder]}
    return {"mode_core" if name.startswith("mode_core") else name for name in names}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_uses_what_it_says_and_no_more(folder: str) -> None:
    assert used(folder) == stated(folder)


def test_there_is_no_circle_of_modules_and_none_of_rooms() -> None:
    assert circles(module_arrows()) == []
    assert circles(room_arrows()) == []


def test_arrows_point_downwards_in_the_order_that_contributing_draws() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    order = text.partition("```rooms\n")[2].partition("```")[0].split()
    codecs = order.index("mode_core.codecs.<id>")
    place = {name: order.index(name) if name in order else codecs for name in map(room, MODULES)}
    others = {name for name in place if name not in order} - {"app"}
    assert {*order} - {order[codecs]} <= place.keys()
    assert all(name.startswith("mode_core.codecs.") for name in others)
    upwards = [
        (a, b)
        for a, used in room_arrows().items()
        for b in used
        # that codecs stand on each other in no circle is seen above
        if place[b] < place[a] or (place[b] == place[a] != codecs)
    ]
    assert upwards == []


def test_only_the_registry_loads_a_module_by_its_name() -> None:
    by_name = [name for name, path in MODULES.items() if "import_module" in path.read_text()]
    assert by_name == ["mode_core.codecs.registry"]


def test_a_circle_would_be_seen() -> None:
    arrows: Arrows = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}, "e": set()}
    assert circles(arrows) == ["a", "b", "c", "d"]
    assert circles({"a": {"b"}, "b": set()}) == []


@pytest.mark.parametrize("top", MOST_NAMES)
def test_few_names_lie_at_the_top(top: str) -> None:
    folder = ROOT / top
    names = [one.name for one in folder.iterdir() if not one.name.startswith((".", "__init__"))]
    assert len([name for name in names if name != "__pycache__"]) <= MOST_NAMES[top]


def test_the_core_knows_no_page() -> None:
    for name, path in MODULES.items():
        for used in imports(path):
            top = used.partition(".")[0]
            assert top != "app" or name.startswith("app"), f"{path} imports {used}"
            home = PAGE_ONLY.get(top)
            assert home is None or path.is_relative_to(ROOT / home), f"{path} imports {used}"


def test_light_modules_load_nothing_heavy() -> None:
    """In a fresh process, because here something else may have loaded it; lightest first."""
    code = (
        f"import sys, importlib\nfor name in {LIGHT}:\n    importlib.import_module(name)\n"
        f"    print(name, *{HEAVY} & set(sys.modules))"
    )
    done = process(PYTHON, "-c", code, cwd=ROOT)
    assert (done.stdout.splitlines(), done.stderr) == ([*LIGHT], "")
