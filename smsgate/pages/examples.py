"""The example bodies of the API's document, word for word: in the schema, in the demo, in tests."""

from __future__ import annotations

from typing import Any

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

CHANGED_CONTACT: dict[str, Any] = {"name": "Jan Nowak", "group_ids": [12, 15]}

CHANGED_GROUP: dict[str, Any] = {"name": "Autumn Campaign 2026"}

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
