"""The heart: a message, each attempt to deliver it, and everything that was ever said about it.

                       claim            started           radio: sent        network: delivered
    scheduled → pending ────→ leased ────────→ sending ────────────→ sent ──────────────→ delivered
        ↑          ↑            │  released       │  failed            └ undelivered
        └──────────┴────────────┘                 ├→ failed
                                                  └→ uncertain (no answer; its owner or the phone's
    scheduled, pending → cancelled, expired                     later word decides)

`messaging.states` holds the states and the transitions, `messaging.fold` goes from events to a state.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from http_api.local_time import parse_phone_time
from licenses.models import Account, Device, License
from messaging.states import AttemptState, MessageState, is_opted_out

PHONE_LENGTH = 16  # `+` and fifteen digits


def stored_phone() -> Q:
    """Return what messaging.phone.STORED_PHONE says of a column of PHONE_LENGTH characters.

    In two patterns, the open one first: each write of a row is checked, and PostgreSQL takes eight
    times as long over a bounded repetition.
    """
    return Q(phone__regex=r"^\+[1-9][0-9]+$") | Q(phone__regex=r"^[0-9]{3,8}$")


# Plausible range of a phone's clock: slightly ahead, or behind by the longest time offline.
_CLOCK_SLACK = dt.timedelta(minutes=5)
_LONGEST_SILENCE = dt.timedelta(days=90)


class Encoding(models.TextChoices):
    GSM7 = "gsm7"
    UCS2 = "ucs2"


class OnUncertain(models.TextChoices):
    HOLD = "hold"  # wait for its owner: never sent twice
    RESEND = "resend"  # send again: its owner would rather have it twice than not (one-time codes)


def _choices(states: type[MessageState] | type[AttemptState]) -> list[tuple[str, str]]:
    return [(state.value, state.value) for state in states]


class Batch(models.Model):
    """A send to several recipients, as another service's clients know it: an order, a mailing, a list.

    Its messages are queued, counted and delivered like all others; a batch has no state of its own.
    A send of the native API is one only if its messages' events have a URL of their own to go to. By
    composite keys (migration 0014) its licence is its account's, and its parent its licence's.
    """

    NATIVE = "native"  # in place of a dialect

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    license = models.ForeignKey(
        License, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    dialect = models.CharField(max_length=32)  # each has order ids of its own
    external_id = models.CharField(max_length=64, null=True)  # noqa: DJ001 (null: has none)
    name = models.CharField(max_length=255, default="")
    text = models.TextField(default="")  # of a mailing whose recipients come later; else ''
    send_after = models.DateTimeField(null=True)
    is_held = models.BooleanField(default=False)  # nothing is sent before its owner confirms it
    # Told when all is final, or of a native send of each event; '': none.
    callback_url = models.CharField(max_length=2000, default="")
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="children", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    # What its client said and wants to hear again (a sender's name, a quality). No rule reads it.
    details = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            # an order id is used once; also serves the look-up by it
            models.UniqueConstraint(
                fields=["license", "dialect", "external_id"], name="batch_external_id"
            ),
        ]
        indexes: ClassVar = [
            # the batches of a licence, newest first
            models.Index(fields=["license", "dialect", "id"], name="batch_license"),
            # a request's mailings
            models.Index(
                fields=["parent"], condition=Q(parent__isnull=False), name="batch_parent"
            ),
            # retention: texts not yet erased
            models.Index(
                fields=["account", "created_at"], condition=~Q(text=""), name="batch_retention"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"batch {self.pk}"


class AwaitedBatch(models.Model):
    """A batch whose client is to be told when all of it is final, and is not yet."""

    batch = models.OneToOneField(
        Batch, primary_key=True, on_delete=models.PROTECT, related_name="awaited"
    )
    look_at = models.DateTimeField()  # the next look at whether it is

    class Meta:
        indexes: ClassVar = [models.Index(fields=["look_at"], name="awaited_batch_look")]

    def __str__(self) -> str:
        return f"awaited batch {self.batch_id}"


class Message(models.Model):
    """One SMS that was accepted. Only `messaging.moves` changes its `status`."""

    # Two composite foreign keys replace three simple ones (migration 0014): (account, licence) and
    # (licence, batch). Each further foreign key makes a bulk insert 5 % slower.
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    license = models.ForeignKey(
        License, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    batch = models.ForeignKey(
        Batch, null=True, on_delete=models.PROTECT, related_name="messages", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    external_id = models.CharField(max_length=255, null=True)  # noqa: DJ001 (null: has none)
    # A contact's message has no external id; this digest of phone, text and start identifies it. Its
    # 16 bytes are a UUID since Django inserts that, and not bytes, by its fast path (UNNEST).
    repeat_digest = models.UUIDField(null=True)
    phone = models.CharField(max_length=PHONE_LENGTH)  # '' once erased by retention
    text = models.TextField()
    priority = models.SmallIntegerField(default=10)
    sim = models.SmallIntegerField(null=True)  # slot 0, 1, …; null: the phone's default

    status = models.CharField(max_length=11, choices=_choices(MessageState))
    send_after = models.DateTimeField(null=True)
    send_after_given = models.CharField(max_length=40)  # in the client's own notation, to echo
    send_before = models.DateTimeField(null=True)
    due_at = models.DateTimeField()  # when a `scheduled` message becomes `pending`
    # Deadline for a phone to lease it: `send_before`, or else the account's maximum age.
    expires_at = models.DateTimeField(null=True)
    any_hour = models.BooleanField()  # its owner's own send_after lies outside the sending hours
    on_uncertain = models.CharField(
        max_length=6, choices=OnUncertain.choices, default=OnUncertain.HOLD
    )

    parts = models.PositiveSmallIntegerField()
    encoding = models.CharField(max_length=4, choices=Encoding.choices)

    attempt_n = models.PositiveSmallIntegerField(
        default=0
    )  # the fencing number: the newest attempt
    cancel_requested = models.BooleanField(default=False)  # a phone holds it; asked to give it back
    failure_reason = models.CharField(max_length=64, default="")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)  # of any final state; retention counts from here

    class Meta:
        constraints: ClassVar = [
            # the promise of deduplication; also serves look-ups by external_id
            models.UniqueConstraint(fields=["license", "external_id"], name="message_external_id"),
            models.UniqueConstraint(
                fields=["license", "repeat_digest"],
                condition=Q(repeat_digest__isnull=False),
                name="message_repeat_digest",
            ),
            models.CheckConstraint(
                name="message_phone_is_number",
                condition=Q(phone="") | stored_phone(),
            ),
            models.CheckConstraint(
                name="message_status_known",
                condition=Q(status__in=[state.value for state in MessageState]),
            ),
            models.CheckConstraint(
                name="message_sent_has_time",
                condition=~Q(status__in=["sent", "delivered", "undelivered"])
                | Q(sent_at__isnull=False),
            ),
            models.CheckConstraint(
                name="message_window_has_length",
                condition=Q(send_before__isnull=True)
                | Q(send_after__isnull=True)
                | Q(send_before__gt=F("send_after")),
            ),
        ]
        indexes: ClassVar = [
            # the claim; only what can be taken now is in it, so an empty poll costs nothing
            models.Index(
                F("license"), F("priority").desc(), F("id"),
                condition=Q(status="pending"),
                name="message_claim",
            ),
            # the claim outside sending hours
            models.Index(
                F("license"), F("priority").desc(), F("id"),
                condition=Q(status="pending", any_hour=True),
                name="message_claim_any_hour",
            ),
            # promotion of what has become due, and the timer for the next one
            models.Index(
                fields=["license", "due_at"], condition=Q(status="scheduled"), name="message_due"
            ),
            # expiry of what was not sent in time
            models.Index(
                fields=["expires_at"],
                condition=Q(status__in=["scheduled", "pending"], expires_at__isnull=False),
                name="message_expires_at",
            ),
            # what is under way on a licence, and lists by a state in which few messages are, newest
            # first: without it such a list walks all of the licence's messages
            models.Index(
                fields=["license", "status", "id"],
                condition=Q(status__in=[
                    "leased", "sending", "uncertain", "undelivered", "failed", "expired", "cancelled",
                ]),
                name="message_rare_state",
            ),
            # the same for operators, who see all licences: what ends in one of these seldom does
            models.Index(
                fields=["status", "id"],
                condition=Q(
                    status__in=["uncertain", "undelivered", "failed", "expired", "cancelled"]
                ),
                name="message_seldom",
            ),
            # the messages of a licence, newest first
            models.Index(fields=["license", "id"], name="message_license"),
            # what became of a batch
            models.Index(
                fields=["batch", "id"], condition=Q(batch__isnull=False), name="message_batch"
            ),
            # by phone: the list's filter, and opt-outs
            models.Index(fields=["license", "phone"], name="message_phone"),
            # retention: finished and not yet erased, of each account by its own days
            models.Index(
                fields=["account", "finished_at"],
                condition=Q(finished_at__isnull=False) & ~Q(phone=""),
                name="message_retention",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"message {self.pk}"

    @property
    def is_opted_out(self) -> bool:
        """Say whether it was cancelled since its recipient has opted out."""
        return is_opted_out(self.status, self.failure_reason)

    @property
    def its_batch(self) -> Batch:
        """Return the batch, of a message that is of one."""
        if self.batch is None:
            raise LookupError(f"message {self.pk} is of no batch")
        return self.batch


class Claim(models.Model):
    """A phone's request for messages, remembered so that a repeated one gets the same again."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+", db_index=False)
    claim_id = models.UUIDField()
    claimed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["device", "claim_id"], name="claim_once")
        ]

    def __str__(self) -> str:
        return f"claim {self.claim_id}"


