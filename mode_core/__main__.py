"""`python -m mode_core`."""

import sys

from mode_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
