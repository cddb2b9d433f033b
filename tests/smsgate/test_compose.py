"""docker-compose.yml and Dockerfile are read and checked here; `make containers` runs them."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from smsgate import config
from smsgate.config import PROJECT_DIR
from smsgate.supervisor.up import ALLOCATOR

COMPOSE = PROJECT_DIR / "docker-compose.yml"
SECRETS = {"SECRET_KEY", "PEPPER_1", "POSTGRES_PASSWORD", "REDIS_PASSWORD"}

# `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?complaint}`, where they begin
VARIABLE = re.compile(r"\$\{(\w+)(?::?([-?])([^}]*))?")


def filled(text: str, dotenv: dict[str, str]) -> str:
    """As compose fills it in: the innermost first, for a default may hold another variable."""

    def value(match: re.Match[str]) -> str:
        return dotenv.get(match[1]) or (match[3] if match[2] == "-" else "")

    while VARIABLE.search(text):
        text = re.sub(r"\$\{(\w+)(?::?([-?])([^{}]*))?\}", value, text)
    return text


def image_environment() -> dict[str, str]:
    """What the Dockerfile sets for every process."""
    stage = (PROJECT_DIR / "Dockerfile").read_text().rpartition("FROM ")[2]
    (block,) = re.findall(r"^ENV ((?:.*\\\n)*.*)$", stage, re.MULTILINE)
    return dict(word.split("=", 1) for word in block.replace("\\\n", " ").split())


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


def explained() -> set[str]:
    example = (PROJECT_DIR / ".env.example").read_text()
    return set(re.findall(r"^#?([A-Z_0-9]+)=", example, re.MULTILINE))


def test_every_variable_is_explained_in_the_example() -> None:
    assert {name for name, _, _ in VARIABLE.findall(COMPOSE.read_text())} <= explained()


# Inside a container these are the image's own, or its owner has no use for them.
NOT_FOR_CONTAINERS = {"BIND", "PORT", "TLS_PORT", "DATA_DIR", "DEBUG"}


def test_every_setting_is_documented_and_reaches_the_containers(
    services: dict[str, dict[str, Any]],
) -> None:
    settings = names_that_are_read() - {"SMSGATE_PROCESS"}
    rows = re.findall(
        r"^\| (`.*?) \|", (PROJECT_DIR / "docs/operating.md").read_text(), re.MULTILINE
    )
    assert settings - set(re.findall(r"`(\w+)`", " ".join(rows))) == set()
    assert settings - explained() == {"DEBUG"}
    assert settings - set(services["web"]["environment"]) == NOT_FOR_CONTAINERS


def test_the_processes_get_only_names_that_are_read(services: dict[str, dict[str, Any]]) -> None:
    for name in ("web", "worker", "beat"):
        assert set(services[name]["environment"]) <= names_that_are_read()
        assert {"DATABASE_URL", "REDIS_URL"} <= set(services[name]["environment"])


def test_the_processes_run_what_the_supervisor_runs(services: dict[str, dict[str, Any]]) -> None:
    dockerfile = (PROJECT_DIR / "Dockerfile").read_text()
    assert 'CMD ["python", "-m", "smsgate.web.serve"]' in dockerfile
    assert "command" not in services["web"]
    supervisor = (PROJECT_DIR / "smsgate" / "supervisor" / "up.py").read_text()
    for name in ("worker", "beat"):
        module = services[name]["command"].removeprefix("python -m ")
        assert f'"{name}", "{module}"' in supervisor


def test_the_image_gives_memory_back_as_the_supervisors_processes_do() -> None:
    assert image_environment().items() >= ALLOCATOR.items()


def test_django_finds_nothing_to_complain_about_in_the_https_profile(
    services: dict[str, dict[str, Any]],
) -> None:
    """`manage.py check --deploy`, with the environment that compose gives to the web process."""
    dotenv = {name: secrets.token_hex(32) for name in SECRETS}
    dotenv["PUBLIC_URL"] = "https://sms.example.org"

    environ = {
        name: filled(str(value), dotenv) for name, value in services["web"]["environment"].items()
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
    (published,) = services["web"]["ports"]
    assert filled(published, {}) == "127.0.0.1:8000:8000"
    assert filled(published, {"BIND": "0.0.0.0", "PORT": "80"}) == "0.0.0.0:80:8000"


def test_what_is_published_is_not_what_the_container_listens_on(
    services: dict[str, dict[str, Any]],
) -> None:
    """podman-compose fills in a service's own environment before .env: BIND=0.0.0.0 was published."""
    for name, service in services.items():
        for port in service.get("ports", []):
            published = {variable for variable, _, _ in VARIABLE.findall(port)}
            assert not published & set(service.get("environment", {})), name
    inside = image_environment()
    assert (inside["BIND"], inside["PORT"]) == ("0.0.0.0", "8000")


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_no_process_writes_a_file_where_it_starts(
    services: dict[str, dict[str, Any]], name: str
) -> None:
    """All file systems are read-only: here DATA_DIR is a place where not even root can write."""
    dotenv = {name: secrets.token_hex(32) for name in SECRETS}
    given = services[name]["environment"].items()
    environ = image_environment() | {key: filled(str(value), dotenv) for key, value in given}
    environ |= {"PATH": os.environ["PATH"], "DATA_DIR": "/proc/nowhere"}
    finished = subprocess.run(
        [sys.executable, "-c", "import smsgate.settings"],
        cwd=PROJECT_DIR, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_only_who_pairs_makes_the_certificate(
    services: dict[str, dict[str, Any]], name: str
) -> None:
    dotenv = {name: secrets.token_hex(32) for name in SECRETS}
    given = services[name]["environment"].items()
    environ = {key: filled(str(value), dotenv) for key, value in given}
    environ |= {"PATH": os.environ["PATH"], "DATA_DIR": "/proc/nowhere", "TLS_PORT": "8443"}
    finished = subprocess.run(
        [sys.executable, "-c", "import smsgate.settings"],
        cwd=PROJECT_DIR, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr


def test_only_caddys_own_address_is_trusted(services: dict[str, dict[str, Any]]) -> None:
    """Not its network: the gateway, by which all come to the published port, is in it too."""
    (of_network,) = yaml.safe_load(COMPOSE.read_text())["networks"]["default"]["ipam"]["config"]
    for dotenv in (dict[str, str](), {"NETWORK": "192.168.77"}):
        caddy = ip_address(filled(services["caddy"]["networks"]["default"]["ipv4_address"], dotenv))
        trusted = filled(services["web"]["environment"]["TRUSTED_PROXIES"], dotenv)
        assert ip_address(trusted) == caddy
        subnet = ip_network(filled(of_network["subnet"], dotenv))
        assert caddy in subnet
        assert caddy != subnet[1], "the gateway's"
        others = ip_network(filled(of_network["ip_range"], dotenv))
        assert caddy not in others
        assert subnet[-1] not in others, "a broadcast address, which podman gives to a container"


def test_nothing_is_asked_of_the_engine_that_older_ones_do_not_know() -> None:
    """Docker 20.10 and podman 4: an unknown flag of HEALTHCHECK, for one, stops the build."""
    dockerfile = (PROJECT_DIR / "Dockerfile").read_text()
    for words in (dockerfile, COMPOSE.read_text()):
        assert not re.search("start.interval", words), "Docker 25"
    assert not re.search(r"# syntax|<<|--mount|--link|--chmod", dockerfile), "BuildKit's"


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
        assert image.startswith("docker.io/"), "podman does not guess whose it is"


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


def test_caddy_passes_nothing_on_a_second_time() -> None:
    """Where a web container died over it, it may have been done: a hook link sends by GET."""
    caddyfile = (PROJECT_DIR / "deploy" / "Caddyfile").read_text()
    directives = [line.strip() for line in caddyfile.splitlines()]
    assert {"lb_retry_match not path *", "keepalive off"} <= set(directives)
    assert "dynamic a web 8000 {" in directives, "all web containers"


def test_mounted_files_exist(services: dict[str, dict[str, Any]]) -> None:
    for volume in services["caddy"]["volumes"]:
        source = volume.partition(":")[0]
        if source.startswith("."):
            assert Path(PROJECT_DIR, source).is_file()
