"""A portal of Bitrix24 and its authorization server, as documented, on a real TLS socket."""

from __future__ import annotations

import json
import operator
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

MEMBER_ID = "a223c6b3710f85df22e9377d6c4f7553"
APPLICATION_TOKEN = "51856fefc120afa4b628cc82d3935cce"
WEBHOOK = "/rest/1/u8y7t6r5e4w3q2a1/"
CLIENT_ID, CLIENT_SECRET = "local.573ad8a0346747", "LJSl0lNB76B5YY6u"

Answer = tuple[int, dict[str, Any]]


def contact(number: int, *phones: str | tuple[str, str], **names: str) -> dict[str, Any]:
    """A contact as a portal shows it; a phone may have its kind beside it."""
    shown: dict[str, Any] = {"ID": str(number), "NAME": "Ola", "LAST_NAME": None} | names
    if phones:
        shown["PHONE"] = [
            {"ID": "1", "VALUE_TYPE": kind, "VALUE": value, "TYPE_ID": "PHONE"}
            for kind, value in (
                each if isinstance(each, tuple) else ("WORK", each) for each in phones
            )
        ]
    return shown


def error(status: int, code: str, **more: Any) -> Answer:
    return status, {"error": code, "error_description": code} | more


STATUSES = {"queued", "sent", "delivered", "undelivered", "failed"}

# How long a call took, as every answer of a method says.
TIME = {
    "start": 1742895600.0,
    "finish": 1742895600.8,
    "duration": 0.8,
    "processing": 0.1,
    "date_start": "2025-03-25T10:00:00+02:00",
    "date_finish": "2025-03-25T10:00:00+02:00",
    "operating_reset_at": 1742896200,
    "operating": 0,
}


