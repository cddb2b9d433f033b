"""When a key was last used, and how long one that was replaced works on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0014_hours_by_days"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="ends_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="works until"),
        ),
        migrations.AddField(
            model_name="apikey",
            name="used_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="credential",
            name="ends_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="works until"),
        ),
        migrations.AddField(
            model_name="credential",
            name="used_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="license",
            name="former_key_digest",
            field=models.CharField(
                blank=True, editable=False, max_length=80, null=True, unique=True
            ),
        ),
        migrations.AddField(
            model_name="license",
            name="former_key_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="license",
            name="key_used_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="token",
            name="used_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
