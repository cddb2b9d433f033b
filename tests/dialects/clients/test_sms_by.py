"""Clients of sms.by, as its documentation and its libraries call it: only host and token are ours."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.dialects.clients.service import Service
from tests.dialects.test_sms_by import SAMPLE

BASES = ("/api/v1", "/dialects/sms-by")


def call(
    service: Service, name: str, http: str = "GET", base: str = BASES[0], **fields: Any
) -> Any:
    """All in the query string, whatever the method: so most of its clients ask."""
    query = {"token": service.keys["token"], **fields}
    response = requests.request(http, f"{service.url}{base}/{name}", params=query, timeout=30)
    assert response.headers["Content-Type"] == "application/json"
    return response.json()


@pytest.mark.parametrize(("http", "base"), [("GET", BASES[0]), ("POST", BASES[1])])
def test_a_created_message_is_sent_and_seen_delivered(
    service: Service, http: str, base: str
) -> None:
    text = f"Zażółć gęślą jaźń {uuid4()}"
    assert call(service, "getLimit", http, base)["limit"] > 0
    created = call(service, "createSmsMessage", http, base, message=text)
    message_id = created["message_id"]
    assert call(service, "checkSMSMessageStatus", http, base, message_id=message_id)["status"] == (
        "moderated"
    )
    queued = call(service, "sendSms", http, base, message_id=message_id, phone="375291234567")
    assert queued["status"] == "NEW"
    service.deliver()
    shown = call(service, "checkSMS", http, base, sms_id=queued["sms_id"])
    assert shown["status"] == "DELIVERED"
    assert shown["delivered"] >= shown["sent"] > 0
    [row] = call(service, "getSmsDeliveryList", http, base, message_id=message_id)["result"]
    assert (row["phone"], row["status"]) == (375291234567, "delivered")
    assert service.texts_sent().count(text) == 1
    assert call(service, "checkSMS", http, base, sms_id=10**12) == {"error": "not found"}


def test_the_documents_sample_is_sent_and_seen_delivered(service: Service) -> None:
    sample = SAMPLE | {"token": service.keys["token"]}
    response = requests.post(f"{service.url}/api/v1/sendBulkSms", json=sample, timeout=30)
    assert (response.status_code, response.json()["success"]) == (200, "OK")
    service.deliver()
    shown = call(service, "statusBulkSms", "POST", uuid=response.json()["uuid"])
    assert [mailing["name"] for mailing in shown] == ["mailing list 1", "mailing list 2"]
    rows = [row for mailing in shown for row in mailing["success"]]
    assert [row["status"] for row in rows] == ["DELIVERED"] * 4
    assert {row["phone"] for row in rows} == {
        "375299999999", "375298888888", "375297777777", "375295555555",
    }  # fmt: skip
    assert {"personal message 1", "personal message 2"} <= set(service.texts_sent())


def test_a_token_in_the_query_string_reaches_no_log_of_the_server(service: Service) -> None:
    call(service, "getBalance")
    call(service, "no/such/path")
    wrong = {"token": "wrong-token-in-a-query", "phone": "375291234567", "message": "x"}
    refused = requests.get(f"{service.url}/api/v1/sendQuickSMS", params=wrong, timeout=30)
    assert (refused.status_code, refused.json()) == (403, {"error": "access denied"})
    log = (service.folder / "web.log").read_text()
    assert "GET api/v1/" in log
    for secret in (service.keys["token"], wrong["token"], wrong["phone"], "token="):
        assert secret not in log
