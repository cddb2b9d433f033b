"""Counts of messages by phone, SIM, day and state.

What is there already is counted by the clock's task, in pieces.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0016_second_factor"),
        ("messaging", "0021_exports"),
    ]

    operations = [
        migrations.CreateModel(
            name="PhoneCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("sim", models.SmallIntegerField(null=True)),
                ("state", models.CharField(max_length=11)),
                ("number", models.BigIntegerField()),
                ("parts", models.BigIntegerField()),
                (
                    "device",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.device",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("device", "day", "sim", "state"),
                        name="phone_count_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
