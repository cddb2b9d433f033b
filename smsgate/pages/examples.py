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
