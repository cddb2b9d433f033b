"""Every list, page and count that a program or an operator may ask for, of one large account."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

ANDROID, SMSEND, SMS_BY, MASSEJ_LI = (
    "/api/3rdparty/v1/messages", "/API/v1.0/REST/", "/api/v1/", "/api/v1/",
)  # fmt: skip

# What stands in each of these is asked of the database, once it is filled (bench.life).
FACTS = """
    SELECT m.id AS message_id, m.external_id, m.phone, b.id AS batch_id, b.external_id AS order_id,
        i.sender, i.id AS inbound_id, i.device_id AS device,
        (SELECT max(id) FROM messaging_thread WHERE account_id = m.account_id) AS thread_id,
        o.phone AS opted_out,
        (SELECT max(id) FROM contacts_contactgroup WHERE account_id = m.account_id) AS group_id
    FROM (SELECT * FROM messaging_message WHERE license_id = %(license)s AND batch_id IS NULL
            AND status = 'delivered' ORDER BY id DESC OFFSET 1000 LIMIT 1) AS m,
        (SELECT * FROM messaging_batch WHERE license_id = %(license)s AND dialect = 'sms-by'
            ORDER BY id DESC LIMIT 1) AS b,
        LATERAL (SELECT * FROM messaging_inboundmessage WHERE account_id = m.account_id
            ORDER BY id DESC LIMIT 1) AS i,
        LATERAL (SELECT * FROM messaging_optout WHERE account_id = m.account_id
            ORDER BY id LIMIT 1) AS o"""


@dataclass(frozen=True)
class Read:
    """A GET."""

    name: str
    path: str
    headers: Mapping[str, str]


def of_programs(
    keys: Mapping[str, Any], session: Mapping[str, str], facts: Mapping[str, Any], now: dt.datetime
) -> Iterator[Read]:
    """Yield what an account's programs read: `keys` are its keys, `session` is smSend's log-in."""
    yield from native(f"Bearer {keys['license_key']}", facts, now)
    yield from _address_book(keys, facts)
    yield from _android_sms_gateway(f"Bearer {keys['token']}", now)
    yield from _smsend(session, facts, now)
    yield from _sms_by(keys["token"], facts)
    yield from _massej_li(keys["license_key"], now)


def _shown(path: str, *values: object) -> str:
    """Return a path for the table: what differs from run to run is left out."""
    for value in sorted(map(str, values), key=len, reverse=True):
        path = path.replace(quote_plus(value), "…")
    return path


def _day(now: dt.datetime, days: int) -> str:
    return (now - dt.timedelta(days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def native(key: str, facts: Mapping[str, Any], now: dt.datetime) -> Iterator[Read]:
    headers = {"Authorization": key}
    queries: dict[str, dict[str, Any]] = {
        "newest": {},
        "of a deep cursor": {"cursor": facts["message_id"] // 2},
        "external_id=": {"external_id": facts["external_id"]},
        "phone=": {"phone": facts["phone"]},
        "since= yesterday": {"since": _day(now, 1)},
        "since= 100 days ago": {"since": _day(now, 100)},
        "since= of a deep cursor": {"since": _day(now, 100), "cursor": facts["message_id"] // 2},
        **{
            f"status={status}": {"status": status}
            for status in (
                "pending", "leased", "sending", "sent", "delivered", "undelivered", "failed", "expired",
                "cancelled", "uncertain",
            )
        },
        "status=expired, since=": {"status": "expired", "since": _day(now, 30)},
    }  # fmt: skip
    for name, query in queries.items():
        yield Read(f"messages, {name}", f"/api/messages/?{urlencode(query)}", headers)
    yield Read("message with timeline", f"/api/messages/{facts['message_id']}/", headers)
    yield Read("inbox", "/api/inbox/", headers)
    yield Read("inbox, sender=", f"/api/inbox/?{urlencode({'sender': facts['sender']})}", headers)
    yield Read("inbox, since=", f"/api/inbox/?since={_day(now, 3)}", headers)
    yield Read(
        "inbox, until=, device=",
        f"/api/inbox/?until={_day(now, 3)}&device={facts['device']}",
        headers,
    )
    for show in ("read", "unread", "archived"):
        yield Read(f"threads, show={show}", f"/api/threads/?show={show}", headers)
    thread = f"/api/threads/{facts['thread_id']}/messages/"
    yield Read("thread's messages", thread, headers)
    yield Read("inbox, after=", f"/api/inbox/?after={facts['inbound_id'] // 2}", headers)
    yield Read("opt-outs", "/api/opt-outs/", headers)
    yield Read("me", "/api/me/", headers)


def _address_book(keys: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[Read]:
    headers = {"X-License-Key": keys["license_key"], "X-Api-Key": keys["api_key"]}
    group, deep = facts["group_id"], facts["message_id"] // 2
    queries: dict[str, dict[str, Any]] = {
        "newest": {},
        "of a deep cursor": {"cursor": deep},
        "phone=": {"phone": "+48700000003"},
        "search= of many": {"search": "jan"},
        "search= of nobody": {"search": "nobody"},
        "group=": {"group": group},
        "group= of a deep cursor": {"group": group, "cursor": deep},
        "group=, search=": {"group": group, "search": "nobody"},
    }
    for name, query in queries.items():
        yield Read(f"contacts, {name}", f"/api/contacts/contacts/?{urlencode(query)}", headers)
    yield Read("groups", "/api/contacts/groups/", headers)
    yield Read("groups, search=", "/api/contacts/groups/?search=nobody", headers)


def _android_sms_gateway(key: str, now: dt.datetime) -> Iterator[Read]:
    headers = {"Authorization": key}
    queries: dict[str, dict[str, Any]] = {
        "": {},
        ", of a period": {"from": _day(now, 60), "to": _day(now, 50)},
        ", offset=5000": {"offset": 5000},
        **{f", state={state}": {"state": state} for state in ("Pending", "Failed", "Delivered")},
    }
    for name, query in queries.items():
        yield Read(
            f"SMS Gateway for Android: messages{name}", f"{ANDROID}?{urlencode(query)}", headers
        )


def _smsend(
    headers: Mapping[str, str], facts: Mapping[str, Any], now: dt.datetime
) -> Iterator[Read]:
    start = (now - dt.timedelta(100)).strftime("%Y%m%d%H%M%S")
    for path in (
        f"smshistory?from={start}", f"smshistory?from={start}&pageNumber=9",
        f"rcptHistory?{urlencode({'from': start, 'recipient': facts['phone']})}",
        f"srsmshistory?from={start}", "newsrsmsmessage?limit=50", "blacklist/sms",
        f"blacklist/sms?number={facts['opted_out'][4:]}", "contacts", "groups",
    ):  # fmt: skip
        shown = _shown(path, start, facts["phone"], facts["opted_out"][4:])
        yield Read(f"smSend: {shown}", f"{SMSEND}{path}", headers)


def _sms_by(token: str, facts: Mapping[str, Any]) -> Iterator[Read]:
    for method in (
        "getMessagesList?", "getSMSMessages?", f"getSmsDeliveryList?message_id={facts['batch_id']}&",
        f"statusBulkSms?uuid={facts['order_id']}&", "getSubscriberLists?", "getBalance?",
    ):  # fmt: skip
        yield Read(f"sms.by: {method.partition('?')[0]}", f"{SMS_BY}{method}token={token}", {})


def _massej_li(key: str, now: dt.datetime) -> Iterator[Read]:
    first, last = ((now - dt.timedelta(days)).date().isoformat() for days in (60, 50))
    for path in (
        "logs", "logs?page=9", "logs?status=failed", f"logs?date_from={first}&date_to={last}", "account",
    ):  # fmt: skip
        name = f"massej.li: {_shown(path, first, last)}"
        yield Read(name, f"{MASSEJ_LI}{path}", {"X-API-Key": key})


def of_operators(
    license_id: int, facts: Mapping[str, Any], headers: Mapping[str, str]
) -> Iterator[Read]:
    """Yield the pages of the admin; `headers` are an operator's."""
    message = facts["message_id"]
    for path in (
        "messaging/message/", f"messaging/message/?license__id__exact={license_id}",
        "messaging/message/?p=50", "messaging/message/?status__exact=failed",
        "messaging/message/?status__exact=leased",
        f"messaging/message/?license__id__exact={license_id}&status__exact=expired",
        f"messaging/message/?q={message}", f"messaging/message/?q={facts['external_id']}",
        f"messaging/message/{message}/change/", "webhooks/delivery/",
        "webhooks/delivery/?delivered_at__isempty=1", "webhooks/endpoint/", "messaging/optout/",
        f"messaging/optout/?{urlencode({'q': facts['opted_out']})}", "messaging/inboundmessage/",
        "messaging/event/", "licenses/device/", "licenses/license/", "licenses/account/",
        "contacts/contact/", f"contacts/contact/?{urlencode({'q': '+48700000003'})}",
        "contacts/contactgroup/",
    ):  # fmt: skip
        shown = _shown(path, message, facts["external_id"], facts["opted_out"])
        yield Read(f"admin: {shown}", f"/admin/{path}", headers)


def of_people(facts: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Read]:
    """Yield the pages of the console; `headers` are an owner's."""
    deep = facts["message_id"] // 2
    for path in (
        "", "?days=90", "messages/", "messages/?below={deep}", "messages/?state=pending",
        "messages/?state=failed", "messages/?state=delivered", "messages/?device={device}",
        "messages/?device={device}&state=sent", "messages/?first=2026-01-01&last=2026-01-31",
        "messages/{message_id}/", "messages/exports/", "send/", "conversations/",
        "conversations/?show=unread", "conversations/?show=archived", "conversations/{thread_id}/",
        "opt-outs/", "phones/",
        "keys/", "webhooks/", "team/", "audit/",
    ):  # fmt: skip
        yield Read(f"console: {path}", f"/console/{path.format(deep=deep, **facts)}", headers)
