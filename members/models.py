"""Who of people may do what in which account, and what they did. Programs have keys (licenses)."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from licenses.models import DIGEST_LENGTH, Account, Device


class Role(models.TextChoices):
    """Each may all that those above it may."""

    VIEWER = "viewer", "viewer"
    OPERATOR = "operator", "operator"
    OWNER = "owner", "owner"

    def includes(self, other: Role) -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


class Member(models.Model):
    """A person's role in an account; a person may be in several."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=8, choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "user"], name="member_once"),
            models.CheckConstraint(
                name="member_role_known", condition=models.Q(role__in=Role.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"


class Invitation(models.Model):
    """A link by which one person becomes a member: good once, for a week. Only its digest is kept."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=8, choices=Role.choices)
    name = models.CharField(max_length=150)  # for whom, as whoever invites calls them
    email = models.EmailField(
        blank=True, default=""
    )  # where it was mailed to, until it is accepted
    digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.name} to {self.account}"


class Mail(models.Model):
    """A mail that waits to be sent (members.mail). Sealed: it may hold a link that lets somebody in."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    sealed = models.TextField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"mail {self.pk}"


class AlertRule(models.Model):
    """Who is mailed when a phone is silent, and when it is back."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    # null: each phone without a rule of its own
    device = models.ForeignKey(Device, null=True, on_delete=models.CASCADE, related_name="+")
    minutes = models.PositiveSmallIntegerField(
        default=0
    )  # of silence; never before it is marked silent
    member_ids = ArrayField(models.BigIntegerField())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "device"], name="alert_rule_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"of phone {self.device_id}" if self.device_id else f"of account {self.account_id}"


class PhoneAlert(models.Model):
    """The state of a phone that was mailed last. Absent: none was."""

    device = models.OneToOneField(
        Device, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    is_silent = models.BooleanField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"of phone {self.device_id}"


class AuditEntry(models.Model):
    """An act of a person in an account. Append-only, by a trigger (migration 0001); holds no text and no
    number. Written in the transaction of what it records."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    # By name, too: it stays when the person's log-in is deleted.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.DO_NOTHING, related_name="+",
        db_constraint=False, db_index=False,
    )  # fmt: skip
    username = models.CharField(max_length=150)
    action = models.CharField(max_length=32)  # members.audit.Action
    object_id = models.BigIntegerField(null=True)
    count = models.PositiveIntegerField(null=True)
    details = models.JSONField(default=dict)  # what was changed, from what to what
    network = models.CharField(max_length=43, blank=True)  # of the address: /24 or /48
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes: ClassVar = [
            models.Index(fields=["account", "-id"], name="audit_of_account"),
            # retention
            models.Index(fields=["at"], name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.username}: {self.action}"
