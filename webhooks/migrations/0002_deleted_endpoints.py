"""An endpoint that its owner deleted stays until what it was told is deleted, piece by piece."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="endpoint",
            name="kind",
            field=models.CharField(
                choices=[
                    ("subscription", "Subscription"),
                    ("callback", "Callback"),
                    ("deleted", "Deleted"),
                ],
                max_length=12,
            ),
        ),
    ]
