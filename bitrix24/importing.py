"""Import a portal's contacts into those of its account, a few pages at each look; and from then on those
that the portal says are new or changed.

How far it has come is written with what it brought: after a crash it goes on from there. A number is
known by itself, so that an import that is made again changes names at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from django.db import transaction

from bitrix24 import calling
from bitrix24.models import ContactImport, Portal
from contacts import people, services
from contacts.people import Person
from contacts.services import SavedPeople
from http_api import clock
from http_api.errors import ApiError
from licenses import lookup
from licenses.models import License
from licenses.sender import Sender
from messaging import locks

GROUP = "Bitrix24"
PAGE = 50  # what a portal gives to one request
# At each look, which are five seconds apart: with the statuses below the two requests a second that a
# portal allows.
PAGES = 8
SHOWN = 1_000  # of those that were refused
_PAUSE = 0.5  # seconds; a portal allows two requests a second
# The app has no permission for contacts, or who installed it has none: all else goes on.
_NOT_ALLOWED = frozenset({"insufficient_scope", "ACCESS_DENIED"})


Ask = Callable[[str, dict[str, Any]], Any]  # calls a method of a portal


class Row(NamedTuple):
    """A contact of a portal, its mobile numbers first."""

    id: int
    name: str
    phones: list[str]


class Imported(NamedTuple):
    """Counts of an import by an incoming webhook, and who was left out."""

    created_count: int
    updated_count: int
    refused: list[list[Any]]  # the portal's id of each, and why


def rows(ask: Ask, after: int) -> Iterator[Row]:
    """Yield a portal's contacts behind this id, in the order of their ids. Raise as calling.call."""
    while page := _page(ask, {">ID": after}):
        yield from page
        after = page[-1].id


def start(portal: Portal) -> bool:
    """Begin to import, unless that is under way."""
    _, is_new = portal.imports.get_or_create(ended_at=None, defaults={"started_at": clock.now()})
    return is_new


def go_on(portal: Portal) -> int:
    """Import some pages of what was asked for; return how many. Raise as calling.call."""
    wanted = portal.imports.filter(ended_at=None).first()
    if wanted is None:
        return 0
    try:
        sender = lookup.sender_of_license(portal.license_id)
        left = rows(partial(calling.call, portal), wanted.last_id)
        for number in range(PAGES):
            page = list(islice(left, PAGE))
            if not _save(wanted, sender, page):
                return number
    except ApiError as error:  # the licence is none to send with any more
        _end(wanted, error.message)
    except calling.Refused as refused:
        if refused.code not in _NOT_ALLOWED:
            raise
        _end(wanted, refused.code)
    return PAGES


def note_change(portal: Portal, contact_id: int) -> None:
    """Note that a contact is new or another, where the portal's contacts have been asked for."""
    if portal.state != Portal.State.BROKEN and portal.imports.exists():
        portal.changes.create(contact_id=contact_id)


def follow(portal: Portal) -> int:
    """Import a page of what has changed; return how many: 1, or 0 for none. Raise as calling.call."""
    noted = {each.pk: each.contact_id for each in portal.changes.order_by("pk")[:PAGE]}
    if not noted:
        return 0
    try:
        sender = lookup.sender_of_license(portal.license_id)
        page = _page(partial(calling.call, portal), {"@ID": sorted(set(noted.values()))})
    except ApiError:  # the licence is none to send with any more
        page = []
    except calling.Refused as refused:
        if refused.code not in _NOT_ALLOWED:
            raise
        page = []
    with transaction.atomic():
        if page:
            _save_rows(sender, page)
        portal.changes.filter(pk__in=noted).delete()
    return 1


def import_by_webhook(license: License, url: str) -> Imported:
    """Import all contacts of the portal whose incoming webhook this is, for the account of a licence.
    Raise ApiError where that is switched off, and as calling.call."""
    sender = lookup.sender_of_license(license.pk)
    left = rows(partial(calling.call_by_webhook, url), 0)
    done = Imported(0, 0, [])
    while page := list(islice(left, PAGE)):
        with transaction.atomic():
            saved, refused = _save_rows(sender, page)
        done = Imported(
            done.created_count + len(saved.new),
            done.updated_count + len(saved.known),
            done.refused + refused,
        )
        time.sleep(_PAUSE)
    return done


def _page(ask: Ask, wanted: dict[str, Any]) -> list[Row]:
    query = {
        "order": {"ID": "ASC"},
        "filter": wanted,
        "select": ["ID", "NAME", "LAST_NAME", "PHONE"],
        "start": -1,  # or all that there are would be counted for each page
    }
    found = ask("crm.contact.list", query)
    try:
        return [_row(contact) for contact in found]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise calling.Refused("the contacts could not be read") from None


def _row(contact: dict[str, Any]) -> Row:
    name = " ".join(str(contact.get(part) or "").strip() for part in ("NAME", "LAST_NAME")).strip()
    phones = contact.get("PHONE") or []
    mobile_first = sorted(phones, key=lambda phone: phone.get("VALUE_TYPE") != "MOBILE")
    return Row(int(contact["ID"]), name, [str(phone["VALUE"]) for phone in mobile_first])


@transaction.atomic
def _save(wanted: ContactImport, sender: Sender, page: list[Row]) -> bool:
    """Save a page and how far it has come; say whether there may be more for this worker."""
    mine = ContactImport.objects.select_for_update().filter(portal_id=wanted.portal_id)
    now = mine.filter(pk=wanted.pk, last_id=wanted.last_id, ended_at=None).first()
    if now is None:  # another worker has gone on with it
        return False
    if not page:
        _end(wanted, "")
        return False
    saved, refused = _save_rows(sender, page)
    wanted.last_id = page[-1].id
    wanted.created_count += len(saved.new)
    wanted.updated_count += len(saved.known)
    wanted.refused_count += len(refused)
    wanted.refused += refused[: max(SHOWN - len(wanted.refused), 0)]
    wanted.save()
    return True


def _save_rows(sender: Sender, page: list[Row]) -> tuple[SavedPeople, list[list[Any]]]:
    """Save these contacts; return what came of it, and the id of each that cannot be saved, with why."""
    wanted: dict[str, Person] = {}
    refused: list[list[Any]] = []
    for row in page:
        try:
            phone = people.first_number(row.phones, sender.country)
        except people.Problem as problem:
            refused.append([row.id, f"phone: {problem.words}"])
        else:
            wanted[phone] = Person(phone, (row.name or phone)[: people.LONGEST], (GROUP,))
    locks.lock_account(sender.account_id)
    return services.save_people(sender.account_id, list(wanted.values())), refused


def _end(wanted: ContactImport, error: str) -> None:
    wanted.ended_at, wanted.error = clock.now(), error[:255]
    wanted.save(update_fields=["ended_at", "error"])
