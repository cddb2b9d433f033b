"""The clients that SMS Gateway for Android publishes, unmodified: only base URL and keys are ours."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from android_sms_gateway import ahttp, client, domain, errors, http
from android_sms_gateway.enums import ProcessState

from tests.dialects.clients.service import Service

# The document's own path, the vendor's, and ours.
BASES = ("/api/3rdparty/v1", "/3rdparty/v1", "/dialects/android-sms-gateway")
NUMBER = "+48600100200"


def message(text: str) -> domain.Message:
    return domain.Message(phone_numbers=[NUMBER], text_message=domain.TextMessage(text))


def program(service: Service, base: str = BASES[0], **options: Any) -> client.APIClient:
    keys = service.keys
    return client.APIClient(
        keys["username"], keys["password"], base_url=service.url + base, **options
    )


@pytest.mark.parametrize(
    ("base", "backend"),
    [
        (BASES[0], http.RequestsHttpClient),
        (BASES[1], http.HttpxHttpClient),
        (BASES[2], http.RequestsHttpClient),
    ],
)
def test_the_python_client_sees_its_message_delivered(
    service: Service, base: str, backend: type[Any]
) -> None:
    text = f"Zażółć gęślą jaźń {uuid4()}"
    with backend() as used, program(service, base, http=used) as vendors:
        sent = vendors.send(message(text))
        assert sent.state is ProcessState.Pending
        service.deliver()
        state = vendors.get_state(sent.id)
        assert state.state is ProcessState.Delivered
        [recipient] = state.recipients
        assert recipient == domain.RecipientState(NUMBER, ProcessState.Delivered, None)
        assert state.created_at == sent.created_at
        assert sent.id in {listed.id for listed in vendors.get_messages()}
    assert service.texts_sent().count(text) == 1


@pytest.mark.parametrize("backend", [ahttp.AiohttpAsyncHttpClient, ahttp.HttpxAsyncHttpClient])
def test_the_async_python_client_sees_its_message_delivered(
    service: Service, backend: type[Any]
) -> None:
    text = f"Hello {uuid4()}"
    keys = service.keys

    async def run() -> domain.MessageState:
        async with backend() as used, client.AsyncAPIClient(
            keys["username"], keys["password"], base_url=service.url + BASES[1], http_client=used
        ) as vendors:  # fmt: skip
            sent = await vendors.send(message(text))
            await asyncio.to_thread(service.deliver)
            return await vendors.get_state(sent.id)

    assert asyncio.run(run()).state is ProcessState.Delivered
    assert service.texts_sent().count(text) == 1


def test_it_sends_with_a_token_that_it_made(service: Service) -> None:
    text = f"Hello {uuid4()}"
    with program(service) as vendors:
        made = vendors.generate_token(domain.TokenRequest(["messages:send", "messages:read"], 600))
        fresh = vendors.refresh_token(str(made.refresh_token))
    base_url = service.url + BASES[0]
    with client.APIClient(None, fresh.access_token, base_url=base_url) as vendors:
        sent = vendors.send(message(text))
        service.deliver()
        assert vendors.get_state(sent.id).state is ProcessState.Delivered
        with pytest.raises(errors.ForbiddenError) as refused:
            vendors.get_messages()
    assert refused.value.response == {"message": "scope required: messages:list"}
    with program(service) as vendors:
        vendors.revoke_token(fresh.id)
    with client.APIClient(None, fresh.access_token, base_url=base_url) as vendors:
        _until_unauthorized(lambda: vendors.get_state(sent.id))


def _until_unauthorized(call: Callable[[], Any]) -> None:
    """The other web process may remember a token for a second after it was revoked."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            call()
        except errors.UnauthorizedError:
            return
    pytest.fail("the token is not void")


def test_it_cancels_lists_devices_and_asks_for_health(service: Service) -> None:
    text = f"Never sent {uuid4()}"
    with program(service, BASES[1]) as vendors:
        sent = vendors.send(message(text))
        vendors.cancel_message(sent.id)
        assert vendors.get_state(sent.id).state is ProcessState.Cancelled
        cancelled = domain.MessagesQueryFilter(state="Cancelled")
        pages = domain.QueryPagination(limit=5, offset=0)
        assert vendors.get_messages(query=cancelled, pagination=pages)[0].id == sent.id
        assert [device.name for device in vendors.list_devices()] == ["shipped phone"]
        for check in (
            vendors.health_check,
            vendors.liveness_check,
            vendors.readiness_check,
            vendors.startup_check,
        ):
            assert check().status.value == "pass"
    service.deliver()
    assert text not in service.texts_sent()


def test_it_reads_our_refusals(service: Service) -> None:
    with program(service) as vendors:
        with pytest.raises(errors.BadRequestError) as refused:
            vendors.send(domain.Message(phone_numbers=["+4812"], text_message=None))
        assert "textMessage" in str(refused.value.response) or "phoneNumbers" in str(
            refused.value.response
        )
        with pytest.raises(errors.NotFoundError):
            vendors.get_state("no-such-id")
    wrong = client.APIClient("nobody", "wrong", base_url=service.url + BASES[0])
    with wrong as vendors, pytest.raises(errors.UnauthorizedError):
        vendors.get_messages()


def test_a_body_that_is_too_large_is_refused_in_the_vendors_words(service: Service) -> None:
    with program(service) as vendors, pytest.raises(errors.APIError) as refused:
        vendors.send(message("x" * 70_000))
    assert refused.value.status_code == 413
    assert list(refused.value.response) == ["message"]


def test_the_npm_client_sees_its_message_delivered(
    service: Service, node: Callable[..., Any]
) -> None:
    keys = service.keys
    vendors = (service.url + BASES[1], keys["username"], keys["password"])
    script = "android_sms_gateway.mjs"
    text = f"Hello 🔐 {uuid4()}"
    body = json.dumps({"phoneNumbers": [NUMBER], "message": text})
    sent = node(script, *vendors, "send", body)
    assert (sent["status"], sent["body"]["state"]) == (202, "Pending")
    service.deliver()
    state = node(script, *vendors, "getState", json.dumps(sent["body"]["id"]))
    assert state["body"]["state"] == "Delivered"
    assert state["body"]["recipients"][0]["state"] == "Delivered"
    assert service.texts_sent().count(text) == 1
    assert node(script, *vendors, "getHealth")["body"]["status"] == "pass"
    assert node(script, *vendors, "getDevices")["body"][0]["name"] == "shipped phone"
