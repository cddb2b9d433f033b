"""`python -m phone_simulator`."""

import sys

from phone_simulator.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
