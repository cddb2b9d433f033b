"""What a new database gets instead of 0001 to 0019; one that has any of them goes on with those.

Raw SQL: composite foreign keys. 0020 stays apart: webhooks 0001 stands between the two.
"""

import django.db.models.deletion
import messaging.states
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("messaging", "0001_initial"),
        ("messaging", "0002_batch"),
        ("messaging", "0003_repeat_digest_uuid"),
        ("messaging", "0004_webhook_delivery"),
        ("messaging", "0005_quarantine_of_a_device"),
        ("messaging", "0006_max_age"),
        ("messaging", "0007_one_spelling_of_phones"),
        ("messaging", "0008_phones_are_numbers"),
        ("messaging", "0009_old_phones_are_numbers"),
        ("messaging", "0010_sent_time"),
        ("messaging", "0011_webhook_receiver"),
        ("messaging", "0012_rare_states"),
        ("messaging", "0013_stop_said_at"),
        ("messaging", "0014_messages_and_batches_of_one_license"),
        ("messaging", "0015_old_rows_are_of_one_license"),
        ("messaging", "0016_retention_by_account"),
        ("messaging", "0017_daily_counts"),
        ("messaging", "0018_lists_by_index"),
        ("messaging", "0019_awaited_batch"),
    ]

    initial = True

    dependencies = [("licenses", "0011_keys_of_one_license")]

    operations = [
        migrations.CreateModel(
            name="Batch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("dialect", models.CharField(max_length=32)),
                ("external_id", models.CharField(max_length=64, null=True)),
                ("name", models.CharField(default="", max_length=255)),
                ("text", models.TextField(default="")),
                ("send_after", models.DateTimeField(null=True)),
                ("is_held", models.BooleanField(default=False)),
                ("callback_url", models.CharField(default="", max_length=2000)),
                ("details", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
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
                    "license",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.license",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="messaging.batch",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["license", "dialect", "id"], name="batch_license"),
                    models.Index(
                        condition=models.Q(("parent__isnull", False)),
                        fields=["parent"],
                        name="batch_parent",
                    ),
                    models.Index(
                        condition=models.Q(("text", ""), _negated=True),
                        fields=["account", "created_at"],
                        name="batch_retention",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("license", "dialect", "external_id"), name="batch_external_id"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("claim_id", models.UUIDField()),
                ("claimed_at", models.DateTimeField()),
                (
                    "device",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="licenses.device",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("device", "claim_id"), name="claim_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.UUIDField(default=uuid.uuid4)),
                ("type", models.CharField(max_length=32)),
                ("message_id", models.BigIntegerField(null=True)),
                ("attempt", models.IntegerField(null=True)),
                ("part", models.PositiveSmallIntegerField(null=True)),
                ("parts", models.PositiveSmallIntegerField(null=True)),
                ("code", models.CharField(default="", max_length=64)),
                ("wall_time", models.CharField(default="", max_length=40)),
                ("quarantine", models.CharField(default="", max_length=64)),
                ("received_at", models.DateTimeField()),
                (
                    "device",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.device",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["message_id", "attempt"], name="event_of_attempt"),
                    models.Index(
                        condition=models.Q(("quarantine", ""), _negated=True),
                        fields=["received_at"],
                        name="event_quarantine",
                    ),
                    models.Index(
                        condition=models.Q(("quarantine", ""), _negated=True),
                        fields=["device"],
                        name="event_quarantine_of_device",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("device", "event_id"), name="event_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="InboundMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.UUIDField()),
                ("sender", models.CharField(max_length=64)),
                ("text", models.TextField()),
                ("sim", models.SmallIntegerField(null=True)),
                ("wall_time", models.CharField(default="", max_length=40)),
                ("received_at", models.DateTimeField()),
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
                    "device",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.device",
                    ),
                ),
                ("sent_time", models.CharField(default="", max_length=40)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "id"], name="inbound_account"),
                    models.Index(fields=["account", "received_at"], name="inbound_retention"),
                    models.Index(fields=["account", "sender", "id"], name="inbound_sender"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("device", "event_id"), name="inbound_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("external_id", models.CharField(max_length=255, null=True)),
                ("repeat_digest", models.UUIDField(null=True)),
                ("phone", models.CharField(max_length=16)),
                ("text", models.TextField()),
                ("priority", models.SmallIntegerField(default=10)),
                ("sim", models.SmallIntegerField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("scheduled", "scheduled"),
                            ("pending", "pending"),
                            ("leased", "leased"),
                            ("sending", "sending"),
                            ("uncertain", "uncertain"),
                            ("sent", "sent"),
                            ("delivered", "delivered"),
                            ("undelivered", "undelivered"),
                            ("failed", "failed"),
                            ("expired", "expired"),
                            ("cancelled", "cancelled"),
                        ],
                        max_length=11,
                    ),
                ),
                ("send_after", models.DateTimeField(null=True)),
                ("send_after_given", models.CharField(max_length=40)),
                ("send_before", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField()),
                ("any_hour", models.BooleanField()),
                (
                    "on_uncertain",
                    models.CharField(
                        choices=[("hold", "Hold"), ("resend", "Resend")],
                        default="hold",
                        max_length=6,
                    ),
                ),
                ("parts", models.PositiveSmallIntegerField()),
                (
                    "encoding",
                    models.CharField(choices=[("gsm7", "Gsm7"), ("ucs2", "Ucs2")], max_length=4),
                ),
                ("attempt_n", models.PositiveSmallIntegerField(default=0)),
                ("cancel_requested", models.BooleanField(default=False)),
                ("failure_reason", models.CharField(default="", max_length=64)),
                ("created_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(null=True)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
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
                    "license",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.license",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="messaging.batch",
                    ),
                ),
                ("expires_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("license"),
                        models.OrderBy(models.F("priority"), descending=True),
                        models.F("id"),
                        condition=models.Q(("status", "pending")),
                        name="message_claim",
                    ),
                    models.Index(
                        models.F("license"),
                        models.OrderBy(models.F("priority"), descending=True),
                        models.F("id"),
                        condition=models.Q(("any_hour", True), ("status", "pending")),
                        name="message_claim_any_hour",
                    ),
                    models.Index(
                        condition=models.Q(("status", "scheduled")),
                        fields=["license", "due_at"],
                        name="message_due",
                    ),
                    models.Index(fields=["license", "id"], name="message_license"),
                    models.Index(fields=["license", "phone"], name="message_phone"),
                    models.Index(
                        condition=models.Q(("batch__isnull", False)),
                        fields=["batch", "id"],
                        name="message_batch",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("expires_at__isnull", False), ("status__in", ["scheduled", "pending"])
                        ),
                        fields=["expires_at"],
                        name="message_expires_at",
                    ),
                    models.Index(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "leased",
                                    "sending",
                                    "uncertain",
                                    "undelivered",
                                    "failed",
                                    "expired",
                                    "cancelled",
                                ],
                            )
                        ),
                        fields=["license", "status", "id"],
                        name="message_rare_state",
                    ),
                    models.Index(
                        condition=models.Q(
                            ("finished_at__isnull", False), models.Q(("phone", ""), _negated=True)
                        ),
                        fields=["account", "finished_at"],
                        name="message_retention",
                    ),
                    models.Index(
                        condition=models.Q(
                            (
                                "status__in",
                                ["uncertain", "undelivered", "failed", "expired", "cancelled"],
                            )
                        ),
                        fields=["status", "id"],
                        name="message_seldom",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("license", "external_id"), name="message_external_id"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("repeat_digest__isnull", False)),
                        fields=("license", "repeat_digest"),
                        name="message_repeat_digest",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "scheduled",
                                    "pending",
                                    "leased",
                                    "sending",
                                    "uncertain",
                                    "sent",
                                    "delivered",
                                    "undelivered",
                                    "failed",
                                    "expired",
                                    "cancelled",
                                ],
                            )
                        ),
                        name="message_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("status__in", ["sent", "delivered", "undelivered"]), _negated=True
                            ),
                            ("sent_at__isnull", False),
                            _connector="OR",
                        ),
                        name="message_sent_has_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("send_before__isnull", True),
                            ("send_after__isnull", True),
                            ("send_before__gt", models.F("send_after")),
                            _connector="OR",
                        ),
                        name="message_window_has_length",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("phone", ""),
                            ("phone__regex", "^\\+[1-9][0-9]+$"),
                            ("phone__regex", "^[0-9]{3,8}$"),
                            _connector="OR",
                        ),
                        name="message_phone_is_number",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("n", models.PositiveSmallIntegerField()),
                ("install_id", models.CharField(max_length=64)),
                ("leased_at", models.DateTimeField()),
                ("leased_until", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("leased", "leased"),
                            ("sending", "sending"),
                            ("uncertain", "uncertain"),
                            ("failed", "failed"),
                            ("sent", "sent"),
                            ("undelivered", "undelivered"),
                            ("delivered", "delivered"),
                            ("released", "released"),
                        ],
                        default=messaging.states.AttemptState["LEASED"],
                        max_length=11,
                    ),
                ),
                ("is_superseded", models.BooleanField(default=False)),
                (
                    "device",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.device",
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="attempts",
                        to="messaging.claim",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="attempts",
                        to="messaging.message",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["leased", "sending"])),
                        fields=["leased_until"],
                        name="attempt_open",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["leased", "sending"])),
                        fields=["device"],
                        name="attempt_open_of_device",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("message", "n"), name="attempt_once"),
                    models.CheckConstraint(
                        condition=models.Q(("n__gte", 1)), name="attempt_counts_from_one"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OptOut",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone", models.CharField(max_length=16)),
                (
                    "source",
                    models.CharField(
                        choices=[("api", "Api"), ("sms", "Sms"), ("admin", "Admin")], max_length=8
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="licenses.account",
                    ),
                ),
                ("said_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["account", "id"], name="opt_out_account")],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "phone"), name="opt_out_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("phone__regex", "^\\+[1-9][0-9]+$"),
                            ("phone__regex", "^[0-9]{3,8}$"),
                            _connector="OR",
                        ),
                        name="opt_out_phone_is_number",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StateChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_state", models.CharField(max_length=11)),
                ("to_state", models.CharField(max_length=11)),
                ("at", models.DateTimeField()),
                ("cause", models.CharField(max_length=64)),
                (
                    "message",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="state_changes",
                        to="messaging.message",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("next_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("error", models.CharField(default="", max_length=100)),
                ("delivered_at", models.DateTimeField(null=True)),
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="webhook",
                        to="messaging.batch",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook",
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_at__isnull", False)),
                        fields=["next_at"],
                        name="webhook_due",
                    ),
                    models.Index(
                        condition=models.Q(("delivered_at__isnull", True)),
                        fields=["batch"],
                        name="webhook_not_taken",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("delivered_at__isnull", True),
                            ("next_at__isnull", True),
                            _connector="OR",
                        ),
                        name="webhook_taken_is_over",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookReceiver",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("host", models.CharField(max_length=255)),
                ("tried_at", models.DateTimeField()),
                ("failures", models.PositiveIntegerField(default=0)),
                ("rests_until", models.DateTimeField(null=True)),
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
                    models.UniqueConstraint(
                        fields=("account", "host"), name="webhook_receiver_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Progress",
            fields=[
                ("task", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("last_id", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="DailyCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(null=True)),
                ("state", models.CharField(max_length=11)),
                ("number", models.BigIntegerField()),
                (
                    "license",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.license",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("license", "day", "state"),
                        name="daily_count_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AwaitedBatch",
            fields=[
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="awaited",
                        serialize=False,
                        to="messaging.batch",
                    ),
                ),
                ("look_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["look_at"], name="awaited_batch_look")],
            },
        ),
        migrations.RunSQL(
            sql="""
                ALTER TABLE messaging_batch
                    ADD CONSTRAINT batch_of_license UNIQUE (license_id, id);
                ALTER TABLE messaging_batch
                    ADD CONSTRAINT batch_license_of_account
                        FOREIGN KEY (account_id, license_id)
                        REFERENCES licenses_license (account_id, id)
                        DEFERRABLE INITIALLY DEFERRED,
                    ADD CONSTRAINT batch_parent_of_license
                        FOREIGN KEY (license_id, parent_id)
                        REFERENCES messaging_batch (license_id, id)
                        DEFERRABLE INITIALLY DEFERRED;
                ALTER TABLE messaging_message
                    ADD CONSTRAINT message_license_of_account
                        FOREIGN KEY (account_id, license_id)
                        REFERENCES licenses_license (account_id, id)
                        DEFERRABLE INITIALLY DEFERRED,
                    ADD CONSTRAINT message_batch_of_license
                        FOREIGN KEY (license_id, batch_id)
                        REFERENCES messaging_batch (license_id, id)
                        DEFERRABLE INITIALLY DEFERRED
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
