"""Where the command starts: light, so that Ctrl-C while the rest is being imported ends as quietly as later on."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""What shells report for Ctrl-C."""


def main() -> int:
    """Run the command line; returns the exit status."""
    try:
        from pain3d.cli import main as run

        return run()
    except KeyboardInterrupt:
        return told_interrupted()


def told_interrupted() -> int:
    """Say that the command was interrupted; returns the exit status."""
    print("pain3d: interrupted; run the same command again to go on", file=sys.stderr)
    return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
