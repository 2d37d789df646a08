"""``python -m pain3d.cli``."""

import sys

from pain3d.cli import main

if __name__ == "__main__":
    sys.exit(main())
