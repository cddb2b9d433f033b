"""Each list finds its newest rows by an index, and a phone's claims have one index less.

The indexes are built while everything goes on, each in transactions of its own. A build that was cut off
leaves an index that serves nobody: it is dropped first.

Raw SQL: DROP INDEX.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("licenses", "0011_keys_of_one_license"),
        ("messaging", "0017_daily_counts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="claim",
            name="device",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="licenses.device",
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS inbound_sender"),
        AddIndexConcurrently(
            model_name="inboundmessage",
            index=models.Index(fields=["account", "sender", "id"], name="inbound_sender"),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS message_seldom"),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ["uncertain", "undelivered", "failed", "expired", "cancelled"])
                ),
                fields=["status", "id"],
                name="message_seldom",
            ),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS opt_out_account"),
        AddIndexConcurrently(
            model_name="optout",
            index=models.Index(fields=["account", "id"], name="opt_out_account"),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS webhook_not_taken"),
        AddIndexConcurrently(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("delivered_at__isnull", True)),
                fields=["batch"],
                name="webhook_not_taken",
            ),
        ),
    ]
