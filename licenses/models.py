"""Who may send and who delivers. The tenant is the Account; everything else belongs to one."""

from __future__ import annotations

import uuid
from functools import cache
from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from http_api import clock
from licenses import keywords, scopes, sending_hours
from protocol import constant

DIGEST_LENGTH = 80
# Bounds of settings used in date arithmetic, which overflows after the year 9999.
MAX_RETENTION_DAYS = 36_500
LEASE_SECONDS = (30, 86_400)
MAX_AGE_HOURS = 8_736  # 52 weeks: after the last year that a client may name there is one left


@cache
def _time_zones() -> set[str]:
    return available_timezones()  # reads hundreds of files


def known_time_zone(name: str) -> None:
    if name not in _time_zones():
        raise ValidationError(_("Unknown time zone; use a name like Europe/Warsaw."))


def known_country(code: str) -> None:
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValidationError(_("Unknown country; use a code like PL."))


def readable_hours(text: str) -> None:
    try:
        sending_hours.Week.parse(text)
    except ValueError as error:
        raise ValidationError(f"{str(error).capitalize()}.") from None


class KeptSms(models.TextChoices):
    """Which received SMS are stored for those who have the account's keys. STOP is always heard."""

    ALL = "all", "all, also what banks and strangers send"
    KNOWN = "known", "from numbers that the account has written to, and keywords"
    NOTHING = "nothing", "none"


class Account(models.Model):
    """A business: one Django user owns it. Its rules hold for all of its licences."""

    DEFAULT_MAX_AGE_HOURS = 72

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
    sending_hours = models.CharField(
        max_length=sending_hours.MAX_LENGTH,
        blank=True,
        default="",
        validators=[readable_hours],
        help_text="09:00-17:00 each day, or Mo-Fr 09:00-12:00,13:00-18:00; Sa 10:00-14:00."
        " Empty: always open.",
    )
    max_daily_sms = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no limit.")
    valid_until = models.DateField(
        null=True, blank=True, help_text="The subscription's last day. Empty: for ever."
    )
    is_active = models.BooleanField(default=True)
    max_age_hours = models.PositiveIntegerField(
        "maximum age in hours",
        null=True,
        blank=True,
        default=DEFAULT_MAX_AGE_HOURS,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_AGE_HOURS)],
        help_text="A message without a `send_before` of its own that no phone took within so many hours"
        " of when it was due ends as expired. Empty: it waits for ever.",
    )
    retention_days = models.PositiveIntegerField(
        default=180,
        validators=[MaxValueValidator(MAX_RETENTION_DAYS)],
        help_text="After so many days the phone and text of a finished message are erased.",
    )
    kept_sms = models.CharField(
        "received SMS that are kept",
        max_length=8,
        choices=KeptSms.choices,
        default=KeptSms.KNOWN,
        help_text="Whoever has a key of the account may read them. A phone may have its own rule."
        " STOP is heard in any case.",
    )
    stop_words = models.TextField(
        "words that opt out",
        blank=True,
        default=keywords.DEFAULT_STOP_WORDS,
        validators=[keywords.check_words],
        help_text="An SMS that is nothing but one of these opts its sender out; separate them by commas."
        " STOP itself always does.",
    )
    start_words = models.TextField(
        "words that take that back",
        blank=True,
        default=keywords.DEFAULT_START_WORDS,
        validators=[keywords.check_words],
        help_text="They take back what was asked for by SMS, never what the API or you have set.",
    )
    needs_second_factor = models.BooleanField(
        "members need a second factor",
        default=False,
        help_text="Whoever has none sees no page of the account before they set one up.",
    )
    hides_first_steps = models.BooleanField(
        "first steps are put away", default=False, db_default=False, editable=False
    )
    # Whether what happens is recorded for programs to be told of (outbox): since somebody first asked.
    keeps_events = models.BooleanField(default=False, editable=False)
    # Non-default values of the dialects' settings (dialects.settings).
    dialect_settings = models.JSONField(default=dict, blank=True, editable=False)
    # The webhook signing key is derived from these, not stored: the pepper's version, and a counter that
    # each rotation increments.
    webhook_secret_pepper = models.PositiveSmallIntegerField(default=1, editable=False)
    webhook_secret_number = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="account_numbers_in_range",
                condition=Q(retention_days__lte=MAX_RETENTION_DAYS)
                & (Q(max_age_hours__isnull=True) | Q(max_age_hours__range=(1, MAX_AGE_HOURS))),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def clean(self) -> None:
        if both := keywords.in_both(self.stop_words, self.start_words):
            raise ValidationError(
                _("These words would opt out and take that back: %(words)s"),
                params={"words": ", ".join(both)},
            )