class Attempt(models.Model):
    """The n-th time a message was handed to a phone. A phone's reports name it: `n` is the fence."""

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="attempts", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    n = models.PositiveSmallIntegerField()
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+", db_index=False)
    install_id = models.CharField(max_length=64)
    claim = models.ForeignKey(Claim, null=True, on_delete=models.SET_NULL, related_name="attempts")
    leased_at = models.DateTimeField()
    leased_until = models.DateTimeField()
    state = models.CharField(
        max_length=11, choices=_choices(AttemptState), default=AttemptState.LEASED
    )
    # By the owner or `on_uncertain = resend`: from now on only proofs of sending count.
    is_superseded = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["message", "n"], name="attempt_once"),
            models.CheckConstraint(name="attempt_counts_from_one", condition=Q(n__gte=1)),
        ]
        indexes: ClassVar = [
            # leases that ran out, and what a lost install held
            models.Index(
                fields=["leased_until"],
                condition=Q(state__in=["leased", "sending"]),
                name="attempt_open",
            ),
            models.Index(
                fields=["device"],
                condition=Q(state__in=["leased", "sending"]),
                name="attempt_open_of_device",
            ),
        ]

    def __str__(self) -> str:
        return f"attempt {self.n} of message {self.message_id}"


class Event(models.Model):
    """A phone's report, word for word; append-only. The fold reads these and nothing else.

    One that cannot be applied is kept with its `quarantine` reason and moves nothing.
    """

    device = models.ForeignKey(
        Device, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )  # null: the server's own `lease_expired`
    event_id = models.UUIDField(default=uuid.uuid4)
    type = models.CharField(max_length=32)
    message_id = models.BigIntegerField(null=True)  # as reported: it may not exist
    attempt = models.IntegerField(null=True)
    part = models.PositiveSmallIntegerField(null=True)
    parts = models.PositiveSmallIntegerField(null=True)
    code = models.CharField(max_length=64, default="")
    wall_time = models.CharField(max_length=40, default="")  # the phone's clock: shown, never used
    quarantine = models.CharField(max_length=64, default="")
    received_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            # a repeated report is one report
            models.UniqueConstraint(fields=["device", "event_id"], name="event_once"),
        ]
        indexes: ClassVar = [
            # the fold, and a message's timeline
            models.Index(fields=["message_id", "attempt"], name="event_of_attempt"),
            # the operator's list of quarantined events, and their end
            models.Index(
                fields=["received_at"], condition=~Q(quarantine=""), name="event_quarantine"
            ),
            # how many are kept of a phone
            models.Index(
                fields=["device"], condition=~Q(quarantine=""), name="event_quarantine_of_device"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class StateChange(models.Model):
    """One change of a message's state, written in the same transaction; append-only."""

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="state_changes", db_constraint=False
    )
    from_state = models.CharField(max_length=11)
    to_state = models.CharField(max_length=11)
    at = models.DateTimeField()
    cause = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


class OptOut(models.Model):
    """A recipient who wants no more messages from this account."""

    class Source(models.TextChoices):
        API = "api"
        SMS = "sms"
        ADMIN = "admin"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    phone = models.CharField(max_length=PHONE_LENGTH)
    source = models.CharField(max_length=8, choices=Source.choices)
    # By the network's clock, the newest STOP: an earlier START that is told later takes nothing back.
    said_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            # also serves the look-up of every accepted message
            models.UniqueConstraint(fields=["account", "phone"], name="opt_out_once"),
            # it is looked for by the number that a message has
            models.CheckConstraint(name="opt_out_phone_is_number", condition=stored_phone()),
        ]
        indexes: ClassVar = [
            # the list, newest first
            models.Index(fields=["account", "id"], name="opt_out_account")
        ]

    def __str__(self) -> str:
        return f"opt-out {self.pk}"


