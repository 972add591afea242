"""`python -m mode_core`."""

import sys

from mode_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
