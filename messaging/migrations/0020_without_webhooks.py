"""What was told of batches is in webhooks by now (webhooks 0001)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0019_awaited_batch"), ("webhooks", "0001_initial")]

    operations = [
        migrations.DeleteModel(name="WebhookDelivery"),
        migrations.DeleteModel(name="WebhookReceiver"),
    ]
