"""Rewrites what the README quotes: each block between markers is the output of its command.

<!-- output: python -m mode_core bdrate results/kodak --anchor webp -->
...
<!-- end -->
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- output: python -m mode_core (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def output_of(command: str) -> str:
    """What a command of ours prints."""
    sys.path.insert(0, str(ROOT))
    from mode_core.cli import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.chdir(ROOT):
        status = main(shlex.split(command))
    if status:
        raise SystemExit(f"python -m mode_core {command} failed")
    return printed.getvalue()


def refreshed(text: str) -> str:
    """The text with every quoted output made again."""
    return BLOCK.sub(lambda m: f"{m[1]}\n{output_of(m[2]).strip()}\n\n{m[4]}", text)


if __name__ == "__main__":
    README.write_text(refreshed(README.read_text(encoding="utf-8")), encoding="utf-8")
