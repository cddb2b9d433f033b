"""Phones are told to forget recipients."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0018_timelines"),
    ]

    operations = [
        migrations.AddField(
            model_name="device",
            name="forgets",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
