"""Writes into every folder's `__init__.py` which folders its code imports."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Rewrite the lines that begin with "May use:"."""
    from tests.test_rooms import FOLDERS, MODULES, used

    for folder in FOLDERS:
        names = ", ".join(sorted(used(folder))) or "nothing"
        line = "\n".join(wrap(f"May use: {names}.", 96))
        path = MODULES[folder]
        text = path.read_text(encoding="utf-8")
        path.write_text(
            re.sub(r"^May use: .*?$(?=\n\"\"\")", line, text, count=1, flags=re.M | re.S)
        )


if __name__ == "__main__":
    main()
