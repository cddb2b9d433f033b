"""The packed node in the real n8n, against the real service: it sends once though an answer is lost, and
its trigger is registered, told, and gone again.

`make n8n-test` runs them, apart from the tests: n8n is 3 GB of npm packages.
"""

from __future__ import annotations

import itertools
import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smsgate.config import PROJECT_DIR
from tests.n8n.instance import N8n, path, programs, run
from tests.n8n.losing_proxy import LosingProxy, losing_proxy
from tests.smsgate.processes import Up, new_database, up, wait_until
from tests.support.installs import install

PACKAGE = PROJECT_DIR / "n8n-node"
PUBLISHER = ("homepage=https://example.com/", "author.email=publisher@example.com")
PHONE = "+48600100200"

pytestmark = pytest.mark.timeout(3600)  # the first run fetches n8n


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The node as npm would publish it: linted, built, its own tests run, packed."""
    install("n8n/install.sh")
    if programs() is None or not (PACKAGE / "node_modules" / ".package-lock.json").exists():
        pytest.skip("needs npm to install n8n with, and Linux on x64 or Node.js 24")
    source, folder = (tmp_path_factory.mktemp(name) for name in ("source", "package"))
    shutil.copytree(
        PACKAGE, source, ignore=shutil.ignore_patterns("node_modules"), dirs_exist_ok=True
    )
    (source / "node_modules").symlink_to(PACKAGE / "node_modules")
    run("npm", "pkg", "set", *PUBLISHER, cwd=source, environ={"PATH": path()})
    for script in ("lint", "build", "test"):
        run("npm", "run", script, cwd=source, environ={"PATH": path()})
    run("npm", "pack", "--silent", "--pack-destination", folder, cwd=source)
    (packed,) = folder.iterdir()
    return packed


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(tmp_path_factory.mktemp("service"), WEBHOOK_PRIVATE_NETWORKS="127.0.0.0/8") as started:
        started.wait_until_ready()
        yield started


@pytest.fixture(scope="session")
def keys(service: Up) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(service.manage("provision", "n8n", "--json"))
    return made


@pytest.fixture(scope="session")
def proxy(service: Up) -> Iterator[LosingProxy]:
    with losing_proxy(service.url) as started:
        yield started


@pytest.fixture(scope="session")
def n8n(
    package: Path,
    proxy: LosingProxy,
    keys: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[N8n]:
    with new_database() as database_url:
        made = N8n.with_node(tmp_path_factory.mktemp("n8n"), database_url, package)
        data = {"url": proxy.url, "token": keys["license_key"], "apiKey": keys["api_key"]}
        made.load("credentials", [{"id": "c", "name": "c", "type": "smsgateApi", "data": data}])
        made.load("workflow", [sends("sends"), manages("manages"), hears("hears")])
        with made.serving():
            yield made


def node(called: str, kind: str = "smsgate", /, **parameters: Any) -> dict[str, Any]:
    return {
        "id": called, "name": called, "type": f"n8n-nodes-smsgate.{kind}", "typeVersion": 1,
        "position": [0, 0], "parameters": parameters,
        "credentials": {"smsgateApi": {"id": "c", "name": "c"}},
    }  # fmt: skip


def workflow(name: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    """One node after the other."""
    return {
        "id": name, "name": name, "active": False, "settings": {}, "nodes": nodes,
        "connections": {
            one["name"]: {"main": [[{"node": other["name"], "type": "main", "index": 0}]]}
            for one, other in itertools.pairwise(nodes)
        },
    }  # fmt: skip


def started_by_hand() -> dict[str, Any]:
    return node("start") | {"type": "n8n-nodes-base.manualTrigger", "credentials": {}}


def two_items() -> dict[str, Any]:
    rows = json.dumps([{"text": "one"}, {"text": "two"}])
    code = f"return {rows}.map((json) => ({{ json }}))"
    return node("rows", jsCode=code) | {
        "type": "n8n-nodes-base.code", "typeVersion": 2, "credentials": {},
    }  # fmt: skip


def sends(name: str) -> dict[str, Any]:
    """Two items, each sent by itself, then both by one request, each step tried again where it fails."""
    text = {"phone": PHONE, "message": "={{ $('rows').item.json.text }}"}
    own = "={{ $execution.id }}-{{ $('rows').item.json.text }}"
    again = {"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 0}
    return workflow(
        name,
        started_by_hand(),
        two_items(),
        node("send", resource="message", operation="send", **text) | again,
        node("many", resource="message", operation="sendMany", externalId=own, **text) | again,
    )


def manages(name: str) -> dict[str, Any]:
    goes_on = {"onError": "continueRegularOutput"}
    in_group = {"contactFields": {"group_name": "Friends"}}
    return workflow(
        name,
        started_by_hand(),
        node("preview", operation="preview", phone=PHONE, message="Zażółć"),
        node("own", operation="send", phone=PHONE, message="own", externalId="order-1"),
        node("get", operation="get", messageId="={{ $json.id }}"),
        node("cancel", operation="cancel", messageId="={{ $json.id }}"),
        node("resolve", operation="resolve", messageId="={{ $json.id }}") | goes_on,
        node("list", operation="getAll", filters={"external_id": "order-1"}),
        node("contact", resource="contact", operation="upsert", name="Ann", phone=PHONE, **in_group),
        node("contacts", resource="contact", operation="getAll", returnAll=True),
        node("group", resource="group", operation="upsert", name="Friends"),
        node("groups", resource="group", operation="getAll"),
        node("out", resource="optOut", operation="create", phone=PHONE),
        node("refused", operation="send", phone=PHONE, message="no") | goes_on,
        node("outs", resource="optOut", operation="getAll"),
        node("in", resource="optOut", operation="delete", phone=PHONE),
        node("inbox", resource="inbox", operation="getAll") | {"alwaysOutputData": True},
        node("account", resource="account", operation="get"),
    )  # fmt: skip


def hears(name: str) -> dict[str, Any]:
    """It ends well where the event names a message that there is."""
    return workflow(
        name,
        node("hears", "smsgateTrigger", events=["message.accepted"]),
        node("reads", operation="get", messageId="={{ $json.data.id }}"),
    )


def api(service: Up, keys: dict[str, Any], path: str) -> Any:
    headers = {"Authorization": f"Bearer {keys['license_key']}"}
    with urllib.request.urlopen(
        urllib.request.Request(service.url + path, headers=headers)
    ) as answer:
        return json.load(answer)


def test_a_send_whose_answer_is_lost_is_tried_again_and_sent_once(
    n8n: N8n, proxy: LosingProxy, service: Up, keys: dict[str, Any]
) -> None:
    before = len(api(service, keys, "/api/messages/")["results"])
    lost = proxy.lose_one_answer_of("/api/messages/", "/api/messages/bulk/")
    told = n8n.execute("sends")
    assert not lost, "an answer was lost of each"
    assert [item["json"]["status"] for item in told["send"]] == ["pending", "pending"]
    assert [item["json"]["accepted"] for item in told["many"]] == [True, True]
    sent = api(service, keys, "/api/messages/")["results"][: -before or None]
    assert sorted(message["message"] for message in sent) == ["one", "one", "two", "two"]


def test_every_other_action_answers(n8n: N8n) -> None:
    told = n8n.execute("manages")
    last = {name: [item["json"] for item in items] for name, items in told.items()}
    assert last["preview"][0]["would_be_accepted"] is True
    assert last["get"][0]["external_id"] == "order-1"
    assert last["cancel"][0]["status"] == "cancelled"
    assert last["resolve"] == [{"error": "This message is cancelled, not uncertain."}]
    assert [one["status"] for one in last["list"]] == ["cancelled"]
    assert last["contact"][0]["created"] is True
    assert [one["name"] for one in last["contacts"]] == ["Ann"]
    assert last["group"][0]["status"] == "existed"
    assert [one["name"] for one in last["groups"]] == ["Friends"]
    assert last["refused"] == [{"error": "phone: the recipient has opted out"}]
    assert [one["phone"] for one in last["outs"]] == [PHONE]
    assert last["in"] == [{"phone": PHONE, "deleted": True}]
    assert last["account"][0]["license"]


def test_a_trigger_hears_what_is_signed_for_as_long_as_it_is_active(
    n8n: N8n, service: Up, keys: dict[str, Any]
) -> None:
    def webhooks() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api(service, keys, "/api/webhooks/")["results"]
        return found

    n8n.switch("hears", "activate")
    wait_until(webhooks, "n8n has registered the webhook")
    (webhook,) = webhooks()
    assert webhook["events"] == ["message.accepted"]
    assert n8n.post(webhook["url"], {"id": 1, "type": "message.accepted"}) == 401

    n8n.execute("sends")
    each = ["success"] * 4
    wait_until(lambda: n8n.executions("hears") == each, "an execution for each of the messages")

    n8n.switch("hears", "deactivate")
    wait_until(lambda: not webhooks(), "n8n has removed the webhook")


def test_a_credential_is_tested_by_both_its_keys(
    n8n: N8n, proxy: LosingProxy, keys: dict[str, Any]
) -> None:
    def tested(**changed: str) -> str:
        data = {"url": proxy.url, "token": keys["license_key"], "apiKey": keys["api_key"]} | changed
        credentials = {"id": "c", "name": "c", "type": "smsgateApi", "data": data}
        told = n8n.rest("POST", "/rest/credentials/test", {"credentials": credentials})
        return str(told["status"])

    assert tested() == "OK"
    assert tested(url=proxy.url + "/") == "OK"
    assert tested(apiKey="") == "OK"
    assert tested(token="A" * 12) == "Error"
    assert tested(apiKey="A" * 12) == "Error"


def test_agents_have_it_as_a_tool(n8n: N8n) -> None:
    assert {"n8n-nodes-smsgate.smsgate", "n8n-nodes-smsgate.smsgateTool"} <= n8n.node_types()
