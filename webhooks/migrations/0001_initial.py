"""Endpoints, deliveries and their attempts. Raw SQL: a composite foreign key, and what was told of batches
before: each host of an account becomes an endpoint.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("licenses", "0013_events_kept"),
        ("messaging", "0019_awaited_batch"),
        ("outbox", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("url", models.CharField(default="", max_length=2000)),
                ("message_id", models.BigIntegerField(null=True)),
                ("created_at", models.DateTimeField()),
                ("next_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("delivered_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.account",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="messaging.batch",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="outbox.event",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
            },
        ),
        migrations.CreateModel(
            name="DeliveryAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
                ("duration_ms", models.PositiveIntegerField()),
                ("status_code", models.PositiveSmallIntegerField(null=True)),
                (
                    "error",
                    models.CharField(
                        choices=[
                            ("url", "its URL may not be called"),
                            ("unknown_host", "the name of its host is not known"),
                            ("not_public", "its host has an address that is not public"),
                            ("refused", "the connection was refused"),
                            ("timeout", "no answer in 10 s"),
                            ("certificate", "its certificate is not trusted"),
                            ("tls", "TLS failed"),
                            ("not_http", "what it answered is no HTTP"),
                            ("connection", "the connection failed"),
                            ("status", "it did not answer 2xx"),
                            ("server", "a fault of this server"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempts",
                        to="webhooks.delivery",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery attempt",
            },
        ),
        migrations.CreateModel(
            name="Endpoint",
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
                        choices=[("subscription", "Subscription"), ("callback", "Callback")],
                        max_length=12,
                    ),
                ),
                ("url", models.CharField(max_length=2000)),
                ("name", models.CharField(default="", max_length=255)),
                (
                    "event_types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=24), default=list, size=None
                    ),
                ),
                ("secret_pepper", models.PositiveSmallIntegerField(default=0)),
                ("secret_number", models.PositiveIntegerField(default=1)),
                ("former_pepper", models.PositiveSmallIntegerField(default=0)),
                ("rotated_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("disabled_at", models.DateTimeField(null=True)),
                (
                    "disabled_reason",
                    models.CharField(
                        choices=[
                            ("gone", "it answered 410"),
                            ("failing", "every try failed for seven days"),
                            ("owner", "by its owner"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                ("tried_at", models.DateTimeField(null=True)),
                ("failing_since", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("rests_until", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.account",
                    ),
                ),
                (
                    "license",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.license",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="delivery",
            name="endpoint",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="webhooks.endpoint",
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.UniqueConstraint(
                fields=("account", "kind", "url"), name="endpoint_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="endpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("disabled_at__isnull", True), ("disabled_reason", "")),
                    models.Q(
                        ("disabled_at__isnull", False),
                        models.Q(("disabled_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="endpoint_disabled_has_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.F("endpoint"),
                models.F("next_at"),
                models.F("id"),
                condition=models.Q(("next_at__isnull", False)),
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("message_id__isnull", False), ("next_at__isnull", False)),
                fields=["message_id", "endpoint"],
                name="delivery_order",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["endpoint", "id"], name="delivery_list"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("delivered_at__isnull", True), ("next_at__isnull", True)),
                fields=["endpoint", "id"],
                name="delivery_given_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("delivered_at__isnull", True), ("next_at__isnull", True), _connector="OR"
                ),
                name="delivery_taken_is_over",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("event__isnull", True), ("batch__isnull", True), _connector="XOR"
                ),
                name="delivery_tells_one_thing",
            ),
        ),
        migrations.RunSQL(
            sql="""
                ALTER TABLE webhooks_endpoint ADD CONSTRAINT endpoint_license_of_account
                    FOREIGN KEY (account_id, license_id)
                    REFERENCES licenses_license (account_id, id)
                    DEFERRABLE INITIALLY DEFERRED;
                INSERT INTO webhooks_endpoint (account_id, kind, url, name, event_types, secret_pepper,
                    secret_number, former_pepper, created_at, disabled_reason, failures)
                SELECT b.account_id, 'callback',
                    lower(substring(b.callback_url FROM '^[A-Za-z]+://[^/?#]+')), '', '{}', 0, 1, 0,
                    min(w.created_at), '', 0
                FROM messaging_webhookdelivery AS w JOIN messaging_batch AS b ON b.id = w.batch_id
                WHERE w.next_at IS NULL GROUP BY 1, 2, 3;
                INSERT INTO webhooks_delivery (account_id, endpoint_id, batch_id, url, created_at, tries,
                    delivered_at)
                SELECT b.account_id, e.id, b.id, b.callback_url, w.created_at, w.tries, w.delivered_at
                FROM messaging_webhookdelivery AS w
                JOIN messaging_batch AS b ON b.id = w.batch_id
                JOIN webhooks_endpoint AS e ON e.account_id = b.account_id
                    AND e.url = lower(substring(b.callback_url FROM '^[A-Za-z]+://[^/?#]+'))
                WHERE w.next_at IS NULL
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
