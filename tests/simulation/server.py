"""The real server in a simulated world, called without a socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.test import Client
from django.test.client import ClientHandler

from companion_api.wait import look
from http_api.errors import ApiError
from phone_simulator import wire
from phone_simulator.transport import Reply, TransportError
from tests.simulation.history import Handed

if TYPE_CHECKING:
    from tests.simulation.phones import SimPhone
    from tests.simulation.world import World

_HANDLER = ClientHandler(enforce_csrf_checks=False)


@dataclass(slots=True)
class Line:
    """From one phone to the server, and back."""

    server: Server
    phone: SimPhone

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: dict[str, Any] | None = None,
        timeout: float = 30.0,
        give_up: Callable[[], bool] | None = None,
    ) -> Reply:
        if path == wire.WAIT:
            return self._wait(token or "")
        content = b"" if body is None else wire.encode(body)
        if path == wire.SYNC:
            self.server.seen.append((self.phone, token or "", content))
        return self.server.phone_calls(self.phone, method, path, token, content)

    def _wait(self, token: str) -> Reply:
        try:
            is_ready = look(token).is_ready
        except ApiError:
            return Reply(401, b"{}")
        return Reply(200, b'{"ready": true}') if is_ready else Reply(204, b"")


class Server:
    """Dies before or after a commit, is away, and keeps every call so that it can come again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._client = Client()
        self._client.handler = _HANDLER
        self._answers = 0
        self.seen: list[tuple[SimPhone, str, bytes]] = []
        self.dies_before_commit = False  # at the next request
        self.is_away = False

    def line(self, phone: SimPhone) -> Line:
        return Line(self, phone)

    def phone_calls(
        self, phone: SimPhone, method: str, path: str, token: str | None, content: bytes
    ) -> Reply:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        response = self._call(method, path, content, headers)
        if response is None:
            raise TransportError("the connection ended")
        if path == wire.SYNC and response.status_code == 200:
            self._note(phone, response.json()["messages"])
        return Reply(response.status_code, response.content)

    def client_calls(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> Any | None:
        """None: there was no answer."""
        return self._call(method, path, b"" if body is None else json.dumps(body).encode(), headers)

    def _call(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> Any | None:
        if self.is_away:
            return None
        with transaction.atomic():
            response = self._client.generic(
                method, path, content, "application/json", headers=headers
            )
            dies, self.dies_before_commit = self.dies_before_commit, False
            if dies:
                transaction.set_rollback(True)
        assert response.status_code < 500, response.content
        if dies:
            return None
        self._world.observe()
        return response

    def _note(self, phone: SimPhone, messages: list[dict[str, Any]]) -> None:
        self._answers += 1
        for message in messages:
            self._world.history.add(
                Handed(
                    self._world.now,
                    phone.name,
                    phone.life,
                    self._world.name_of(message["message_id"]),
                    message["attempt"],
                    self._answers,
                    self._world.now + message["start_within_seconds"],
                )
            )
