"""The transactional outbox: what happened, one row for each, written with the change itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from licenses.models import Account, License
from outbox.types import EventType

_CHOICES = [(each.value, each.value) for each in EventType]


class Event(models.Model):
    """Something that programs of its account are told of. Only of accounts that keep events.

    Of a message and of a received SMS `data` holds what may change later, so that a body can be made
    again as it was; the number and the text stay in their own row and go with it. Of all else it holds
    everything.
    """

    # One composite foreign key replaces the two (migration 0001): each costs every message.
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    license = models.ForeignKey(  # null: of the account as a whole
        License, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    type = models.CharField(max_length=24, choices=_CHOICES)
    at = models.DateTimeField()
    message_id = models.BigIntegerField(null=True)
    inbound_id = models.BigIntegerField(null=True)
    data = models.JSONField(default=dict)
    # Its place in the feed, given after the commit (webhooks.publishing): ids are given before it, so
    # whoever asks for what came after an id would never see one of a lower id that came later.
    number = models.BigIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="outbox_type_known", condition=Q(type__in=[each.value for each in EventType])
            ),
        ]
        indexes: ClassVar = [
            # what has no number yet
            models.Index(
                fields=["account", "id"], condition=Q(number__isnull=True), name="outbox_new"
            ),
            # the feed, and retention
            models.Index(
                fields=["account", "number"], condition=Q(number__isnull=False), name="outbox_feed"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"event {self.pk}"


class DeletedEvents(models.Model):
    """How far retention has deleted an account's feed: who goes on after an earlier number has a gap."""

    account = models.OneToOneField(
        Account, primary_key=True, on_delete=models.PROTECT, related_name="+"
    )
    newest = models.BigIntegerField()  # number of the newest that is gone

    def __str__(self) -> str:
        return f"events of account {self.pk} up to {self.newest}"
