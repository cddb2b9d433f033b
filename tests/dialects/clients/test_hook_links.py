"""Programs that know nothing but a URL: what they really call a hook link with."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import requests

from smsgate.operations.sandbox import manage
from tests.dialects.clients.service import Service

APPRISE = Path(sysconfig.get_path("scripts"), "apprise")
NUMBERS = ["+48600100210", "+48600100211"]


@pytest.fixture
def hook(service: Service) -> str:
    return made(service)


@pytest.fixture
def alert(service: Service) -> str:
    return made(service, *(word for number in NUMBERS for word in ("--to", number)))


def made(service: Service, *options: str) -> str:
    link = manage(service.environ, "hook", str(service.keys["license_id"]), *options, "--json")
    url: str = json.loads(link)["url"]
    return url


def text() -> str:
    """Of two lines, with what shells, URLs and JSON would each take for their own."""
    return f'Zażółć "100 %" & <more>\n+{uuid4()}'


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


@pytest.mark.parametrize("title", [(), ("--title", "Down")])
@pytest.mark.parametrize("way", ["json", "form", "form by GET"])
@pytest.mark.parametrize("kind", ["hook", "alert"])
def test_apprise_sends_its_body(
    service: Service, hook: str, alert: str, way: str, kind: str, title: tuple[str, ...]
) -> None:
    said = text()
    link = (hook if kind == "hook" else alert).removeprefix("http")
    number = f"&-phone={quote(NUMBERS[0])}" if kind == "hook" else ""
    if way == "form by GET":
        number = f"&method=GET{number.replace('-phone', ':phone')}"
    address = f"{way.partition(' ')[0]}{link}?x=1{number}"
    run(str(APPRISE), "-vv", *title, "--body", said, address)
    service.deliver()
    assert service.texts_sent().count(said) == (1 if kind == "hook" else 2)


@pytest.mark.parametrize(
    "options",
    [
        ["-G", "--data-urlencode", "phone=+48600100210", "--data-urlencode", "message@-"],
        ["--data-urlencode", "phone=+48600100210", "--data-urlencode", "message@-"],
        ["-F", "phone=+48600100210", "-F", "message=<-"],
    ],
)
def test_a_script_of_zabbix_or_nagios_sends_by_curl(
    service: Service, hook: str, options: list[str]
) -> None:
    said = text()
    command = ["curl", "-fsS", hook, *options]
    subprocess.run(command, input=said, text=True, check=True, capture_output=True, timeout=60)
    service.deliver()
    assert service.texts_sent().count(said) == 1


def test_curl_sends_json_however_it_names_it(service: Service, alert: str) -> None:
    """And fails where nothing is sent, so that a script can tell."""
    said = text()
    run("curl", "-fsS", alert, "-d", json.dumps({"message": said}))
    assert json.loads(run("curl", "-fsS", alert, "--json", json.dumps({"text": said})))
    service.deliver()
    assert service.texts_sent().count(said) == 2
    done = subprocess.run(["curl", "-fsS", alert, "-d", "{}"], capture_output=True, check=False)
    assert done.returncode == 22


@pytest.mark.parametrize("method", ["GET", "POST", "POST_JSON"])
def test_home_assistant_sends_by_notify_rest(service: Service, alert: str, method: str) -> None:
    """The calls of its integration, by the library that it makes them with."""
    said = text()
    data: dict[str, Any] = {"message": said, "title": "Home Assistant"}
    calls: dict[str, Callable[[], requests.Response]] = {
        "GET": lambda: requests.get(alert, headers=None, params=data, timeout=10),
        "POST": lambda: requests.post(alert, headers=None, data=data, timeout=10),
        "POST_JSON": lambda: requests.post(alert, headers=None, json=data, timeout=10),
    }
    assert [calls[method]().status_code for _ in range(2)] == [201, 200]
    service.deliver()
    assert service.texts_sent().count(said) == 2


def test_alertmanager_may_list_hundreds_of_alerts(service: Service, alert: str) -> None:
    said = f"Disk {uuid4()}"
    each = {"status": "firing", "labels": {"x": "y" * 900}, "annotations": {"summary": said}}
    body: Any = {"version": "4", "status": "firing", "alerts": [each] * 500}
    assert requests.post(alert, json=body, timeout=10).status_code == 201
    service.deliver()
    assert service.texts_sent().count(f"[FIRING:500] {said}") == 2
