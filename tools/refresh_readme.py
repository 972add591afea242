"""Rewrites what the README quotes: outputs of commands, and the tour of all files.

<!-- output: python -m mode_core bdrate results/kodak --reference webp -->
...
<!-- end -->

The tour takes its sentences from the files: a folder's from its `__init__.py`.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- output: python -m mode_core (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


TOUR = re.compile(r"(<!-- tour -->\n)(.*?)(<!-- end tour -->)", re.DOTALL)
ORDER = (
    "app", "app/http", "app/meeting", "app/viewer", "app/explorer", "app/blind", "app/server",
    "app/panes",
    "mode_core", "mode_core/cli", "mode_core/cli/crowd", "mode_core/cli/family",
    "mode_core/figures", "mode_core/votes",
    "mode_core/evaluation", "mode_core/evaluation/datasets",
    "mode_core/checkpoints", "mode_core/codecs", "mode_core/training", "mode_core/metrics",
    "mode_core/weights", "mode_core/layers", "mode_core/pictures", "mode_core/stream",
)  # fmt: skip
BESIDE = {
    "app.py": "opens the page; what a Space runs",
    "assets": "weights with their cards, what LPIPS stands on, and the picture that opens first",
    "results": "what we measured, and what others published, with sources",
    "tests": "as the tree; `make test-fast`, `make test`",
    "tools": "what makes tables, ablations and this tour",
}
SCRIPTS = {
    "app": "app/shared",
    "app/meeting": "app/meeting/static",
    "app/viewer": "app/viewer/static",
    "app/explorer": "app/explorer/static",
    "app/blind": "app/blind/static",
}


def output_of(command: str) -> str:
    """What a command of ours prints."""
    sys.path.insert(0, str(ROOT))
    from mode_core.cli.main import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.chdir(ROOT):
        status = main(shlex.split(command))
    if status:
        raise SystemExit(f"python -m mode_core {command} failed")
    return printed.getvalue()


def tour() -> str:
    """A row for every folder, which names every file in it."""
    folders = [*ORDER[: ORDER.index("mode_core/codecs") + 1]]
    folders += sorted(str(one.relative_to(ROOT)) for one in (ROOT / "mode_core/codecs").glob("*/"))
    folders += [one for one in ORDER if one not in folders]
    rows = [_row(one) for one in folders if (ROOT / one / "__init__.py").is_file()]
    head = "| Folder | What lives there | Files |\n|---|---|---|"
    rest = [f"| `{name}` | {what} | |" for name, what in BESIDE.items()]
    return "\n".join([head, *rest[:1], *rows, *rest[1:]])


def _row(folder: str) -> str:
    code = (ROOT / folder / "__init__.py").read_text(encoding="utf-8")
    first = (ast.get_docstring(ast.parse(code)) or "").partition("\n\n")[0]
    sentence = " ".join(first.split()).rstrip(".")
    names = [one.stem for one in sorted((ROOT / folder).glob("*.py")) if one.stem[:2] != "__"]
    names += [one.name for one in sorted((ROOT / SCRIPTS.get(folder, "-")).glob("*.js"))]
    return f"| `{folder}/` | {sentence} | {' '.join(f'`{name}`' for name in names)} |"


def refreshed(text: str) -> str:
    """The text with every quoted output and the tour made again."""
    text = BLOCK.sub(lambda m: f"{m[1]}\n{output_of(m[2]).strip()}\n\n{m[4]}", text)
    return TOUR.sub(lambda m: f"{m[1]}\n{tour()}\n\n{m[3]}", text)


if __name__ == "__main__":
    README.write_text(refreshed(README.read_text(encoding="utf-8")), encoding="utf-8")
