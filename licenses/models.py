"""Who may send and who delivers. The tenant is the Account; everything else belongs to one."""

from __future__ import annotations

import uuid
from functools import cache
from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

DIGEST_LENGTH = 80


@cache
def _time_zones() -> set[str]:
    return available_timezones()  # reads hundreds of files


def known_time_zone(name: str) -> None:
    if name not in _time_zones():
        raise ValidationError("Unknown time zone; use a name like Europe/Warsaw.")


def known_country(code: str) -> None:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValidationError("Unknown country; use a code like PL.")


class Account(models.Model):
    """A business: one Django user owns it. Its rules hold for all of its licences."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    name = models.CharField(max_length=255)
    country = models.CharField(
        max_length=2,
        default="PL",
        validators=[known_country],
        help_text="Numbers without a + are read as numbers of this country.",
    )
    time_zone = models.CharField(
        max_length=64, default="Europe/Warsaw", validators=[known_time_zone]
    )
    opens_at = models.TimeField(
        "sending hours start", null=True, blank=True, help_text="Empty: always open."
    )
    closes_at = models.TimeField("sending hours end", null=True, blank=True)
    max_daily_sms = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no limit.")
    valid_until = models.DateField(
        null=True, blank=True, help_text="The subscription's last day. Empty: for ever."
    )
    is_active = models.BooleanField(default=True)
    retention_days = models.PositiveIntegerField(
        default=180,
        help_text="After so many days the phone and text of a finished message are erased.",
    )
    codes_by_sms = models.BooleanField(
        "one-time codes for Telegram and WhatsApp go out as SMS",
        default=True,
        help_text="For programs that speak sms.by's API. Off: such a code is refused.",
    )
    # Which secret its webhooks are signed with: the version of the pepper that it follows from, and
    # how many there have been.
    webhook_secret_n = models.CharField(max_length=16, default="1$1", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="account_hours_both_or_none",
                condition=Q(opens_at__isnull=True, closes_at__isnull=True)
                | (
                    Q(opens_at__isnull=False, closes_at__isnull=False) & ~Q(opens_at=F("closes_at"))
                ),
                violation_error_message="Give both ends of the sending hours, and let them differ.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class License(models.Model):
    """A key to send with, and the phones that deliver what it sends."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="licenses")
    name = models.CharField(max_length=255, blank=True)
    key_digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    key_hint = models.CharField("key starts with", max_length=4, editable=False)
    is_active = models.BooleanField(default=True)
    allow_short_codes = models.BooleanField(default=False)
    lease_seconds = models.PositiveIntegerField(
        default=600, help_text="A phone must start a message within so many seconds of taking it."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "licence"

    def __str__(self) -> str:
        return f"{self.account} #{self.pk}"


class ApiKey(models.Model):
    """The second key that contact and group routes ask for."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="api_keys")
    key_digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    key_hint = models.CharField("key starts with", max_length=4, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.key_hint}…"


class Credential(models.Model):
    """Username, password and token for clients that log in; never a person's own password."""

    license = models.ForeignKey(License, on_delete=models.PROTECT, related_name="credentials")
    username = models.CharField(max_length=64, unique=True)
    password_digest = models.CharField(max_length=DIGEST_LENGTH, editable=False)
    token_digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.username


class Token(models.Model):
    """A token that we issued for one purpose: a hook link, or what a program's log-in was answered."""

    class Kind(models.TextChoices):
        HOOK = "hook", "hook link"  # made to stand in a URL: it may send, nothing else
        ACCESS = "access"
        REFRESH = "refresh"
        SESSION = "session"

    license = models.ForeignKey(License, on_delete=models.PROTECT, related_name="+", db_index=False)
    credential = models.ForeignKey(  # the log-in that it came from: it ends with that
        Credential, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    public_id = models.UUIDField(default=uuid.uuid4)  # no secret; of one log-in's tokens the same
    digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    hint = models.CharField("starts with", max_length=4, editable=False)
    scopes = models.CharField(max_length=1000, blank=True, help_text="Empty: everything.")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes: ClassVar = [
            # revocation
            models.Index(fields=["license", "public_id"], name="token_public_id"),
            # the daily clean-up
            models.Index(fields=["expires_at"], name="token_expires_at"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.public_id}"


class HookLink(Token):
    """A Token of kind HOOK, for the admin."""

    class Meta:
        proxy = True

    def __str__(self) -> str:
        return f"{self.hint}…"


class Device(models.Model):
    """A paired phone. A new install of it takes its place and voids the old token."""

    class Mode(models.TextChoices):
        INSTANT = "instant", "instant (keeps a long poll open)"
        POLL = "poll", "every 15 minutes"

    license = models.ForeignKey(License, on_delete=models.PROTECT, related_name="devices")
    name = models.CharField(max_length=255)
    install_id = models.CharField(max_length=64)
    token_digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    android = models.CharField(max_length=64, blank=True)
    app_version = models.CharField(max_length=64, blank=True)
    sims = models.JSONField(default=list, blank=True)
    health = models.JSONField(default=dict, blank=True)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.INSTANT)
    is_paused = models.BooleanField(default=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_sync_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_sync_seconds = models.PositiveIntegerField(default=900, editable=False)
    silent_since = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["license", "install_id"], name="device_install_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} (#{self.pk})"


class PairingCode(models.Model):
    """Good for one phone and ten minutes."""

    license = models.ForeignKey(License, on_delete=models.CASCADE, related_name="pairing_codes")
    code_digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    replaces = models.ForeignKey(  # the device whose new install this is
        Device, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(
        Device, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )

    def __str__(self) -> str:
        return f"for {self.license}"


class DailyUsage(models.Model):
    """How many messages an account had accepted for one local day. Absent: none."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    used = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "day"], name="daily_usage_once")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.day}"
