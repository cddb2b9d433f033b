"""POST /api/messages/preview/"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings

from http_api.errors import ApiError
from licenses.models import DailyUsage, License
from messaging.drafts import Draft
from messaging.models import Message
from messaging.services import accept, opt_outs
from messaging.services.accept import REFUSE
from tests.conftest import Api, ManualClock, Tenant, note_use, refused
from tests.messaging.test_one_way_in import DRAFTS, NUMBER, OPTED_OUT, TAKEN

URL = "/api/messages/preview/"


def previewed(api: Api, tenant: Tenant, **fields: Any) -> dict[str, Any]:
    response = api.post(URL, tenant.message(**fields))
    assert response.status_code == 200, response.content
    return dict(response.json())


def test_it_says_what_a_send_would_do(api: Api, tenant: Tenant, manual_clock: ManualClock) -> None:
    for path in (URL, URL.rstrip("/")):
        response = api.post(path, tenant.message(phone="123 456 789", message="Hello"))
        assert response.status_code == 200
        assert response.json() == {
            "phone": "+48123456789",
            "encoding": "gsm7",
            "parts": 1,
            "forces_unicode": [],
            "starts_at": "2026-04-09T14:32:00Z",
            "opted_out": False,
            "remaining_today": None,
            "would_be_accepted": True,
            "refusal": None,
        }


def test_it_writes_nothing(api: Api, tenant: Tenant) -> None:
    tenant.set_rules(max_daily_sms=1)
    note_use(tenant)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(2):
            assert previewed(api, tenant)["remaining_today"] == 1
    assert not [q["sql"] for q in queries if "INSERT" in q["sql"] or "UPDATE" in q["sql"]]
    assert not Message.objects.exists()
    assert not DailyUsage.objects.exists()
    assert api.post("/api/messages/", tenant.message()).status_code == 201


@pytest.mark.parametrize(
    ("text", "encoding", "parts", "letters"),
    [
        ("x" * 160, "gsm7", 1, []),
        ("x" * 161, "gsm7", 2, []),
        ("€" * 80, "gsm7", 1, []),
        ("Zażółć żabę", "ucs2", 1, ["ż", "ó", "ł", "ć", "ę"]),
        ("„x”" + "x" * 68, "ucs2", 2, ["„", "”"]),
        ("😀😀", "ucs2", 1, ["😀"]),
    ],
)
def test_it_names_the_letters_that_force_unicode(
    api: Api, tenant: Tenant, text: str, encoding: str, parts: int, letters: list[str]
) -> None:
    shown = previewed(api, tenant, message=text)
    assert (shown["encoding"], shown["parts"]) == (encoding, parts)
    assert shown["forces_unicode"] == letters


def test_a_text_that_is_too_long_is_counted_and_explained(api: Api, tenant: Tenant) -> None:
    shown = previewed(api, tenant, message="ż" + "x" * 800)
    assert (shown["parts"], shown["forces_unicode"]) == (12, ["ż"])
    assert shown["would_be_accepted"] is False
    assert shown["refusal"] == {
        "message": "message: has 12 parts; an SMS may have at most 10",
        "code": "invalid",
        "errors": {"message": ["has 12 parts; an SMS may have at most 10"]},
    }


def test_outside_the_sending_hours_it_says_when_they_open(
    api: Api, tenant: Tenant, manual_clock: ManualClock
) -> None:
    tenant.set_rules(sending_hours="08:00-16:00")
    assert previewed(api, tenant)["starts_at"] == "2026-04-10T06:00:00Z"
    own = previewed(api, tenant, send_after="2026-04-09T20:00:00")
    assert own["starts_at"] == "2026-04-09T18:00:00Z"


@pytest.mark.parametrize(("start", "is_accepted"), [(None, False), ("2026-04-10T09:00:00", True)])
def test_the_limit_is_that_of_the_day_on_which_it_would_start(
    api: Api, tenant: Tenant, manual_clock: ManualClock, start: str | None, is_accepted: bool
) -> None:
    tenant.set_rules(max_daily_sms=1)
    api.post("/api/messages/", tenant.message())
    shown = previewed(api, tenant, external_id="b", send_after=start)
    assert (shown["remaining_today"], shown["would_be_accepted"]) == (0, is_accepted)
    assert (shown["refusal"] or {"code": None})["code"] == (
        None if is_accepted else "daily_limit_exceeded"
    )


def test_an_opt_out_is_told_also_where_something_else_refuses(api: Api, tenant: Tenant) -> None:
    api.post("/api/messages/", tenant.message("a"))
    opt_outs.opt_out(tenant.keys.account_id, "+48123456789", opt_outs.Source.SMS)
    for external_id, code in (("a", "duplicate_external_id"), ("b", "opted_out")):
        shown = previewed(api, tenant, external_id=external_id)
        assert (shown["opted_out"], shown["refusal"]["code"]) == (True, code)
        assert shown["starts_at"] is None


def test_another_accounts_opt_outs_and_ids_are_not_told(
    api: Api, tenant: Tenant, other_tenant: Tenant
) -> None:
    api.post("/api/messages/", other_tenant.message())
    opt_outs.opt_out(other_tenant.keys.account_id, "+48123456789", opt_outs.Source.SMS)
    assert previewed(api, tenant)["would_be_accepted"] is True


@pytest.mark.parametrize(
    ("field", "value"),
    [("phone", "x"), ("message", ""), ("external_id", None), ("send_after", "soon")],
)
def test_what_cannot_be_read_is_refused_as_by_a_send(
    api: Api, tenant: Tenant, field: str, value: Any
) -> None:
    body = tenant.message(**{field: value})
    previewed = refused(api.post(URL, body), 400, "invalid", field)
    assert previewed == refused(api.post("/api/messages/", body), 400, "invalid", field)


def test_it_needs_the_key_and_scope_of_a_send(api: Api, tenant: Tenant) -> None:
    wrong = tenant.message(license__key="ABCDEF")
    refused(api.post(URL, wrong), 404, "license_not_found")
    License.objects.filter(pk=tenant.keys.license_id).update(scopes="read")
    refused(api.post(URL, tenant.message()), 403, "scope_missing")


@pytest.mark.parametrize("hours", [{}, {"sending_hours": "17:00-18:00"}])
@pytest.mark.parametrize("max_daily_sms", [None, 0, 1, 2])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(draft=DRAFTS)
def test_a_send_does_what_its_preview_said(
    tenant: Tenant,
    manual_clock: ManualClock,
    draft: Draft,
    hours: dict[str, Any],
    max_daily_sms: int | None,
) -> None:
    if not Message.objects.exists():
        accept.accept(tenant.sender, [Draft(phone=NUMBER, text="x", external_id=TAKEN)], REFUSE)
        opt_outs.opt_out(tenant.keys.account_id, OPTED_OUT, opt_outs.Source.API)
    tenant.set_rules(max_daily_sms=max_daily_sms, **hours)
    DailyUsage.objects.update_or_create(
        account_id=tenant.keys.account_id, day=manual_clock.now.date(), defaults={"used": 1}
    )
    said = accept.preview(tenant.sender, draft)
    assert said.is_opted_out == (draft.phone == OPTED_OUT)
    sent = outcome(tenant, draft)
    if isinstance(sent, ApiError):
        assert said.message is None
        assert said.refusal is not None
        assert said.refusal.body() == sent.body()
        return
    assert said.refusal is None
    assert said.message is not None
    previewed = {f.attname: getattr(said.message, f.attname) for f in Message._meta.concrete_fields}
    queued = Message.objects.filter(pk=sent.pk).values().get()
    assert previewed == queued | {"id": None}
    Message.objects.exclude(external_id=TAKEN).delete()


def outcome(tenant: Tenant, draft: Draft) -> Message | ApiError:
    try:
        return accept.accept(tenant.sender, [draft], REFUSE).only
    except ApiError as error:
        return error
