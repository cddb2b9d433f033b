"""Counts of messages by licence, day and state.

What is there already is counted by the clock's task, in pieces.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0011_keys_of_one_license"),
        ("messaging", "0016_retention_by_account"),
    ]

    operations = [
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
    ]
