"""A client of massej.li, as the vendor documents it: only host and key are ours."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.dialects.clients.service import Service


class Client:
    """What its document has a program do: a key in a header, JSON both ways."""

    def __init__(self, base: str, **headers: str) -> None:
        self.base = base
        self.headers = headers

    def ask(self, method: str, path: str, **options: Any) -> Any:
        response = requests.request(
            method, f"{self.base}/{path}", headers=self.headers, timeout=30, **options
        )
        response.raise_for_status()
        answer = response.json()
        assert answer["success"] is True
        return answer["data"]


@pytest.mark.parametrize("base", ["/api/v1", "/dialects/massej-li"])
@pytest.mark.parametrize("header", ["X-API-Key", "Authorization"])
def test_it_sees_its_message_delivered(service: Service, base: str, header: str) -> None:
    key = service.keys["token"]
    client = Client(
        service.url + base, **{header: f"Bearer {key}" if header == "Authorization" else key}
    )
    text = f"Zażółć gęślą jaźń {uuid4()}"
    assert client.ask("GET", "balance")["balance"] > 0
    sent = client.ask("POST", "send", json={"to": "48600100200", "message": text})
    service.deliver()
    delivered = client.ask("GET", "logs", params={"status": "delivered", "per_page": 1})
    assert [(row["message_id"], row["message"]) for row in delivered] == [
        (sent["message_id"], text)
    ]
    assert service.texts_sent().count(text) == 1


def test_it_sees_a_bulk_delivered(service: Service) -> None:
    client = Client(f"{service.url}/api/v1", **{"X-API-Key": service.keys["license_key"]})
    text = f"Hello {uuid4()}"
    numbers = ["48600100201", "48600100202"]
    sent = client.ask("POST", "send-bulk", json={"recipients": numbers, "message": text})
    service.deliver()
    rows = client.ask("GET", "logs", params={"per_page": 2})
    assert {row["message_id"]: row["status"] for row in rows} == {
        result["message_id"]: "delivered" for result in sent["results"]
    }
    service.count()
    assert client.ask("GET", "account")["stats"]["delivered"] >= 2
