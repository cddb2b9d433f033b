"""Batches that wait for their end have a row of their own; how they are told of it moves to webhooks.

One that had ended and was not taken yet is found again, and told of anew. Raw SQL: INSERT … SELECT.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0018_lists_by_index")]

    operations = [
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
                INSERT INTO messaging_awaitedbatch (batch_id, look_at)
                SELECT batch_id, next_at FROM messaging_webhookdelivery WHERE next_at IS NOT NULL
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