class InboundMessage(models.Model):
    """An SMS that a phone received."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+", db_index=False)
    event_id = models.UUIDField()
    sender = models.CharField(
        max_length=64
    )  # E.164 where it is a number; a name or short code else
    text = models.TextField()
    sim = models.SmallIntegerField(null=True)
    wall_time = models.CharField(max_length=40, default="")  # by the phone's clock, as it wrote it
    sent_time = models.CharField(
        max_length=40, default=""
    )  # by the network's, as the phone wrote it
    received_at = models.DateTimeField()  # when the phone told the server

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["device", "event_id"], name="inbound_once")
        ]
        indexes: ClassVar = [
            # the inbox, newest first
            models.Index(fields=["account", "id"], name="inbound_account"),
            # that of one sender
            models.Index(fields=["account", "sender", "id"], name="inbound_sender"),
            # retention
            models.Index(fields=["account", "received_at"], name="inbound_retention"),
        ]

    def __str__(self) -> str:
        return f"inbound {self.pk}"

    @property
    def arrived_at(self) -> dt.datetime | None:
        """When it reached the phone, by the phone's clock; None where that is no time."""
        return parse_phone_time(self.wall_time)

    @property
    def sent_at(self) -> dt.datetime | None:
        """When the network's centre took it in; None where the phone does not know."""
        return parse_phone_time(self.sent_time)

    @property
    def said_at(self) -> dt.datetime | None:
        """The same, but never later than it was told: a network's clock may be wrong, too."""
        return min(self.sent_at, self.received_at) if self.sent_at else None

    @property
    def came_at(self) -> dt.datetime:
        """When it reached the phone, for who shows one time only: the server's where the phone's clock
        is wrong."""
        at, latest = self.arrived_at, self.received_at + _CLOCK_SLACK
        is_right = at is not None and latest - _LONGEST_SILENCE < at <= latest
        return at if at is not None and is_right else self.received_at


