"""The end of an import is an event, too; old rows, which a wider rule cannot refuse, are looked at in 0004."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("outbox", "0002_deleted_events"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="event",
            name="outbox_type_known",
        ),
        migrations.AlterField(
            model_name="event",
            name="type",
            field=models.CharField(
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
                    ("contacts.import.finished", "contacts.import.finished"),
                    ("webhook.test", "webhook.test"),
                ],
                max_length=24,
            ),
        ),
        AddConstraintNotValid(
            model_name="event",
            constraint=models.CheckConstraint(
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
                            "contacts.import.finished",
                            "webhook.test",
                        ],
                    )
                ),
                name="outbox_type_known",
            ),
        ),
    ]
