"""`python -m mode_core`."""

import signal
import sys

from mode_core.cli.main import main


def _stop(*_: object) -> None:
    """Being asked to end is Ctrl-C: helpers are ended and half-written files removed."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
