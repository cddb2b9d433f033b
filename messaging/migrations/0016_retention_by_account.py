"""Retention finds what is old account by account, and remembers how far a walk through a table has come."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0015_old_rows_are_of_one_license"),
    ]

    operations = [
        migrations.CreateModel(
            name="Progress",
            fields=[
                ("task", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("last_id", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.RemoveIndex(
            model_name="batch",
            name="batch_retention",
        ),
        migrations.RemoveIndex(
            model_name="claim",
            name="claim_claimed_at",
        ),
        migrations.RemoveIndex(
            model_name="inboundmessage",
            name="inbound_received_at",
        ),
        migrations.RemoveIndex(
            model_name="message",
            name="message_retention",
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(
                condition=models.Q(("text", ""), _negated=True),
                fields=["account", "created_at"],
                name="batch_retention",
            ),
        ),
        migrations.AddIndex(
            model_name="inboundmessage",
            index=models.Index(fields=["account", "received_at"], name="inbound_retention"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(
                    ("finished_at__isnull", False), models.Q(("phone", ""), _negated=True)
                ),
                fields=["account", "finished_at"],
                name="message_retention",
            ),
        ),
    ]
