"""`make fresh-machines`: README's two commands as an ordinary user has them, on Debian 12, 13 and sid.

Each Debian has its own Python and nothing that README does not ask for: no Node, Maven or browser, whose
tests skip there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from smsgate.config import PROJECT_DIR
from tests.containers import images
from tests.containers.engine import run, say

MACHINES = {
    "bookworm": images.STAND_IN,
    "trixie": "localhost/debian-trixie",
    "sid": "localhost/debian-sid",
}
# By default what leans most on Python's own library and on the machine: every page of the docs, and what
# starts, stops, upgrades, saves and restores the service. ALL=1 runs the rest, too.
PART = (
    "tests/licenses/test_commands.py",
    "tests/phone_simulator",
    "tests/smsgate/test_backup.py",
    "tests/smsgate/test_demo.py",
    "tests/smsgate/test_supervisor.py",
    "tests/smsgate/test_up.py",
    "tests/test_docs.py",
    "tests/upgrade",
)
# -m '': also those that are left to `make test-slow` elsewhere.
_COMMANDS = """
python3 --version
make demo >/tmp/demo.log || { cat /tmp/demo.log; exit 1; }
tail -n 3 /tmp/demo.log
make test ARGS="-m '' $ARGS"
"""


def story() -> None:
    only = os.environ.get("ONLY")
    for suite in only.split(",") if only else MACHINES:
        images.debian(suite, MACHINES[suite])
        say(f"Debian {suite}: `make demo` and `make test`, as an ordinary user")
        with tempfile.TemporaryDirectory(prefix="sms-fresh-") as folder:
            checkout = Path(folder) / "smsgate"
            clone = ["git", "clone", "--quiet", "--no-hardlinks", str(PROJECT_DIR), str(checkout)]
            subprocess.run(clone, check=True)
            subprocess.run(["chown", "--recursive", images.PERSON, folder], check=True)
            use(MACHINES[suite], checkout)


def use(image: str, checkout: Path) -> None:
    """The machine's own network: it reaches the package registries."""
    arguments = os.environ.get("ARGS") or ("" if os.environ.get("ALL") else " ".join(PART))
    subprocess.run(
        ["podman", "run", "--rm", "--init", "--network", "host", "--shm-size", "1g",
         "--user", images.PERSON, "--env", "HOME=/home/person", "--env", "LANG=C.UTF-8",
         "--env", f"ARGS={arguments}",
         "--volume", f"{checkout}:/home/person/smsgate", "--workdir", "/home/person/smsgate",
         image, "sh", "-e", "-c", _COMMANDS],
        check=True,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(run(story, "fresh-machines"))
