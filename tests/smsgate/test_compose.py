"""docker-compose.yml and Dockerfile are read and checked here, not run: no engine is needed."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from smsgate import config
from smsgate.config import PROJECT_DIR

COMPOSE = PROJECT_DIR / "docker-compose.yml"
SECRETS = {"SECRET_KEY", "PEPPER_1", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}

# `${NAME}`, `${NAME:-default}`, `${NAME:?complaint}`
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    parsed: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
    return parsed


def names_that_are_read() -> set[str]:
    """What the code asks the environment for; `Config`'s fields are the names in lower case."""
    fields = {name.upper() for name in config.Config.__dataclass_fields__}
    return fields | {"SECRET_KEY", "PEPPER_1", "METRICS_TOKEN", "SMSGATE_PROCESS"}


def test_it_has_all_services(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {"web", "worker", "beat", "postgres", "redis", "caddy"}


def test_only_caddy_waits_for_its_profile(services: dict[str, dict[str, Any]]) -> None:
    assert {name: service.get("profiles") for name, service in services.items()} == {
        **dict.fromkeys(set(services) - {"caddy"}),
        "caddy": ["https"],
    }


def test_every_service_has_a_healthcheck_and_comes_back(
    services: dict[str, dict[str, Any]],
) -> None:
    for name, service in services.items():
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name
        assert service["restart"] == "unless-stopped", name


def test_it_refuses_to_start_without_secrets() -> None:
    used = VARIABLE.findall(COMPOSE.read_text())
    assert {name for name, _, _ in used} >= SECRETS
    for name, kind, complaint in used:
        assert (kind == "?") == (name in SECRETS), name
        if kind == "?":
            assert name in complaint


def test_no_secret_stands_in_a_file(services: dict[str, dict[str, Any]]) -> None:
    example = config.read_dotenv(PROJECT_DIR / ".env.example")
    assert example == dict.fromkeys(SECRETS, "")
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|PEPPER|AUTH", name):
                assert VARIABLE.match(value), name
            if name.endswith("_URL"):
                assert not re.search(r"://\w*:[^$]\w*@", value), name


def test_every_variable_is_explained_in_the_example() -> None:
    example = (PROJECT_DIR / ".env.example").read_text()
    explained = set(re.findall(r"^#?([A-Z_0-9]+)=", example, re.MULTILINE))
    assert {name for name, _, _ in VARIABLE.findall(COMPOSE.read_text())} <= explained


def test_the_processes_get_only_names_that_are_read(services: dict[str, dict[str, Any]]) -> None:
    for name in ("web", "worker", "beat"):
        assert set(services[name]["environment"]) <= names_that_are_read()
        assert {"DATABASE_URL", "REDIS_URL"} <= set(services[name]["environment"])


def test_the_processes_run_what_the_supervisor_runs(services: dict[str, dict[str, Any]]) -> None:
    dockerfile = (PROJECT_DIR / "Dockerfile").read_text()
    assert 'CMD ["python", "-m", "smsgate.serve"]' in dockerfile
    assert "command" not in services["web"]
    supervisor = (PROJECT_DIR / "smsgate" / "up.py").read_text()
    for name in ("worker", "beat"):
        for word in services[name]["command"].split():
            assert f'"{word.strip(chr(34))}"' in supervisor, (name, word)


def test_django_finds_nothing_to_complain_about_in_the_https_profile(
    services: dict[str, dict[str, Any]],
) -> None:
    """`manage.py check --deploy`, with the environment that compose gives to the web process."""
    dotenv = {name: secrets.token_hex(32) for name in SECRETS}
    dotenv["PUBLIC_URL"] = "https://sms.example.org"

    def filled(match: re.Match[str]) -> str:
        name, kind, default = match.groups()
        return dotenv.get(name) or (re.sub(VARIABLE, filled, default) if kind == "-" else "")

    environ = {
        name: VARIABLE.sub(filled, str(value)).rstrip("}")
        for name, value in services["web"]["environment"].items()
    }
    finished = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT_DIR,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "no issues" in finished.stdout


def test_databases_are_kept_and_not_published(services: dict[str, dict[str, Any]]) -> None:
    volumes = yaml.safe_load(COMPOSE.read_text())["volumes"]
    for name in ("postgres", "redis"):
        assert "ports" not in services[name]
        kept = [volume.partition(":")[0] for volume in services[name]["volumes"]]
        assert kept == [name]
        assert name in volumes


def test_the_web_port_is_open_to_this_machine_only(services: dict[str, dict[str, Any]]) -> None:
    assert services["web"]["ports"] == ["${BIND:-127.0.0.1}:${PORT:-8000}:8000"]


def test_processes_wait_for_what_they_need(services: dict[str, dict[str, Any]]) -> None:
    for name, needed in {
        "web": {"postgres", "redis"},
        "worker": {"web", "redis"},
        "beat": {"web", "redis"},
        "caddy": {"web"},
    }.items():
        conditions = {"condition": "service_healthy"}
        assert services[name]["depends_on"] == dict.fromkeys(needed, conditions)


def test_images_are_pinned(services: dict[str, dict[str, Any]]) -> None:
    bases = re.findall(r"^FROM (\S+)", (PROJECT_DIR / "Dockerfile").read_text(), re.MULTILINE)
    foreign = [service["image"] for service in services.values() if "build" not in service]
    assert len(bases) == 2
    for image in bases + foreign:
        assert re.search(r":\d+\.\d+", image), image


def test_nothing_of_ours_runs_as_root(services: dict[str, dict[str, Any]]) -> None:
    stage = (PROJECT_DIR / "Dockerfile").read_text().rpartition("FROM ")[2]
    users = re.findall(r"^USER (\d+):\d+$", stage, re.MULTILINE)
    assert users
    assert int(users[-1]) > 0
    for name in ("web", "worker", "beat"):
        service = services[name]
        assert "user" not in service
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True


def test_the_image_has_no_secret_and_no_data() -> None:
    ignored = (PROJECT_DIR / ".dockerignore").read_text().splitlines()
    assert {".git", ".env", ".venv", "data"} <= set(ignored)


def test_the_caddyfile_keeps_no_access_log() -> None:
    caddyfile = (PROJECT_DIR / "deploy" / "Caddyfile").read_text()
    directives = [
        line.split() for line in caddyfile.splitlines() if not line.strip().startswith("#")
    ]
    words = [words[0] for words in directives if words]
    assert "log" not in words
    assert ["reverse_proxy", "web:8000"] in directives


def test_mounted_files_exist(services: dict[str, dict[str, Any]]) -> None:
    for volume in services["caddy"]["volumes"]:
        source = volume.partition(":")[0]
        if source.startswith("."):
            assert Path(PROJECT_DIR, source).is_file()
