"""CompressAI's compiled range coder by itself: the rest takes longer to import than torch does.

(The package imports its data sets, and with them torch_geometric and torch's compiler.)
"""

from __future__ import annotations

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

_NAME = "compressai.ans"


def range_coder() -> Any:
    """The module, under its own name, so that CompressAI takes the same when it is imported."""
    if _NAME not in sys.modules:
        package = find_spec("compressai")
        folder = Path(package.origin or "") if package else Path()
        files = (folder.with_name(f"ans{suffix}") for suffix in EXTENSION_SUFFIXES)
        file = next((file for file in files if file.exists()), None)
        spec = file and spec_from_file_location(_NAME, file)
        if not spec or not spec.loader:
            raise ImportError("compressai is not installed, or not whole", name="compressai")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[_NAME] = module
    return sys.modules[_NAME]
