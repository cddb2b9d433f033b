"""The outbox. Raw SQL: an event's licence is its account's, by a composite foreign key."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("licenses", "0013_events_kept"),
    ]

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("message.accepted", "message.accepted"),
                            ("message.sent", "message.sent"),
                            ("message.delivered", "message.delivered"),
                            ("message.undelivered", "message.undelivered"),
                            ("message.failed", "message.failed"),
                            ("message.expired", "message.expired"),
                            ("message.cancelled", "message.cancelled"),
                            ("message.uncertain", "message.uncertain"),
                            ("message.resolved", "message.resolved"),
                            ("sms.received", "sms.received"),
                            ("opt_out.created", "opt_out.created"),
                            ("opt_out.removed", "opt_out.removed"),
                            ("device.paired", "device.paired"),
                            ("device.silent", "device.silent"),
                            ("device.back", "device.back"),
                            ("device.paused", "device.paused"),
                            ("limit.reached", "limit.reached"),
                            ("webhook.test", "webhook.test"),
                        ],
                        max_length=24,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("message_id", models.BigIntegerField(null=True)),
                ("inbound_id", models.BigIntegerField(null=True)),
                ("data", models.JSONField(default=dict)),
                ("number", models.BigIntegerField(null=True)),
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.license",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("number__isnull", True)),
                        fields=["account", "id"],
                        name="outbox_new",
                    ),
                    models.Index(
                        condition=models.Q(("number__isnull", False)),
                        fields=["account", "number"],
                        name="outbox_feed",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type__in",
                                [
                                    "message.accepted",
                                    "message.sent",
                                    "message.delivered",
                                    "message.undelivered",
                                    "message.failed",
                                    "message.expired",
                                    "message.cancelled",
                                    "message.uncertain",
                                    "message.resolved",
                                    "sms.received",
                                    "opt_out.created",
                                    "opt_out.removed",
                                    "device.paired",
                                    "device.silent",
                                    "device.back",
                                    "device.paused",
                                    "limit.reached",
                                    "webhook.test",
                                ],
                            )
                        ),
                        name="outbox_type_known",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            sql="""
                ALTER TABLE outbox_event ADD CONSTRAINT outbox_event_license_of_account
                    FOREIGN KEY (account_id, license_id)
                    REFERENCES licenses_license (account_id, id)
                    DEFERRABLE INITIALLY DEFERRED;
                CREATE SEQUENCE outbox_event_number_seq
            """,
            reverse_sql="""
                ALTER TABLE outbox_event DROP CONSTRAINT outbox_event_license_of_account;
                DROP SEQUENCE outbox_event_number_seq
            """,
        ),
    ]
