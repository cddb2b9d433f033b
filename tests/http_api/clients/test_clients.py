"""The HTTP clients that programs are written with, as they come, over plain HTTP: a single POST, a
bulk, and a body in chunks are 201 with each. Java's and curl's offer an upgrade to HTTP/2 every time."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import requests

from smsgate.config import PROJECT_DIR
from tests.dialects.clients.service import Service
from tests.support.installs import install

HERE = Path(__file__).parent
CREATED = [201, 201, 201]


def bodies(prefix: str) -> tuple[str, str, str]:
    """A single message, a bulk of 500, and another single one."""

    def item(number: int) -> dict[str, str]:
        return {"external_id": f"{prefix}-{number}", "phone": "+48600100200", "message": "Zażółć"}

    messages = [item(number) for number in range(2, 502)]
    return json.dumps(item(0)), json.dumps({"messages": messages}), json.dumps(item(1))


def run(service: Service, *command: str, prefix: str, more: tuple[str, ...] = ()) -> list[int]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {Path(command[0]).name}")
    single, bulk, chunked = bodies(prefix)
    # a command line takes no more than 128 KiB
    arguments = [*command, service.url, service.keys["license_key"], single, bulk, chunked, *more]
    done = subprocess.run(
        arguments, cwd=HERE, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def test_java(service: Service) -> None:
    if shutil.which("javac") is None:
        pytest.skip("needs a JDK")
    assert run(service, "java", "java/Client.java", prefix="java") == CREATED


def test_go(service: Service) -> None:
    install("http_api/clients/install_go.sh")
    assert run(service, str(HERE / "go" / "client"), prefix="go") == CREATED


@pytest.mark.parametrize("how", ["fetch", "http"])
def test_node(service: Service, how: str) -> None:
    assert run(service, "node", "node/client.mjs", prefix=f"node-{how}", more=(how,)) == CREATED


@pytest.mark.parametrize("how", ["by_curl", "by_stream"])
def test_php(service: Service, how: str) -> None:
    if how == "by_curl" and shutil.which("php") and "curl" not in _php_modules():
        pytest.skip("needs PHP's curl module")
    assert run(service, "php", "php/client.php", prefix=f"php-{how}", more=(how,)) == CREATED


def _php_modules() -> list[str]:
    return subprocess.run(["php", "-m"], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("version", ["--http1.1", "--http2", "--http1.0"])
def test_curl(service: Service, tmp_path: Path, version: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    features = subprocess.run(["curl", "-V"], capture_output=True, text=True, check=True).stdout
    if version == "--http2" and "HTTP2" not in features:
        pytest.skip("needs a curl that speaks HTTP/2")
    codes = []
    single, bulk, chunked = bodies(f"curl{version}")
    in_chunks = ["-H", "Transfer-Encoding: chunked"] if version != "--http1.0" else []
    for path, body, more in (("", single, []), ("bulk/", bulk, []), ("", chunked, in_chunks)):
        (tmp_path / "body").write_text(body)
        done = subprocess.run(
            [
                "curl", "-s", "-o", str(tmp_path / "answer"), "-w", "%{http_code}", version, *more,
                "-H", f"X-License-Key: {service.keys['license_key']}",
                "--data-binary", f"@{tmp_path / 'body'}", f"{service.url}/api/messages/{path}",
            ],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        codes.append(int(done.stdout))
    assert codes == CREATED


# --- Python's -------------------------------------------------------------------------------------


def by_http_client(url: str, headers: dict[str, str], body: bytes, pieces: bool) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    data = iter([body[:9], body[9:]]) if pieces else body
    connection.request("POST", urlsplit(url).path, data, headers, encode_chunked=pieces)
    status = connection.getresponse().status
    connection.close()
    return status


def by_urllib(url: str, headers: dict[str, str], body: bytes, pieces: bool) -> int:
    data = iter([body[:9], body[9:]]) if pieces else body
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
        status: int = answer.status
    return status


def _pieces(body: bytes) -> Iterator[bytes]:
    yield from (body[:9], body[9:])


def by_requests(url: str, headers: dict[str, str], body: bytes, pieces: bool) -> int:
    data = _pieces(body) if pieces else body
    return requests.post(url, data=data, headers=headers, timeout=60).status_code


def by_httpx(url: str, headers: dict[str, str], body: bytes, pieces: bool) -> int:
    content = _pieces(body) if pieces else body
    return httpx.post(url, content=content, headers=headers, timeout=60).status_code


@pytest.mark.parametrize("post", [by_http_client, by_urllib, by_requests, by_httpx])
def test_python(service: Service, post: Callable[[str, dict[str, str], bytes, bool], int]) -> None:
    headers = {
        "X-License-Key": service.keys["license_key"],
        "Content-Type": "application/json",
        "Connection": "Upgrade",
        "Upgrade": "h2c",
    }
    single, bulk, chunked = bodies(post.__name__)
    url = f"{service.url}/api/messages/"
    statuses = [
        post(url, headers, single.encode(), False),
        post(f"{url}bulk/", headers, bulk.encode(), False),
        post(url, headers, chunked.encode(), True),
    ]
    assert statuses == CREATED


# --- what docs/integrations.md shows ---------------------------------------------------------------

# By the kind of a block: the program that runs it, its file, and what a reader would write around it.
SHOWN = {
    "console": ("bash", "docs.sh", "{}"),
    "python": (sys.executable, "docs.py", "{}"),
    "php": ("php", "docs.php", "<?php\n{}"),
    "java": (
        "java", "Docs.java",
        "import java.net.*; import java.net.http.*; import java.net.http.HttpRequest.BodyPublishers;"
        "import java.net.http.HttpResponse.BodyHandlers;"
        "class Docs {{ public static void main(String[] _a) throws Exception {{ {} }} }}",
    ),
    "go": (
        "go", "docs.go",
        'package main\nimport ("net/http"; "strings")\nfunc main() {{\n{}\n'
        "if err != nil || answer.StatusCode != 201 {{ panic(answer) }} }}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SHOWN)
def test_what_the_docs_show_sends(service: Service, tmp_path: Path, kind: str) -> None:
    program, name, around = SHOWN[kind]
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    page = (PROJECT_DIR / "docs" / "integrations.md").read_text("utf-8")
    [block] = re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    key, external_id = service.keys["license_key"], f"docs-{kind}"
    block = re.sub("a-1|backup-2026-11-30", external_id, block)
    block = block.replace("https://sms.example.com", service.url).replace(
        "Bearer KEY", f"Bearer {key}"
    )
    (tmp_path / name).write_text(around.format(block), "utf-8")
    command = [program, *(["run"] if kind == "go" else []), name]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    answer = requests.get(
        f"{service.url}/api/messages/?external_id={external_id}",
        headers={"Authorization": f"Bearer {key}"},
        timeout=60,
    )
    assert [each["phone"] for each in answer.json()["results"]] == ["+48600100200"]
