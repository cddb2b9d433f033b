import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0001_initial"),
        ("licenses", "0003_webhooks_and_codes"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnreadableContact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "phone",
                    models.CharField(max_length=16, verbose_name="number as it was typed"),
                ),
                ("name", models.CharField(max_length=255)),
                (
                    "groups",
                    models.TextField(
                        help_text="The names of the groups it was in, one on each line."
                    ),
                ),
                ("created_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.account",
                    ),
                ),
            ],
            options={
                "verbose_name": "contact without a number",
                "verbose_name_plural": "contacts without a number",
            },
        ),
    ]
