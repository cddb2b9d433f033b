from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dialects.clients.service import Service, running
from tests.support.installs import install

NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all of a worker's tests: each sends texts of its own."""
    with running(tmp_path_factory.mktemp("service")) as started:
        yield started


@pytest.fixture
def node() -> Callable[..., Any]:
    """Runs a script of `node/` with the vendors' npm packages; answers the JSON that it prints."""
    install("dialects/clients/install_node.sh")
    if shutil.which("node") is None or not (NODE / "node_modules").is_dir():
        pytest.skip("needs Node.js, and npm to install the clients with")

    def run(script: str, *arguments: str) -> Any:
        done = subprocess.run(
            ["node", "--no-warnings", script, *arguments],
            cwd=NODE, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
