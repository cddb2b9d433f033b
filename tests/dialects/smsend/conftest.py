"""A program that speaks to the vendor's API, logged in."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from licenses import tokens
from licenses.models import Credential
from tests.conftest import Api, Tenant

MOUNT = "/API/v1.0/REST/"
NUMBER = "+48600100200"


def logged_in(tenant: Tenant) -> dict[str, str]:
    """Headers with a token as `GET token` answers it."""
    credential = Credential.objects.get(license_id=tenant.keys.license_id)
    token = tokens.issue(tokens.Kind.ACCESS, tenant.keys.license_id, credential_id=credential.pk)
    return {"user_key": str(tenant.keys.account_id), "Access_token": token}


class Program:
    def __init__(self, api: Api, tenant: Tenant) -> None:
        self.api = api
        self.headers = logged_in(tenant)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        url = f"{MOUNT}{path}?{urlencode(query)}" if query else MOUNT + path
        content = "" if body is None else json.dumps(body)
        return self.api.client.generic(
            method, url, content, content_type="application/json", headers=self.headers
        )

    def get(self, path: str, **query: Any) -> Any:
        response = self.call("GET", path, **query)
        assert response.status_code == 200, response.content
        return response.json()

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        response = self.call("POST", path, body)
        assert response.status_code == status, response.content
        return response.json()

    def send(self, *recipients: Any, **fields: Any) -> Any:
        body = {"message_type": "N", "message": "Hello world!"}
        return self.post("sms", body | {"recipient": list(recipients or [NUMBER])} | fields, 201)

    def states(self, order_id: str) -> list[str]:
        return [recipient["status"] for recipient in self.get(f"sms/{order_id}")["recipients"]]

    def refused(self, response: Any, status: int, about: str = "") -> None:
        """It is the vendor's error, and says what is wrong."""
        assert response.status_code == status, response.content
        body = response.json()
        assert list(body) == ["result", "code", "message", "error_message"]
        assert body["result"] == body["code"] != "OK"
        assert body["message"] == body["error_message"]
        assert about in body["message"], body


@pytest.fixture
def program(api: Api, tenant: Tenant) -> Program:
    return Program(api, tenant)
