"""Whether an account's events are recorded."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("licenses", "0012_alert_links")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="keeps_events",
            field=models.BooleanField(default=False, editable=False),
        ),
    ]