def _set() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class FakePortal:
    port: int
    path: str = "/rest/"
    member_id: str = MEMBER_ID
    access_token: str = "access-0"
    refresh_token: str = "refresh-0"
    renewals: int = 0
    code: str = ""
    senders: dict[str, str] = field(default_factory=dict)  # code → handler
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)  # automation rules, by code
    has_bizproc: bool = True  # the app's permission
    contacts: list[dict[str, Any]] = field(default_factory=list)
    has_crm: bool = True  # the app's permission
    answers: list[tuple[str, str, str]] = field(default_factory=list)  # token, status, id
    events: list[tuple[str, str]] = field(default_factory=list)
    statuses: list[tuple[str, str]] = field(default_factory=list)  # of a message, in the order told
    unknown_messages: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    next_answers: list[Answer] = field(default_factory=list)  # in place of the methods' own
    may_answer: threading.Event = field(default_factory=_set)  # cleared: it is very slow

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def client_endpoint(self) -> str:
        return f"{self.url}{self.path}"

    def auth(self, **fields: str) -> dict[str, str]:
        """What its forms have in `auth[…]` when an app is installed."""
        given = {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "expires_in": "3600",
            "domain": "localhost",
            "client_endpoint": self.client_endpoint,
            "server_endpoint": f"{self.url}/rest/",
            "member_id": self.member_id,
            "application_token": APPLICATION_TOKEN,
        }
        return {f"auth[{name}]": value for name, value in (given | fields).items()}

    def authorize(self, url: str) -> dict[str, str]:
        """An administrator opens this page; what stands behind the address that it leads to."""
        asked = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        assert f"{asked.scheme}://{asked.netloc}{asked.path}" == f"{self.url}/oauth/authorize/"
        assert query["client_id"] == CLIENT_ID
        self.code = "avmocpghblyi01m3h42bljvqtyd19sw1"
        return {
            "code": self.code,
            "state": query["state"],
            "domain": "localhost",
            "member_id": self.member_id,
            "scope": "messageservice",
            "server_domain": "oauth.bitrix.info",
        }

    def has_granted(self, query: dict[str, str]) -> bool:
        match query:
            case {"grant_type": "refresh_token", "refresh_token": self.refresh_token}:
                return True
            case {"grant_type": "authorization_code", "code": str(code)} if code == self.code:
                self.code = ""  # it is good for once
                return code != ""
        return False

    def expire(self) -> None:
        self.access_token = f"expired-{self.access_token}"

    def asked(self, path: str, query: dict[str, str]) -> Answer:
        """The authorization server."""
        self.calls.append(path)
        if path == "/rest/app.info/":
            if query.get("auth") != self.access_token:
                return error(401, "expired_token")
            install = {
                "installed": True,
                "version": "1",
                "status": "L",
                "scope": "messageservice",
                "domain": f"localhost:{self.port}",
                "uri": self.url,
                "client_endpoint": self.client_endpoint,
                "member_id": self.member_id,
                "member_type": "local",
            }
            known = {
                "client_id": CLIENT_ID,
                "scope": "messageservice",
                "expires": "2036-04-09T15:00:00+00:00",
                "install": install,
                "user_id": 1,
            }
            return 200, {"result": known, "time": TIME}
        if (query["client_id"], query["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return error(401, "invalid_client")
        if not self.has_granted(query):
            return error(400, "invalid_grant")
        self.renewals += 1
        self.access_token = f"access-{self.renewals}"
        self.refresh_token = f"refresh-{self.renewals}"
        return 200, {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "expires_in": 3600,
            "expires": 2091366000,
            "client_endpoint": self.client_endpoint,
            "server_endpoint": f"{self.url}/rest/",
            "domain": "oauth.bitrix.info",
            "member_id": self.member_id,
            "scope": "messageservice",
            "status": "L",
            "user_id": 1,
        }

    def called(self, path: str, values: dict[str, Any]) -> Answer:
        endpoint, _, method = path.rpartition("/")
        self.calls.append(method)
        assert self.may_answer.wait(20)
        if self.next_answers:
            return self.next_answers.pop(0)
        if endpoint.startswith("/rest/"):  # an incoming webhook
            if endpoint != WEBHOOK.rstrip("/"):
                return error(401, "INVALID_CREDENTIALS")
        elif values.pop("auth", None) != self.access_token:
            return error(401, "expired_token")
        return self.result(method, values)

    def result(self, method: str, values: dict[str, Any]) -> Answer:
        match method:
            case "messageservice.sender.add":
                if values["CODE"] in self.senders:
                    return error(400, "ERROR_SENDER_ALREADY_INSTALLED")
                if values["TYPE"] != "SMS" or not values["NAME"]:
                    return error(400, "ERROR_SENDER_VALIDATION_FAILURE")
                self.senders[values["CODE"]] = values["HANDLER"]
            case "messageservice.sender.update":
                if values["CODE"] not in self.senders:
                    return error(400, "ERROR_SENDER_NOT_FOUND")
                self.senders[values["CODE"]] = values["HANDLER"]
            case "bizproc.robot.add" if not self.has_bizproc:
                return error(401, "insufficient_scope")
            case "bizproc.robot.add":
                if values["CODE"] in self.rules:
                    return error(400, "ERROR_ACTIVITY_ALREADY_INSTALLED")
                if not all(each["Name"] for each in values["PROPERTIES"].values()):
                    return error(400, "ERROR_ACTIVITY_VALIDATION_FAILURE")
                self.rules[values["CODE"]] = values
            case "bizproc.robot.update":
                self.rules[values["CODE"]] |= values["FIELDS"]
            case "bizproc.event.send":
                returned = (values["return_values[status]"], values.get("return_values[id]", ""))
                self.answers.append((values["event_token"], *returned))
            case "event.bind":
                bound = values["event"], values["handler"]
                if "CRM" in values["event"] and not self.has_crm:
                    return error(400, "ERROR_EVENT_NOT_FOUND")
                if bound in self.events:
                    return error(400, "ERROR_CORE", error_description="Handler already binded")
                self.events.append(bound)
            case "event.unbind":
                bound = values["event"], values["handler"]
                count = self.events.count(bound)
                self.events = [each for each in self.events if each != bound]
                return 200, {"result": {"count": count}, "time": TIME}
            case "messageservice.message.status.update":
                if values["MESSAGE_ID"] in self.unknown_messages:
                    return error(400, "ERROR_MESSAGE_NOT_FOUND")
                if values["STATUS"] not in STATUSES:
                    return error(400, "ERROR_MESSAGE_STATUS_INCORRECT")
                assert values["CODE"] in self.senders
                self.statuses.append((values["MESSAGE_ID"], values["STATUS"]))
            case "crm.contact.list" if not self.has_crm:
                return error(403, "insufficient_scope")
            case "crm.contact.list":
                return self.contact_list(values)
            case "batch":
                return self.batch(values["cmd"])
            case _:
                return error(404, "ERROR_METHOD_NOT_FOUND")
        return 200, {"result": True, "time": TIME}

    def contact_list(self, query: dict[str, Any]) -> Answer:
        assert (query["order"], query["start"]) == ({"ID": "ASC"}, -1)
        [(operation, value)] = query["filter"].items()
        compare: Any = {">ID": operator.gt, "@ID": lambda number, some: number in some}[operation]
        found = [each for each in self.contacts if compare(int(each["ID"]), value)]
        page = sorted(found, key=lambda each: int(each["ID"]))[:50]
        fields = query["select"]
        found = [{name: each[name] for name in fields if name in each} for each in page]
        return 200, {"result": found, "total": 0, "time": TIME}

    def batch(self, commands: dict[str, str]) -> Answer:
        assert len(commands) <= 50
        results, errors = {}, {}
        for name, command in commands.items():
            method, _, query = command.partition("?")
            values = {key: value[0] for key, value in parse_qs(query).items()}
            status, body = self.result(method, values)
            if status == 200:
                results[name] = body["result"]
            else:
                errors[name] = body
        # PHP writes an empty map as a list
        result: dict[str, Any] = {
            "result": results or [],
            "result_error": errors or [],
            "result_total": [],
            "result_next": [],
            "result_time": dict.fromkeys(results, TIME) or [],
        }
        return 200, {"result": result, "time": TIME}


@contextmanager
def fake_portal(certificate: Path) -> Iterator[FakePortal]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            self.answer(*found.asked(url.path, query))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(*found.called(self.path.removesuffix(".json"), json.loads(body)))

        def answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        found = FakePortal(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield found
        finally:
            found.may_answer.set()
            server.shutdown()
            thread.join()
