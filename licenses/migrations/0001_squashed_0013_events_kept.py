"""What a new database gets instead of 0001 to 0013; one that has any of them goes on with those.

Raw SQL: composite foreign keys.
"""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import licenses.keywords
import licenses.models
import licenses.scopes
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("licenses", "0001_initial"),
        ("licenses", "0002_token"),
        ("licenses", "0003_webhooks_and_codes"),
        ("licenses", "0004_max_age"),
        ("licenses", "0005_pepper_check_and_ranges"),
        ("licenses", "0006_received_sms"),
        ("licenses", "0007_failing_sims"),
        ("licenses", "0008_license_scopes"),
        ("licenses", "0009_dialect_settings"),
        ("licenses", "0010_webhook_secret_numbers"),
        ("licenses", "0011_keys_of_one_license"),
        ("licenses", "0012_alert_links"),
        ("licenses", "0013_events_kept"),
    ]

    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                (
                    "country",
                    models.CharField(
                        default="PL",
                        help_text="Numbers without a + are read as numbers of this country.",
                        max_length=2,
                        validators=[licenses.models.known_country],
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default="Europe/Warsaw",
                        max_length=64,
                        validators=[licenses.models.known_time_zone],
                    ),
                ),
                (
                    "opens_at",
                    models.TimeField(
                        blank=True,
                        help_text="Empty: always open.",
                        null=True,
                        verbose_name="sending hours start",
                    ),
                ),
                (
                    "closes_at",
                    models.TimeField(blank=True, null=True, verbose_name="sending hours end"),
                ),
                (
                    "max_daily_sms",
                    models.PositiveIntegerField(
                        blank=True, help_text="Empty: no limit.", null=True
                    ),
                ),
                (
                    "valid_until",
                    models.DateField(
                        blank=True,
                        help_text="The subscription's last day. Empty: for ever.",
                        null=True,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "retention_days",
                    models.PositiveIntegerField(
                        default=180,
                        help_text="After so many days the phone and text of a finished message are erased.",
                        validators=[django.core.validators.MaxValueValidator(36500)],
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "max_age_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        default=72,
                        help_text="A message without a `send_before` of its own that no phone took within so many hours of when it was due ends as expired. Empty: it waits for ever.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(8736),
                        ],
                        verbose_name="maximum age in hours",
                    ),
                ),
                (
                    "kept_sms",
                    models.CharField(
                        choices=[
                            ("all", "all, also what banks and strangers send"),
                            ("known", "from numbers that the account has written to, and keywords"),
                            ("nothing", "none"),
                        ],
                        default="known",
                        help_text="Whoever has a key of the account may read them. A phone may have its own rule. STOP is heard in any case.",
                        max_length=8,
                        verbose_name="received SMS that are kept",
                    ),
                ),
                (
                    "stop_words",
                    models.TextField(
                        blank=True,
                        default="stop, stopall, stop all, stop sms, unsubscribe, cancel, end, quit, optout, opt out, revoke, remove, rezygnuję, rezygnacja, wypisz, wypisz mnie, koniec, usuń, anuluj, stopp, abmelden, abbestellen, arrêt, arrêter, désabonner, désinscription, baja, cancelar, parar, sair, remover, cancella, annulla, disiscrivi, afmelden, uitschrijven, odhlásit, zrušit, konec, leiratkozás, dezabonare, стоп, отписаться, отписка, відписатися",
                        help_text="An SMS that is nothing but one of these opts its sender out; separate them by commas. STOP itself always does.",
                        validators=[licenses.keywords.check_words],
                        verbose_name="words that opt out",
                    ),
                ),
                (
                    "start_words",
                    models.TextField(
                        blank=True,
                        default="start, unstop, subscribe, resume, optin, opt in, wznów, zapisz, zapisz mnie, anmelden, reprendre, alta, reanudar, iniciar, riprendi, iscrivi, aanmelden, přihlásit, feliratkozás, старт, подписаться, підписатися",
                        help_text="They take back what was asked for by SMS, never what the API or you have set.",
                        validators=[licenses.keywords.check_words],
                        verbose_name="words that take that back",
                    ),
                ),
                ("dialect_settings", models.JSONField(blank=True, default=dict, editable=False)),
                (
                    "webhook_secret_pepper",
                    models.PositiveSmallIntegerField(default=1, editable=False),
                ),
                ("webhook_secret_number", models.PositiveIntegerField(default=1, editable=False)),
                ("keeps_events", models.BooleanField(default=False, editable=False)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closes_at__isnull", True), ("opens_at__isnull", True)),
                            models.Q(
                                ("closes_at__isnull", False),
                                ("opens_at__isnull", False),
                                models.Q(("opens_at", models.F("closes_at")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="account_hours_both_or_none",
                        violation_error_message="Give both ends of the sending hours, and let them differ.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("retention_days__lte", 36500),
                            models.Q(
                                ("max_age_hours__isnull", True),
                                ("max_age_hours__range", (1, 8736)),
                                _connector="OR",
                            ),
                        ),
                        name="account_numbers_in_range",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key_digest", models.CharField(editable=False, max_length=80, unique=True)),
                (
                    "key_hint",
                    models.CharField(editable=False, max_length=4, verbose_name="key starts with"),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_keys",
                        to="licenses.account",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
            },
        ),
        migrations.CreateModel(
            name="DailyUsage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("used", models.PositiveIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="licenses.account",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("account", "day"), name="daily_usage_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="License",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=255)),
                ("key_digest", models.CharField(editable=False, max_length=80, unique=True)),
                (
                    "key_hint",
                    models.CharField(editable=False, max_length=4, verbose_name="key starts with"),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("allow_short_codes", models.BooleanField(default=False)),
                (
                    "lease_seconds",
                    models.PositiveIntegerField(
                        default=600,
                        help_text="A phone must start a message within so many seconds of taking it.",
                        validators=[
                            django.core.validators.MinValueValidator(30),
                            django.core.validators.MaxValueValidator(86400),
                        ],
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="licenses",
                        to="licenses.account",
                    ),
                ),
                (
                    "scopes",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="What its keys may do: send, read, inbox, contacts, manage. Empty: everything.",
                        max_length=100,
                        validators=[licenses.scopes.check_scopes],
                    ),
                ),
            ],
            options={
                "verbose_name": "licence",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("lease_seconds__range", (30, 86400))),
                        name="license_lease_in_range",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("install_id", models.CharField(max_length=64)),
                ("token_digest", models.CharField(editable=False, max_length=80, unique=True)),
                ("android", models.CharField(blank=True, max_length=64)),
                ("app_version", models.CharField(blank=True, max_length=64)),
                ("sims", models.JSONField(blank=True, default=list)),
                ("health", models.JSONField(blank=True, default=dict)),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("instant", "instant (keeps a long poll open)"),
                            ("poll", "every 15 minutes"),
                        ],
                        default="instant",
                        max_length=8,
                    ),
                ),
                ("is_paused", models.BooleanField(default=False)),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_sync_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("next_sync_seconds", models.PositiveIntegerField(default=900, editable=False)),
                ("silent_since", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "license",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="devices",
                        to="licenses.license",
                    ),
                ),
                (
                    "kept_sms",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("all", "all, also what banks and strangers send"),
                            ("known", "from numbers that the account has written to, and keywords"),
                            ("nothing", "none"),
                        ],
                        default="",
                        help_text="Empty: as the account says.",
                        max_length=8,
                        verbose_name="received SMS that are kept",
                    ),
                ),
                ("failing_sims", models.JSONField(blank=True, default=list, editable=False)),
                ("refusals", models.JSONField(blank=True, default=dict, editable=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("license", "install_id"), name="device_install_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Credential",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("username", models.CharField(max_length=64, unique=True)),
                ("password_digest", models.CharField(editable=False, max_length=80)),
                ("token_digest", models.CharField(editable=False, max_length=80, unique=True)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "license",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credentials",
                        to="licenses.license",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PairingCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code_digest", models.CharField(editable=False, max_length=80, unique=True)),
                ("expires_at", models.DateTimeField()),
                (
                    "license",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pairing_codes",
                        to="licenses.license",
                    ),
                ),
                (
                    "replaces",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="licenses.device",
                    ),
                ),
                (
                    "used_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="licenses.device",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Token",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("hook", "hook link"),
                            ("access", "Access"),
                            ("refresh", "Refresh"),
                            ("session", "Session"),
                        ],
                        max_length=8,
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4)),
                ("digest", models.CharField(editable=False, max_length=80, unique=True)),
                (
                    "hint",
                    models.CharField(editable=False, max_length=4, verbose_name="starts with"),
                ),
                (
                    "scopes",
                    models.CharField(blank=True, help_text="Empty: everything.", max_length=1000),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "credential",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="licenses.credential",
                    ),
                ),
                (
                    "license",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.license",
                    ),
                ),
                (
                    "alert_group_id",
                    models.BigIntegerField(null=True, verbose_name="sends to the group"),
                ),
                (
                    "alert_phones",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16),
                        default=list,
                        size=None,
                        verbose_name="sends to the numbers",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["license", "public_id"], name="token_public_id"),
                    models.Index(fields=["expires_at"], name="token_expires_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="HookLink",
            fields=[],
            options={
                "proxy": True,
            },
            bases=("licenses.token",),
        ),
        migrations.CreateModel(
            name="PepperCheck",
            fields=[
                ("version", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=80)),
            ],
        ),
        migrations.RunSQL(
            sql="""
                ALTER TABLE licenses_license
                    ADD CONSTRAINT license_of_account UNIQUE (account_id, id);
                ALTER TABLE licenses_credential
                    ADD CONSTRAINT credential_of_license UNIQUE (license_id, id);
                ALTER TABLE licenses_device
                    ADD CONSTRAINT device_of_license UNIQUE (license_id, id);
                ALTER TABLE licenses_token
                    ADD CONSTRAINT token_credential_of_license
                        FOREIGN KEY (license_id, credential_id)
                        REFERENCES licenses_credential (license_id, id)
                        DEFERRABLE INITIALLY DEFERRED;
                ALTER TABLE licenses_pairingcode
                    ADD CONSTRAINT pairingcode_replaces_of_license
                        FOREIGN KEY (license_id, replaces_id)
                        REFERENCES licenses_device (license_id, id)
                        DEFERRABLE INITIALLY DEFERRED,
                    ADD CONSTRAINT pairingcode_used_by_of_license
                        FOREIGN KEY (license_id, used_by_id)
                        REFERENCES licenses_device (license_id, id)
                        DEFERRABLE INITIALLY DEFERRED
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