class Thread(models.Model):
    """A conversation, and what people have yet to do about it. Written by what is received and
    by people, never by what programs send: what was said stands in messages and received SMS."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    phone = models.CharField(max_length=64)  # as InboundMessage.sender
    last_at = models.DateTimeField()  # when somebody was last heard, or written to by hand
    last_in = models.BigIntegerField(null=True)  # id of the newest received SMS
    last_out = models.BigIntegerField(null=True)  # of the newest message sent by hand
    unread = models.PositiveIntegerField(default=0)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+",
        db_index=False,
    )  # fmt: skip
    is_archived = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "phone"], name="thread_once"),
            models.CheckConstraint(
                name="thread_archived_is_read", condition=Q(is_archived=False) | Q(unread=0)
            ),
        ]
        indexes: ClassVar = [
            # the lists, and retention: few accounts read none, or all
            models.Index(
                fields=["account", "is_archived", "last_at", "id"],
                condition=Q(unread=0),
                name="thread_read",
            ),
            models.Index(
                fields=["account", "last_at", "id"], condition=Q(unread__gt=0), name="thread_unread"
            ),
            models.Index(
                fields=["account", "assignee", "last_at", "id"],
                condition=Q(assignee__isnull=False),
                name="thread_assigned",
            ),
        ]

    def __str__(self) -> str:
        return f"thread {self.pk}"


class Erasure(models.Model):
    """A person whose data an owner has erased (privacy.erasing)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    phone = models.CharField(max_length=PHONE_LENGTH, blank=True)  # '' once all of it is done
    # Of each spelling, keyed by a pepper: what is told later, and was said before, is not kept again.
    digests = ArrayField(models.CharField(max_length=80))
    asked_by = models.CharField(max_length=150)
    asked_at = models.DateTimeField()
    counts = models.JSONField(default=dict)  # of rows that were erased, by kind
    under_way = models.PositiveIntegerField(default=0)  # messages that a phone has still
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [
            # the list, and what a received SMS may be of
            models.Index(fields=["account", "asked_at"], name="erasure_account"),
            # what is not finished
            models.Index(
                fields=["asked_at"], condition=Q(finished_at__isnull=True), name="erasure_open"
            ),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"


class Progress(models.Model):
    """How far a task has come in a table that only grows: what has ids up to `last_id` is done."""

    task = models.CharField(max_length=32, primary_key=True)
    last_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.task} {self.last_id}"