class License(models.Model):
    """A key to send with, and the phones that deliver what it sends."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="licenses")
    name = models.CharField(max_length=255, blank=True)
    key_digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    key_hint = models.CharField("key starts with", max_length=4, editable=False)
    key_used_at = models.DateTimeField(null=True, editable=False)  # to the hour (licenses.lookup)
    # The key before this one, for as long as it works on.
    former_key_digest = models.CharField(
        max_length=DIGEST_LENGTH, null=True, blank=True, unique=True, editable=False
    )
    former_key_until = models.DateTimeField(null=True, editable=False)
    is_active = models.BooleanField(default=True)
    allow_short_codes = models.BooleanField(default=False)
    scopes = models.CharField(
        max_length=100,
        blank=True,
        default="",
        validators=[scopes.check_scopes],
        help_text=f"What its keys may do: {', '.join(scopes.GIVEN)}. Empty: everything.",
    )
    lease_seconds = models.PositiveIntegerField(
        default=constant("lease_seconds"),
        validators=[MinValueValidator(LEASE_SECONDS[0]), MaxValueValidator(LEASE_SECONDS[1])],
        help_text="A phone must start a message within so many seconds of taking it.",
    )
    # The newest doubted Timeline about which its phones were asked.
    settled_timeline = models.BigIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "licence"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="license_lease_in_range", condition=Q(lease_seconds__range=LEASE_SECONDS)
            )
        ]

    def __str__(self) -> str:
        return f"{self.account} #{self.pk}"

    @property
    def former_is_in_force(self) -> bool:
        """Tell whether the key before this one still works."""
        return self.former_key_until is not None and self.former_key_until > clock.now()

    def clean(self) -> None:
        self.scopes = scopes.parse_scopes(self.scopes)


class PepperCheck(models.Model):
    """By what a start sees that a pepper is the one that this database's keys were made with."""

    version = models.PositiveSmallIntegerField(primary_key=True)
    digest = models.CharField(max_length=DIGEST_LENGTH)

    def __str__(self) -> str:
        return f"check of pepper {self.version}"


class ApiKey(models.Model):
    """The second key that contact and group routes ask for."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="api_keys")
    key_digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    key_hint = models.CharField("key starts with", max_length=4, editable=False)
    is_active = models.BooleanField(default=True)
    ends_at = models.DateTimeField("works until", null=True, editable=False)  # it was replaced
    used_at = models.DateTimeField(null=True, editable=False)
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
    ends_at = models.DateTimeField("works until", null=True, editable=False)  # it was replaced
    used_at = models.DateTimeField(null=True, editable=False)
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
    # The log-in that it came from: it ends with that. A composite key (migration 0011) sees to it that
    # both are of one licence.
    credential = models.ForeignKey(
        Credential, null=True, on_delete=models.CASCADE, related_name="+", db_index=False,
        db_constraint=False,
    )  # fmt: skip
    kind = models.CharField(max_length=8, choices=Kind.choices)
    public_id = models.UUIDField(default=uuid.uuid4)  # no secret; of one log-in's tokens the same
    digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    hint = models.CharField("starts with", max_length=4, editable=False)
    scopes = models.CharField(max_length=1000, blank=True, help_text="Empty: everything.")
    # Of a hook link that has its recipients inside: an alert link. The group is an app's above this one.
    alert_phones = ArrayField(
        models.CharField(max_length=16), default=list, verbose_name="sends to the numbers"
    )
    alert_group_id = models.BigIntegerField("sends to the group", null=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, editable=False)
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
    # SIMs that cannot send, as messages name them (null: the default one), and what the server has
    # counted to know that (messaging.services.failing_sims).
    failing_sims = models.JSONField(default=list, blank=True, editable=False)
    refusals = models.JSONField(default=dict, blank=True, editable=False)
    # In so many of the next answers it is told to forget recipients: one may be lost, and is not missed.
    forgets = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.INSTANT)
    is_paused = models.BooleanField(default=False)
    kept_sms = models.CharField(
        "received SMS that are kept",
        max_length=8,
        choices=KeptSms.choices,
        blank=True,
        default="",
        help_text="Empty: as the account says.",
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_sync_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_sync_seconds = models.PositiveIntegerField(default=900, editable=False)
    silent_since = models.DateTimeField(null=True, blank=True, editable=False)
    # How many syncs were answered; a phone knows the number of its last one. None: take its word.
    sync_number = models.BigIntegerField(null=True, default=0, db_default=0, editable=False)
    # The newest doubted Timeline about which it was asked.
    settled_timeline = models.BigIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["license", "install_id"], name="device_install_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} (#{self.pk})"


class Timeline(models.Model):
    """A history of this database, from when it was noticed: PostgreSQL's timeline, or another server.

    The newest is the one that is being written (messaging.services.timelines).
    """

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # A history that was known and is no part of this one: the database went back to before it.
    replaces = models.UUIDField(null=True, editable=False)
    system = models.CharField(max_length=20, editable=False)  # PostgreSQL's system identifier
    number = models.BigIntegerField(editable=False)  # PostgreSQL's timeline
    noticed_at = models.DateTimeField(editable=False)
    # What was committed before may be missing: a licence gets nothing more until its phones were asked.
    is_doubted = models.BooleanField(default=False, editable=False)
    is_loss_shown = models.BooleanField(default=False, editable=False)

    def __str__(self) -> str:
        return f"timeline {self.number} of {self.system}"


class PairingCode(models.Model):
    """Good for one phone and ten minutes."""

    license = models.ForeignKey(License, on_delete=models.CASCADE, related_name="pairing_codes")
    code_digest = models.CharField(max_length=DIGEST_LENGTH, unique=True, editable=False)
    # Both phones are of this licence, by composite keys (migration 0011).
    replaces = models.ForeignKey(  # the device whose new install this is
        Device,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
    )
    expires_at = models.DateTimeField()
    used_by = models.ForeignKey(
        Device,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
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
