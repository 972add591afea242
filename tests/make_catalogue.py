"""Writes tests/js/catalogue.json, the server's catalogue as the scripts' own tests read it.

python -m tests.make_catalogue, with no imported weights on the machine
"""

from __future__ import annotations

import json

from app.viewer.component import catalogue
from tests.conftest import ROOT

STORED = ROOT / "tests" / "js" / "catalogue.json"


def main() -> None:
    STORED.write_text(json.dumps(catalogue(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