class DailyCount(models.Model):
    """How many of a licence's messages reached a state on a day in UTC, or were accepted.

    The row without licence and day is the sum of all. UTC, for an account may change its time zone.
    """

    ACCEPTED = "accepted"

    license = models.ForeignKey(
        License, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    day = models.DateField(null=True)
    state = models.CharField(max_length=11)
    number = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["license", "day", "state"], nulls_distinct=False, name="daily_count_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.state} on {self.day}"


class PhoneCount(models.Model):
    """How many messages that a phone had reached a state on a day in UTC, and their parts: what was
    delivered was sent, too.

    `sim` as the message named it; null: the phone's default one.
    """

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    sim = models.SmallIntegerField(null=True)
    state = models.CharField(max_length=11)
    number = models.BigIntegerField()
    parts = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            # also serves the look-up of a phone's last days
            models.UniqueConstraint(
                fields=["device", "day", "sim", "state"], nulls_distinct=False,
                name="phone_count_once",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.number} {self.state} on {self.day} by phone {self.device_id}"


class Export(models.Model):
    """An account's messages as a file, which the worker writes (messaging.services.exports)."""

    class Kind(models.TextChoices):
        CSV = "csv"
        XLSX = "xlsx"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    # What is wanted, as a MessageFilter has it: a state ('': all), accepted at or after, and before, by
    # this phone, to one of these numbers ([]: to all), under this id ('': each).
    status = models.CharField(max_length=11, blank=True, default="")
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    device = models.ForeignKey(Device, null=True, on_delete=models.CASCADE, related_name="+")
    phones = models.JSONField(default=list)
    external_id = models.CharField(max_length=255, blank=True, default="")
    kind = models.CharField(max_length=4, choices=Kind.choices, default=Kind.CSV)
    # Messages up to `end_id` are wanted, those up to `last_id` written.
    end_id = models.BigIntegerField()
    last_id = models.BigIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)  # in bytes, as it is fetched
    is_too_large = models.BooleanField(default=False)
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"export {self.pk}"


class ExportPiece(models.Model):
    """Rows of an export, compressed; in the order of their ids."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="pieces")
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"piece {self.pk} of {self.export_id}"
