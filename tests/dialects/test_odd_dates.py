"""No date, however odd, is a fault of the server: it is understood or refused, on every surface."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from licenses import tokens
from tests.conftest import Api, Tenant
from tests.dialects.smsend.conftest import MOUNT, logged_in

PHONE = "+48600100200"

_years = st.sampled_from([0, 1, 2, 1582, 1969, 1970, 2026, 2038, 2199, 2200, 9997, 9998, 9999])
_days = st.sampled_from(["01-01", "02-29", "03-29", "10-25", "12-30", "12-31", "13-32", "00-00"])
_clocks = st.sampled_from(["00:00:00", "02:30:00", "23:59:59", "23:59:60", "24:00:00", "00:00"])
_offsets = st.sampled_from(["", "Z", "+14:00", "-14:00", "+23:59", "-23:59", "+99:99", " 02:00"])

iso = st.builds("{:04}-{}{}{}{}".format, _years, _days, st.sampled_from("T "), _clocks, _offsets)
digits = st.one_of(
    st.builds(
        "{:04}{}".format, _years, st.sampled_from(["0101", "1231", "1231235959", "0101000000"])
    ),
    st.text("0123456789", max_size=16),
    st.integers(-(10**15), 10**15).map(str),
)
named = st.builds(
    "{} {}, {:04}, {}:59:59 {}".format,
    st.sampled_from(["Jan", "Dec", "Foo"]), st.sampled_from(["1", "31", "99"]), _years,
    st.sampled_from(["11", "13"]), st.sampled_from(["AM", "PM"]),
)  # fmt: skip
days = st.builds("{:04}-{}".format, _years, _days)
dates = st.one_of(iso, digits, named, days, st.text(max_size=20).filter(lambda t: "\0" not in t))
validities = st.sampled_from([None, -1, 0, 1, 5, 527_040, 31_622_400, 31_622_401, 10**18, 10**30])

Call = Callable[[str, Any], Any]


def calls(api: Api, tenant: Tenant) -> dict[str, Call]:
    """By a name: a call that takes a date and a validity."""
    keys = logged_in(tenant)
    basic = b64encode(f"{tenant.keys.username}:{tenant.keys.password}".encode()).decode()
    them = {"Authorization": f"Basic {basic}"}
    hook = tokens.issue(tokens.Kind.HOOK, tenant.license.pk)
    key = {"X_API_Key": tenant.keys.license_key}
    token = {"token": tenant.keys.token}
    one = {"phone": PHONE, "message": "Hi"}
    get = api.client.get

    def query(path: str, headers: dict[str, str], *names: str, **more: str) -> Call:
        return lambda at, _: get(
            f"{path}?{urlencode(dict.fromkeys(names, at) | more)}", headers=headers
        )

    def sms_by(method: str, **fields: Any) -> Call:
        return lambda at, _: api.post(
            f"/api/v1/{method}",
            token | {name: at if value is DATE else value for name, value in fields.items()},
        )

    return {
        "message": lambda at, _: api.post(
            "/api/messages/", tenant.message(at[:200] or "x", send_after=at)
        ),
        "deadline": lambda at, _: api.post(
            "/api/messages/", tenant.message(f"b{at}"[:200], send_before=at)
        ),
        "contact": lambda at, _: api.post(
            "/api/contacts/contacts/", tenant.with_keys(name="Jan", send_after=at, **one)
        ),
        "bulk": lambda at, _: api.post(
            "/api/messages/bulk/",
            tenant.bulk([one | {"external_id": f"c{at}"[:200], "send_after": at}]),
        ),
        "messages": query("/api/messages/", tenant.headers, "since"),
        "inbox": query("/api/inbox/", tenant.headers, "since"),
        "hook": query(f"/hooks/{hook}/", {}, "send_after", **one),
        "sms-gate": lambda at, ttl: api.post(
            "/api/3rdparty/v1/messages",
            {"phoneNumbers": [PHONE], "textMessage": {"text": "Hi"}, "scheduleAt": at, "ttl": ttl},
            **them,
        ),
        "sms-gate until": lambda at, _: api.post(
            "/api/3rdparty/v1/messages",
            {"phoneNumbers": [PHONE], "textMessage": {"text": "Hi"}, "validUntil": at},
            **them,
        ),
        "sms-gate list": query("/api/3rdparty/v1/messages", them, "from", "to"),
        "smsend": lambda at, minutes: api.post(
            f"{MOUNT}sms",
            {
                "message": "Hi",
                "recipient": [PHONE],
                "scheduled_delivery_time": at,
                "validity_period": minutes,
            },
            **keys,
        ),
        "smsend history": query(f"{MOUNT}smshistory", keys, "from", "to"),
        "smsend recipient": query(f"{MOUNT}rcptHistory", keys, "from", "to", recipient=PHONE),
        "smsend inbox": query(f"{MOUNT}srsmshistory", keys, "from", "to"),
        "smsend blacklist": query(f"{MOUNT}blacklist/sms", keys, "from", "to"),
        "massej": lambda at, _: api.post(
            "/api/v1/send", {"to": PHONE, "message": "Hi", "schedule_time": at}, **key
        ),
        "massej logs": query(
            "/api/v1/logs", {"X-API-Key": key["X_API_Key"]}, "date_from", "date_to"
        ),
        "sms.by": sms_by("createSmsMessage", message="Hi", time=DATE),
        "sms.by list": sms_by("sendSmsList", name="x", message="Hi", list_id=1, d_schedule=DATE),
        "sms.by bulk": lambda at, _: api.post(
            "/api/v1/sendBulkSms",
            token
            | {
                "messages": [
                    {
                        "message_type": "bulk",
                        "text": "Hi",
                        "delivery_list": [PHONE],
                        "schedule_time": at,
                    }
                ]
            },
        ),
    }


DATE = object()


@pytest.mark.timeout(120)
def test_every_date_is_understood_or_refused(api: Api, tenant: Tenant, settings: Any) -> None:
    settings.LICENSE_RATE_PER_MINUTE = 0
    tenant.set_rules(sending_hours="08:00-20:00", max_age_hours=8_736)
    by_name = calls(api, tenant)

    @hypothesis_settings
    @given(dates, validities)
    @example("9998-12-31T23:59:59Z", 31_622_400)
    @example("2199-12-31T23:59:59Z", 31_622_400)
    @example("99981231235959", 527_040)
    @example("21991231235959", 527_040)
    @example("0001-01-01T00:00:00", 60)
    @example("9999-12-31", None)
    def check(at: str, validity: Any) -> None:
        for name, call in by_name.items():
            response = call(at, validity)
            assert response.status_code < 500, (name, at, validity, response.content)

    check()


hypothesis_settings = settings(
    max_examples=10, deadline=None, suppress_health_check=list(HealthCheck)
)
