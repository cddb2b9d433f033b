"""Lists of contacts (v2), which sendSmsList sends to: groups of the address book."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contacts import address_book, selectors, services
from contacts.address_book import Entry
from dialects.params import Params
from dialects.sms_by import requests
from http_api.errors import ApiError
from http_api.shapes import validated
from licenses.sender import Sender


def create_subscriber_list(sender: Sender, params: Params) -> Any:
    group = services.create_group(sender, validated(requests.NewList, params).name)
    return {"status": "OK", "result": {"list_id": group.pk}}


def get_subscriber_lists(sender: Sender, params: Params) -> Any:
    """Answer the account's groups, each with the number of its contacts. (guess)"""
    groups: Iterable[Any] = selectors.counted_groups(sender.account_id).order_by("pk")
    result = [{"list_id": row.pk, "name": row.name, "count": row.count} for row in groups]
    return {"status": "OK", "result": result}


def import_contacts(sender: Sender, params: Params) -> Any:
    """Import contacts into a list: update known ones, leave invalid ones out and name them in `log`."""
    wanted = validated(requests.Import, params)
    group = selectors.group(sender.account_id, wanted.list_id)
    known = set(selectors.phones_in(sender, [group.pk]))
    log: list[dict[str, Any]] = []
    entries: dict[str, Entry] = {}
    for index, contact in enumerate(wanted.contacts()):
        try:
            read = validated(requests.ImportedContact, contact, sender=sender)
        except ApiError as error:
            log.append({"index": index, "error_message": error.message})
        else:
            entries[read.phone] = Entry(read.phone, read.name, (group.pk,))
    address_book.save(sender, list(entries.values()), keep_groups=True)
    return {
        "status": "OK",
        "result": {
            "inserted": len(entries.keys() - known),
            "updated": len(entries.keys() & known),
            "invalid": len(log),
            "log": log,
        },
    }
