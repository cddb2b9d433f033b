from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0009_old_phones_are_numbers")]

    operations = [
        migrations.AddField(
            "inboundmessage", "sent_time", models.CharField(default="", max_length=40)
        ),
    ]
