"""Who is told of events, what each is to be told, and how each try went."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from http_api.outgoing import MAX_URL, Failure
from licenses.models import Account, License
from messaging.models import Batch
from outbox.models import Event


class Endpoint(models.Model):
    """A receiver of an account: one that it subscribed, or the host of URLs that came with sends."""

    class Kind(models.TextChoices):
        SUBSCRIPTION = "subscription"
        CALLBACK = "callback"  # `url` is a scheme and a host; each delivery has its own
        DELETED = "deleted"  # by its owner; what it was told is being deleted

    class Disabled(models.TextChoices):
        """Why nothing is sent to it any more."""

        GONE = "gone", "it answered 410"
        FAILING = "failing", "every try failed for seven days"
        OWNER = "owner", "by its owner"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    license = models.ForeignKey(  # null: events of all licences
        License, null=True, on_delete=models.PROTECT, related_name="+", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    kind = models.CharField(max_length=12, choices=Kind.choices)
    url = models.CharField(max_length=MAX_URL)
    name = models.CharField(max_length=255, default="")
    event_types = ArrayField(models.CharField(max_length=24), default=list)  # empty: all

    # What signs is derived from a pepper and the number (webhooks.signing). For a while after a rotation
    # the former secret signs too.
    secret_pepper = models.PositiveSmallIntegerField(default=0)
    secret_number = models.PositiveIntegerField(default=1)
    former_pepper = models.PositiveSmallIntegerField(default=0)
    rotated_at = models.DateTimeField(null=True)

    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True)
    disabled_reason = models.CharField(max_length=8, choices=Disabled.choices, default="")

    # How it does. The choice of what is tried next is by these.
    tried_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    rests_until = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "kind", "url"], name="endpoint_once"),
            models.CheckConstraint(
                name="endpoint_disabled_has_reason",
                condition=Q(disabled_at__isnull=True, disabled_reason="")
                | Q(disabled_at__isnull=False) & ~Q(disabled_reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"endpoint {self.pk}"


class Delivery(models.Model):
    """One event, or the end of one batch, for one endpoint: tried until it is taken or given up."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    event = models.ForeignKey(
        Event, null=True, on_delete=models.PROTECT, related_name="deliveries", db_constraint=False
    )
    batch = models.ForeignKey(
        Batch, null=True, on_delete=models.PROTECT, related_name="deliveries", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    url = models.CharField(max_length=MAX_URL, default="")  # '': the endpoint's
    message_id = models.BigIntegerField(null=True)  # those of one message go in their order
    created_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)  # the next try; null: it is over
    tries = models.PositiveSmallIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="delivery_taken_is_over",
                condition=Q(delivered_at__isnull=True) | Q(next_at__isnull=True),
            ),
            models.CheckConstraint(
                name="delivery_tells_one_thing",
                condition=Q(event__isnull=True) ^ Q(batch__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            # what is due of an endpoint
            models.Index(
                F("endpoint"), F("next_at"), F("id"),
                condition=Q(next_at__isnull=False), name="delivery_due",
            ),
            # an earlier one of the same message
            models.Index(
                fields=["message_id", "endpoint"],
                condition=Q(next_at__isnull=False, message_id__isnull=False),
                name="delivery_order",
            ),
            # the list of an endpoint, newest first
            models.Index(fields=["endpoint", "id"], name="delivery_list"),
            # those that were given up
            models.Index(
                fields=["endpoint", "id"],
                condition=Q(next_at__isnull=True, delivered_at__isnull=True),
                name="delivery_given_up",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class DeliveryAttempt(models.Model):
    """One POST, and what came of it."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status_code = models.PositiveSmallIntegerField(null=True)  # null: nothing was answered
    error = models.CharField(  # '': it was taken
        max_length=16, choices=[(each.value, each.words) for each in Failure], default=""
    )

    class Meta:
        verbose_name = "delivery attempt"

    def __str__(self) -> str:
        return f"attempt of delivery {self.delivery_id}"
