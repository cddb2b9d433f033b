"""Exports as CSV or as XLSX."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0023_wanted_of_exports"),
    ]

    operations = [
        migrations.AddField(
            model_name="export",
            name="kind",
            field=models.CharField(
                choices=[("csv", "Csv"), ("xlsx", "Xlsx")], default="csv", max_length=4
            ),
        ),
    ]
