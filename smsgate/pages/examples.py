"""The example bodies of the API's document, word for word: in the schema, in the demo, in tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from http_api.error_codes import ErrorCode

MESSAGE: dict[str, Any] = {
    "external_id": "order-confirmation-12345",
    "license__key": "ABC123",
    "message": "Your order #12345 has been confirmed. Delivery: 2-3 business days.",
    "phone": "+48123456789",
    "send_after": "2026-04-10T09:00:00",
    "priority": 10,
}

MESSAGES_BULK: dict[str, Any] = {
    "license__key": "ABC123",
    "all_or_nothing": False,
    "messages": [
        {
            "external_id": "promo-april-001",
            "message": "Spring sale — 20% off all orders this week!",
            "phone": "+48123456789",
            "priority": 5,
        },
        {
            "external_id": "promo-april-002",
            "message": "Spring sale — 20% off all orders this week!",
            "phone": "+48987654321",
            "send_after": "2026-04-10T10:00:00",
            "priority": 5,
        },
    ],
}

CONTACT: dict[str, Any] = {
    "key": "ABC123",
    "api_key": "DEF456GHI789",
    "name": "Jan Kowalski",
    "phone": "+48123456789",
    "group_name": "VIP Clients",
    "message": "Welcome {name}! You have been added to our VIP list.",
    "send_after": "2026-04-10T09:00:00",
    "priority": 10,
    "ignore_foreign_numbers": False,
}

CONTACTS_BULK: dict[str, Any] = {
    "key": "ABC123",
    "api_key": "DEF456GHI789",
    "ignore_foreign_numbers": False,
    "all_or_nothing": False,
    "contacts": [
        {
            "name": "Anna Nowak",
            "phone": "+48111222333",
            "group_name": "Newsletter",
            "message": "Hi {name}, thanks for signing up!",
            "send_after": "2026-04-10T09:00:00",
        },
        {"name": "Piotr Wiśniewski", "phone": "+48444555666", "group_name": "Newsletter"},
    ],
}

IMPORT: dict[str, Any] = {
    "key": "ABC123",
    "api_key": "DEF456GHI789",
    "text": "phone;name;city\n+48123456789;Jan Kowalski;Kraków",
    "columns": "phone,name,field:city",
    "group_name": "Newsletter",
    "consent": True,
    "consent_note": "Form on our site, 2026",
}

CHANGED_IMPORT: dict[str, Any] = {
    "encoding": "cp1250",
    "columns": ["phone", "name", "field:city"],
    "known": "overwrite",
}

STARTED_IMPORT: dict[str, Any] = {"consent": True, "consent_note": "Form on our site, 2026"}

GROUP: dict[str, Any] = {
    "key": "ABC123",
    "api_key": "DEF456GHI789",
    "name": "Summer Campaign 2026",
}

GROUPS_BULK: dict[str, Any] = {
    "key": "ABC123",
    "api_key": "DEF456GHI789",
    "groups": [{"name": "VIP Clients"}, {"name": "Newsletter"}, {"name": "Inactive Users"}],
}

HOOK: dict[str, Any] = {"phone": "+48123456789", "message": "Server room: 34 °C"}

PAIR: dict[str, Any] = {
    "code": "ABCD1234EFGH",
    "install_id": "5f0c3a52-6a44-4d3f-8f2e-0c1b9d7e6a10",
    "name": "Pixel 8",
    "sims": [{"sub_id": 1, "slot": 0, "carrier": "Orange"}],
}

SYNC: dict[str, Any] = {
    "claim_id": "6f1d2c3b-4a59-4687-9f00-112233445566",
    "capacity": 10,
    "held": [{"message_id": 4710, "attempt": 1}],
    "events": [
        {
            "event_id": "0198f6f4-5e2a-7c31-9c1e-1f0e6f1f2a3b",
            "type": "part_sent",
            "wall_time": "2026-04-10T09:00:11Z",
            "message_id": 4709,
            "attempt": 1,
            "part": 1,
            "parts": 1,
        }
    ],
    "health": {"battery": 80, "charging": True},
}

CHANGED_CONTACT: dict[str, Any] = {"name": "Jan Nowak", "group_ids": [12, 15]}

CHOSEN_CONTACTS: dict[str, Any] = {
    "key": "ABC123",
    "api_key": "DEF456GHI789",
    "ids": [13, 14],
}

CHANGED_GROUP: dict[str, Any] = {"name": "Autumn Campaign 2026"}

TEMPLATE: dict[str, Any] = {
    "name": "Pick-up",
    "text": "Hello {name}, your order {order} is ready at our shop in {city}.",
}

CHANGED_TEMPLATE: dict[str, Any] = {"name": "Pick-up in a shop"}

RENDERED_FOR: dict[str, Any] = {"phone": "+48123456789", "variables": {"order": "12345"}}

WEBHOOK: dict[str, Any] = {
    "url": "https://example.com/sms-events",
    "events": ["message.delivered", "message.failed", "sms.received"],
    "name": "CRM",
}

_MESSAGE_READ = {
    "id": 4711, "external_id": "order-confirmation-12345", "phone": "+48123456789",
    "message": "Your order #12345 has been confirmed. Delivery: 2-3 business days.",
    "status": "pending", "send_after": None, "created_at": "2026-04-10T09:00:00Z", "send_before": None,
    "priority": 10, "parts": 1, "encoding": "gsm7", "sent_at": None, "delivered_at": None,
    "failure_reason": None, "cancel_requested": False,
}  # fmt: skip

_EVENT_DATA: dict[str, Any] = {
    "message": _MESSAGE_READ,
    "sms": {
        "id": 815, "sender": "+48123456789", "text": "Thank you!", "device_id": 7, "sim": 0,
        "sent_at": "2026-04-10T09:05:00Z", "arrived_at": "2026-04-10T09:05:02Z",
        "received_at": "2026-04-10T09:05:03Z",
    },
    "opt_out": {"phone": "+48123456789", "source": "sms", "created_at": "2026-04-10T09:05:03Z"},
    "device": {
        "id": 7, "name": "Pixel 8", "last_sync_at": "2026-04-10T09:05:03Z", "is_silent": False,
        "is_paused": False, "failing_sims": [], "battery": 80,
    },
    "limit": {"day": "2026-04-10", "max_daily_sms": 1000},
    "webhook": {"endpoint": 3},
    "contacts": {
        "id": 8, "kind": "contacts", "file_name": "clients.csv", "state": "done", "rows": 1200,
        "done_rows": 1200, "counts": {"new": 1150, "unchanged": 45, "rounded": 5}, "error": None,
    },
}  # fmt: skip

# What a message's event changes in it.
_AFTER: dict[str, dict[str, Any]] = {
    "sent": {"status": "sent", "sent_at": "2026-04-10T09:00:11Z"},
    "delivered": {
        "status": "delivered", "sent_at": "2026-04-10T09:00:11Z", "delivered_at": "2026-04-10T09:00:14Z",
    },
    "undelivered": {"status": "undelivered", "sent_at": "2026-04-10T09:00:11Z"},
    "failed": {"status": "failed", "failure_reason": "no_service"},
    "expired": {"status": "expired", "failure_reason": "max_age"},
    "cancelled": {"status": "cancelled", "failure_reason": "cancelled"},
    "uncertain": {"status": "uncertain"},
    "resolved": {"status": "sent", "sent_at": "2026-04-10T09:20:00Z"},
}  # fmt: skip


def event(kind: str) -> dict[str, Any]:
    """Return the body of an event of this type, as a webhook has it."""
    noun, _, past = kind.partition(".")
    changed = _AFTER.get(past, {}) if noun == "message" else {}
    return {
        "id": 90210, "type": kind, "version": 1, "created_at": "2026-04-10T09:00:14Z",
        "data": _EVENT_DATA[noun] | changed,
    }  # fmt: skip


_ACCEPTED = {
    name: _MESSAGE_READ[name]
    for name in ("id", "external_id", "phone", "message", "status", "send_after", "created_at")
}
_CONTACT_READ = {
    "id": 12, "name": "Jan Kowalski", "phone": "+48123456789",
    "groups": [{"id": 5, "name": "VIP Clients"}], "fields": {"city": "Kraków"},
    "consent": {"note": "Form on our site", "by": "olga", "at": "2026-04-10T09:00:00Z"},
    "opted_out": False, "created_at": "2026-04-10T09:00:00Z",
}  # fmt: skip
_IMPORT = {
    "id": 8, "kind": "contacts", "file_name": "clients.csv", "state": "done", "rows": 1200,
    "done_rows": 1200, "counts": {"new": 1150, "unchanged": 45, "rounded": 5},
    "reading": {
        "encoding": "cp1250", "delimiter": ";", "sheet": "", "sheets": [], "has_header": True,
    },
    "columns": ["phone", "name", "field:city"], "group_name": "Newsletter", "known": "keep",
    "made_by": "licence 2", "created_at": "2026-04-10T09:00:00Z", "ended_at": "2026-04-10T09:00:02Z",
    "error": None, "earlier_id": None, "may_be_undone": True,
}  # fmt: skip
_IMPORT_PROBLEM = {
    "row": 17, "reason": "rounded", "same_as_row": None, "cells": ["4,85006E+10", "Jan Kowalski"],
    "message": "the spreadsheet cut this number short: set the column to Text and save again",
}  # fmt: skip
_GROUP = {"id": 5, "name": "VIP Clients", "created_by": 1}
_GROUP_READ = {**_GROUP, "created_at": "2026-04-10T09:00:00Z"}
_TEMPLATE = {
    "id": 4, **TEMPLATE, "variables": ["name", "order", "city"], "created_at": "2026-04-10T09:00:00Z",
    "changed_at": "2026-04-10T09:00:00Z", "changed_by": "olga",
}  # fmt: skip
_THREAD = {
    "id": 31, "phone": "+48123456789", "last_at": "2026-04-10T09:05:03Z", "unread": 1,
    "archived": False, "assignee": "olga",
}  # fmt: skip
_ERASURE = {
    "id": 2, "state": "begun", "under_way": 1, "counts": {"messages": 41, "contacts": 1},
    "asked_by": "olga", "asked_at": "2026-04-10T10:00:00Z", "finished_at": None,
}  # fmt: skip
_ENDPOINT = {
    "id": 3, "url": "https://example.com/sms-events", "name": "CRM",
    "events": ["message.delivered", "message.failed", "sms.received"], "license": "all",
    "enabled": True, "disabled_at": None, "disabled_reason": None, "failing_since": None,
    "created_at": "2026-04-10T08:00:00Z",
}  # fmt: skip
_DELIVERY = {
    "id": 5150, "state": "delivered", "event": event("sms.received"),
    "created_at": "2026-04-10T09:00:14Z", "next_at": None, "delivered_at": "2026-04-10T09:00:15Z",
    "attempts": [
        {"at": "2026-04-10T09:00:15Z", "status_code": 204, "error": None, "duration_ms": 38},
    ],
}  # fmt: skip
_HOOK = {"id": 4711, "status": "pending"}


def _page(*results: Mapping[str, Any]) -> dict[str, Any]:
    return {"next": None, "results": list(results)}


# By the name of their type.
_ANSWERS: dict[str, Any] = {
    "Accepted": _ACCEPTED,
    "BatchAnswer": {
        "created_count": 1, "skipped_count": 1,
        "skipped": [{"index": 1, "reason": "opted_out", "external_id": "promo-april-002"}],
    },
    "MessagePreview": {
        "phone": "+48123456789", "encoding": "gsm7", "parts": 1, "forces_unicode": [],
        "starts_at": "2026-04-10T07:00:00Z", "opted_out": False, "remaining_today": 480,
        "would_be_accepted": True, "refusal": None,
    },
    "MessageRead": _MESSAGE_READ,
    "MessageWithTimeline": {
        **_MESSAGE_READ, **_AFTER["sent"],
        "timeline": [
            {"from": "", "to": "pending", "at": "2026-04-10T09:00:00Z", "cause": "accepted"},
            {"from": "pending", "to": "leased", "at": "2026-04-10T09:00:08Z", "cause": "claimed"},
            {"from": "leased", "to": "sent", "at": "2026-04-10T09:00:11Z", "cause": "reported"},
        ],
        "details_ended": False,
    },
    "MessagePage": _page(_MESSAGE_READ),
    "ContactAnswer": {
        "id": 12, "name": "Jan Kowalski", "phone": "+48123456789", "group_name": "VIP Clients",
        "created": True,
    },
    "ContactsAnswer": {
        "created_count": 1, "updated_count": 0, "skipped_count": 1,
        "skipped": [
            {"index": 1, "reason": "invalid", "errors": {"phone": ["this field is required"]}},
        ],
        "messages_created_count": 1,
    },
    "ContactRead": _CONTACT_READ,
    "ContactPage": _page(_CONTACT_READ),
    "ContactsDeleted": {"deleted_count": 2},
    "ImportRead": _IMPORT,
    "ImportPage": _page(_IMPORT),
    "ImportProblemPage": _page(_IMPORT_PROBLEM),
    "ImportUndone": {"deleted_count": 1150},
    "GroupAnswer": _GROUP,
    "GroupsAnswer": {"groups": [{"name": "VIP Clients", "id": 5, "status": "existed"}]},
    "GroupRead": _GROUP_READ,
    "GroupPage": _page(_GROUP_READ),
    "TemplateRead": _TEMPLATE,
    "TemplatePage": _page(_TEMPLATE),
    "RenderedText": {
        "text": "Hello Jan Kowalski, your order 12345 is ready at our shop in Kraków.",
        "encoding": "gsm7", "parts": 1,
    },
    "MeAnswer": {
        "account": {
            "id": 1, "name": "Acme", "country": "PL", "time_zone": "Europe/Warsaw",
            "sending_hours": "08:00-20:00", "valid_until": "2027-03-31", "max_age_hours": 24,
        },
        "license": {"id": 2, "scopes": None},
        "max_daily_sms": 500,
        "remaining_today": 480,
        "devices": [_EVENT_DATA["device"]],
    },
    "InboxPage": _page(_EVENT_DATA["sms"]),
    "ThreadRead": _THREAD,
    "ThreadPage": _page(_THREAD),
    "TalkPage": _page(
        {"at": "2026-04-10T09:05:03Z", "message": None, "sms": _EVENT_DATA["sms"]},
        {"at": "2026-04-10T09:00:00Z", "message": _MESSAGE_READ, "sms": None},
    ),
    "PersonRead": {
        "phone": "+48123456789", "exported_at": "2026-04-10T10:00:00Z", "contact": _CONTACT_READ,
        "opt_outs": [_EVENT_DATA["opt_out"]], "threads": [_THREAD], "messages": [_MESSAGE_READ],
        "received": [_EVENT_DATA["sms"]],
    },
    "ErasureRead": _ERASURE,
    "ErasurePage": _page(_ERASURE),
    "OptOutRead": _EVENT_DATA["opt_out"],
    "OptOutPage": _page(_EVENT_DATA["opt_out"]),
    "EndpointRead": _ENDPOINT,
    "EndpointWithSecret": {**_ENDPOINT, "secret": "whsec_RXhhbXBsZSBvbmx5OiBub3QgYSBzZWNyZXQ="},
    "EndpointPage": _page(_ENDPOINT),
    "DeliveryRead": _DELIVERY,
    "DeliveryPage": _page(_DELIVERY),
    "Replayed": {"replayed_count": 17},
    "EventPage": {"after": 90210, "results": [event("message.delivered")]},
    "EventStream": 'id: 90210\nevent: webhook.test\ndata: {"id": 90210, "type": "webhook.test", …}\n\n',
    "HookOrAlert": _HOOK,
    "PairedAnswer": {
        "device_id": 7, "token": "dv_EXAMPLE", "account": "Acme",
        "server_time": "2026-04-10T09:00:00Z",
    },
    "SyncedAnswer": {
        "acked": ["0198f6f4-5e2a-7c31-9c1e-1f0e6f1f2a3b"],
        "messages": [
            {
                "message_id": 4711, "attempt": 1, "phone": "+48123456789", "text": "Hello",
                "sim": None, "priority": 10, "start_within_seconds": 3600,
            },
        ],
        "cancel": [], "paused": False, "next_sync_seconds": 60, "pace_seconds": 10,
        "segments_per_minute": 6, "sync_number": 812,
        "server_time": "2026-04-10T09:00:00Z",
    },
    "Ready": {"ready": True},
}  # fmt: skip


def answer(kind: str) -> Any:
    """Return an answer of this type."""
    return _ANSWERS[kind]


def error(code: ErrorCode) -> dict[str, Any]:
    """Return the body of a refusal."""
    if code is ErrorCode.INVALID:
        words = "enter a number like +48123456789"
        return {"message": f"phone: {words}", "code": code, "errors": {"phone": [words]}}
    return {"message": code.meaning, "code": code, "errors": {}}
