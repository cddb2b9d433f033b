"""Exports of one phone's messages, to some numbers, or of one external id."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0016_second_factor"),
        ("messaging", "0022_phone_counts"),
    ]

    operations = [
        migrations.AddField(
            model_name="export",
            name="device",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="licenses.device",
            ),
        ),
        migrations.AddField(
            model_name="export",
            name="external_id",
            field=models.CharField(blank=True, default="", max_length=255),
        ),
        migrations.AddField(
            model_name="export",
            name="phones",
            field=models.JSONField(default=list),
        ),
    ]
