"""Clients that generators make of the served OpenAPI document: each compiles, sends one message, sends a
bulk, reads a state and understands a refusal. And the linters' word on the document.

`make clients-test` runs them, apart from the tests: they install several languages' tools. What cannot
be installed is skipped, with a line that says why.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from smsgate.config import PROJECT_DIR
from tests.dialects.clients.service import Service
from tests.support.installs import install

HERE = Path(__file__).parent
NODE = HERE / "node"

pytestmark = pytest.mark.timeout(900)


def run(*command: str | Path, cwd: Path = HERE, **environ: str) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=os.environ | environ,
        capture_output=True, text=True, check=False, timeout=800,
    )  # fmt: skip
    assert done.returncode == 0, f"{command[:4]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def check(printed: str) -> None:
    """What each language's program tells of its four calls."""
    told: dict[str, Any] = json.loads(printed.splitlines()[-1])
    assert told.pop("year") >= 2025
    assert told == {
        "created": 2,
        "skipped": ["duplicate_external_id"],
        "status": "pending",
        "refused": "duplicate_external_id",
    }


def needs_node() -> None:
    install("generated_clients/install_node.sh")
    if shutil.which("node") is None or not (NODE / "node_modules").is_dir():
        pytest.skip("needs Node.js, and npm to install openapi-typescript and the linters with")


@pytest.mark.parametrize("which", ["schema", "companion_schema"])
def test_redocly_finds_no_error_and_nothing_to_warn_of(
    which: str, request: pytest.FixtureRequest
) -> None:
    needs_node()
    document = request.getfixturevalue(which)
    config = PROJECT_DIR / ".redocly.yaml"
    run("npx", "redocly", "lint", "--max-problems=100", "--config", config, document, cwd=NODE)


@pytest.mark.parametrize("which", ["schema", "companion_schema"])
def test_spectral_finds_nothing(which: str, request: pytest.FixtureRequest) -> None:
    needs_node()
    document = request.getfixturevalue(which)
    run(
        "npx",
        "spectral",
        "lint",
        "--fail-severity=hint",
        "--ruleset=.spectral.yaml",
        document,
        cwd=NODE,
    )


def test_python(service: Service, schema: Path, tmp_path: Path) -> None:
    install("generated_clients/install_python.sh")
    programs = HERE / "python" / ".venv" / "bin"
    if not (programs / "openapi-python-client").exists():
        pytest.skip("needs openapi-python-client, which pip could not install")
    generate = (programs / "openapi-python-client", "generate", "--meta=none", "--fail-on-warning")
    run(
        *generate, f"--path={schema}", f"--output-path={tmp_path / 'smsgate_client'}",
        PATH=f"{programs}{os.pathsep}{os.environ['PATH']}",
    )  # fmt: skip
    python = programs / "python"
    run(python, "-m", "compileall", "-q", tmp_path)
    client = HERE / "python" / "client.py"
    check(run(python, client, service.url, key(service), "python", PYTHONPATH=str(tmp_path)))


def test_typescript(service: Service, schema: Path) -> None:
    needs_node()
    made = NODE / "generated"
    run("npx", "openapi-typescript", schema, "--output", made / "schema.d.ts", cwd=NODE)
    run("npx", "tsc", "--project", "tsconfig.json", cwd=NODE)
    program = made / "client.mjs"
    (made / "client.js").rename(program)
    check(run("node", program, service.url, key(service), "typescript", cwd=NODE))


def test_go(service: Service, schema: Path) -> None:
    install("generated_clients/install_go.sh")
    go, cache = HERE / "go", HERE / "go" / ".cache"
    if not (cache / "oapi-codegen").exists():
        pytest.skip("needs Go, and its modules to build oapi-codegen of")
    (go / "generated").mkdir(exist_ok=True)
    run(cache / "oapi-codegen", "-config", "oapi-codegen.yaml", schema, cwd=go)
    folders = {"GOMODCACHE": str(cache / "modules"), "GOCACHE": str(cache / "build")}
    run("go", "vet", "./...", cwd=go, GOFLAGS="-modcacherw", **folders)
    program = go / "generated" / "client"
    run("go", "build", "-o", program, ".", cwd=go, GOFLAGS="-modcacherw", **folders)
    check(run(program, service.url, key(service), "go"))


def test_java(service: Service, schema: Path, tmp_path: Path) -> None:
    install("generated_clients/install_java.sh")
    java, cache = HERE / "java", HERE / "java" / ".cache"
    if not (cache / "openapi-generator-cli.jar").exists():
        pytest.skip("needs Java, and Maven to fetch openapi-generator with")
    made = tmp_path / "made"
    packages = "invokerPackage=smsgate,apiPackage=smsgate.api,modelPackage=smsgate.model"
    printed = run(
        "java", "-jar", cache / "openapi-generator-cli.jar", "generate", "--generator-name=java",
        "--library=native", f"--input-spec={schema}", f"--output={made}",
        f"--additional-properties={packages}",
    )  # fmt: skip
    assert "Duplicate file" not in printed, "two of the document's tags make one class"
    shutil.copy(java / "Client.java", made / "src" / "main" / "java")
    run(
        "mvn", "--batch-mode", "--no-transfer-progress", "--quiet",
        f"-Dmaven.repo.local={cache / 'maven'}", "compile", "dependency:copy-dependencies",
        "-DincludeScope=runtime", f"-DoutputDirectory={made / 'lib'}", cwd=made,
    )  # fmt: skip
    classes = f"{made / 'target' / 'classes'}{os.pathsep}{made / 'lib'}/*"
    check(run("java", "-classpath", classes, "Client", service.url, key(service), "java"))


def key(service: Service) -> str:
    found: str = service.keys["license_key"]
    return found
