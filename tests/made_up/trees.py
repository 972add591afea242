"""The program in a folder of its own, for tests that add to it what CONTRIBUTING says."""

from __future__ import annotations

from pathlib import Path

from mode_core.pictures.files import write_png
from tests.conftest import PYTHON, ROOT, make_photo, process


def linked_program(home: Path) -> Path:
    """Links to every file of the program, its assets, and one photo."""
    for top in ("mode_core", "app"):
        for path in (ROOT / top).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                link = home / path.relative_to(ROOT)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)
    (home / "assets").symlink_to(ROOT / "assets")
    (home / "photos").mkdir()
    write_png(home / "photos" / "a.png", make_photo(48, 64))
    return home


def run(home: Path, *words: str, **variables: str) -> str:
    """What Python prints in that folder."""
    env = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", **variables}
    done = process(PYTHON, *words, home=home, cwd=home, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout
