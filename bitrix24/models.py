"""Portals of Bitrix24 that are connected, what each is to be told, and what is imported from it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from licenses.models import DIGEST_LENGTH, Account, License

REMOTE_ID_LENGTH = 64
EVENT_TOKEN_LENGTH = 500


class Portal(models.Model):
    """A portal whose local app sends with one licence. What it can be called with is sealed
    (bitrix24.sealing)."""

    class State(models.TextChoices):
        WAITING = "waiting", "its app is not installed yet"
        INCOMPLETE = "incomplete", "works for an hour: client_id and client_secret are missing"
        ACTIVE = "active", "connected"
        BROKEN = "broken", "the portal refuses us"
        UNINSTALLED = "uninstalled", "its app was deleted, or another took its place"

    # The licence is the account's, by a composite foreign key (migration 0003).
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    license = models.ForeignKey(
        License, on_delete=models.PROTECT, related_name="+", db_constraint=False
    )
    link_digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField()

    # What the installation said. A portal that is renamed keeps its `member_id`.
    member_id = models.CharField(max_length=64, default="")
    client_endpoint = models.CharField(max_length=500, default="")
    application_token_digest = models.CharField(max_length=DIGEST_LENGTH, default="")

    client_id = models.CharField(max_length=100, blank=True, default="")
    client_secret = models.TextField(default="")
    access_token = models.TextField(default="")
    refresh_token = models.TextField(default="")
    refreshed_at = models.DateTimeField(null=True)

    # How calls do: after a failure nothing is called until `rests_until`.
    failures = models.PositiveIntegerField(default=0)  # in a row
    rests_until = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=255, default="")

    class Meta:
        verbose_name = "Bitrix24 portal"
        verbose_name_plural = "Bitrix24 portals"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "member_id"],
                condition=~Q(member_id="") & ~Q(state="uninstalled"),
                name="portal_once",
            ),
        ]

    def __str__(self) -> str:
        return f"portal {self.pk}"


class StatusPush(models.Model):
    """A message of a portal, and the state that the portal knows of it. Deleted with the last state."""

    portal = models.ForeignKey(
        Portal, on_delete=models.CASCADE, related_name="pushes", db_index=False
    )
    remote_id = models.CharField(
        max_length=REMOTE_ID_LENGTH
    )  # the portal's `message_id`, or of a token
    message_id = models.BigIntegerField(null=True)  # null: it was refused
    # Of an automation rule: its workflow stands still until it is told a last state.
    event_token = models.CharField(max_length=EVENT_TOKEN_LENGTH, default="")
    waits = models.BooleanField(default=True)  # such a rule; else it is told the first state
    told = models.CharField(max_length=12, default="")
    tries = models.PositiveSmallIntegerField(default=0)  # of the state that is told next
    next_at = models.DateTimeField()  # not before
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "status pushes"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["portal", "remote_id"], name="statuspush_once"),
        ]

    def __str__(self) -> str:
        return f"status push {self.pk}"


class ContactImport(models.Model):
    """Contacts of a portal that an administrator asked for, and how far that has come."""

    portal = models.ForeignKey(
        Portal, on_delete=models.CASCADE, related_name="imports", db_index=False
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    last_id = models.BigIntegerField(
        default=0
    )  # of the portal's contacts: behind it is what is left
    created_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    refused_count = models.PositiveIntegerField(default=0)
    refused = models.JSONField(default=list)  # of the first: the portal's id of each, and why
    error = models.CharField(max_length=255, default="")

    class Meta:
        verbose_name = "contact import"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["portal"], condition=Q(ended_at__isnull=True), name="contactimport_one"
            ),
        ]

    def __str__(self) -> str:
        return f"import {self.pk}"


class ContactChange(models.Model):
    """A contact of a portal that is new or another than it was, to be imported. One row for each time it
    is told: what is told while the contact is read is read again."""

    portal = models.ForeignKey(
        Portal, on_delete=models.CASCADE, related_name="changes", db_index=False
    )
    contact_id = models.BigIntegerField()  # the portal's

    class Meta:
        indexes: ClassVar = [models.Index(fields=["portal", "id"], name="contactchange_next")]

    def __str__(self) -> str:
        return f"change {self.pk}"
