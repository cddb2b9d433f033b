"""What is installed is what was tried: every package, also one that another pulls in, by its hash."""

from __future__ import annotations

import json
import re

import pytest

from smsgate.config import PROJECT_DIR

PIN = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==([^\s;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    found = PIN.findall((PROJECT_DIR / name).read_text())
    return {package.lower().replace("_", "-"): version for package, version in found}


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_package_has_a_version_and_hashes(name: str) -> None:
    locked = (PROJECT_DIR / f"{name}.txt").read_text()
    entries = re.findall(r"^[^\s#].*(?:\n    .*)*", locked, re.MULTILINE)
    assert entries
    for entry in entries:
        assert PIN.match(entry), entry
        assert "--hash=sha256:" in entry, entry
    wanted = pins(f"{name}.in")
    assert {package: pins(f"{name}.txt").get(package) for package in wanted} == wanted, (
        "`make lock`"
    )


def test_tests_run_with_what_the_service_runs_with() -> None:
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()


@pytest.mark.parametrize("name", ["Dockerfile", "deploy/install.sh"])
def test_pip_takes_nothing_without_its_hash(name: str) -> None:
    installs = re.findall(r"pip install .*", (PROJECT_DIR / name).read_text())
    assert installs
    assert all("--require-hashes" in install for install in installs)


def test_npm_takes_nothing_without_its_hash() -> None:
    folder = PROJECT_DIR / "tests" / "dialects" / "clients" / "node"
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    del packages[""]  # ours
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert "npm ci" in (folder.parent / "install_node.sh").read_text()
