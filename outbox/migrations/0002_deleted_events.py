"""How far each account's feed is deleted."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0013_events_kept"),
        ("outbox", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeletedEvents",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="licenses.account",
                    ),
                ),
                ("newest", models.BigIntegerField()),
            ],
        ),
    ]
