"""Conversations: what people do about them. What programs send changes none."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from http_api import clock
from http_api.errors import ApiError
from members.models import Member, Role
from messaging import thread_rows, threads
from messaging.models import Message, Thread


def said(message: Message) -> None:
    """Note that a person wrote this message by hand. Call inside the transaction that accepts it."""
    thread_rows.said(message.account_id, message.phone, message.pk, clock.now())


def opened(account_id: int, phone: str) -> Thread:
    """Return the thread of this number, which is made where there is none."""
    found = threads.thread_of(account_id, phone)
    if found is None:
        thread_rows.opened(account_id, phone, clock.now())
        found = Thread.objects.get(account_id=account_id, phone=phone)
    return found


def read(thread: Thread) -> None:
    """Note that a person has read it. What came since it was read from the database is not yet."""
    if thread.unread:
        mine = Thread.objects.filter(account_id=thread.account_id, pk=thread.pk)
        mine.filter(unread=thread.unread).update(unread=0)


@transaction.atomic
def change(
    account_id: int,
    thread_id: int,
    *,
    is_unread: bool | None = None,
    is_archived: bool | None = None,
) -> None:
    """Mark it, or put it away: that is read, too. Raise ApiError `not_found`."""
    thread = threads.thread(account_id, thread_id)
    mine = Thread.objects.filter(account_id=account_id, pk=thread.pk)
    if is_unread is not None:
        unread = max(thread.unread, 1) if is_unread else 0
        mine.update(unread=unread, is_archived=thread.is_archived and not is_unread)
    if is_archived:
        mine.update(unread=0, is_archived=True)
    elif is_archived is False:
        mine.update(is_archived=False)


@transaction.atomic
def assign(account_id: int, thread_id: int, username: str | None) -> None:
    """Let this member see to it; None: nobody in particular.

    Raise ApiError: `not_found`; `invalid` where nobody of this name may answer in this account.
    """
    thread = threads.thread(account_id, thread_id)
    user: User | None = None
    if username is not None:
        found = [one for one in assignees(account_id) if one.get_username() == username]
        if not found:
            raise ApiError.of_field("assignee", "no member who may answer has this name")
        user = found[0]
    Thread.objects.filter(account_id=account_id, pk=thread.pk).update(assignee=user)


def assignees(account_id: int) -> list[User]:
    """Return the members who may answer, by name."""
    may = [role for role in Role if role.includes(Role.OPERATOR)]
    members = Member.objects.filter(account_id=account_id, role__in=may, user__is_active=True)
    return [one.user for one in members.select_related("user").order_by("user__username")]
