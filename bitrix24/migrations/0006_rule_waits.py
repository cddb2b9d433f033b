"""Automation rules that do not wait."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bitrix24", "0005_contact_change"),
    ]

    operations = [
        migrations.AddField(
            model_name="statuspush",
            name="waits",
            field=models.BooleanField(default=True),
        ),
    ]
