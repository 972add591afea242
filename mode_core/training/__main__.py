"""`python -m mode_core.training STAGE …`: the train command alone."""

from __future__ import annotations

import sys

from mode_core.arguments import Parser
from mode_core.errors import ModeError
from mode_core.training.cli import add_arguments, train


def main() -> int:
    """Run the command; what the user caused is one line and status 1."""
    parser = Parser(prog="python -m mode_core.training", description=__doc__)
    add_arguments(parser)
    try:
        train(parser.parse_args())
    except ModeError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
