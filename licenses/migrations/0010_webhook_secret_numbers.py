from django.db import migrations, models

TAKE_APART = """
    UPDATE licenses_account SET
        webhook_secret_pepper = split_part(webhook_secret_n, '$', 1)::smallint,
        webhook_secret_number = split_part(webhook_secret_n, '$', 2)::integer
    WHERE webhook_secret_n <> '1$1'"""
PUT_TOGETHER = """
    UPDATE licenses_account
    SET webhook_secret_n = webhook_secret_pepper || '$' || webhook_secret_number"""


class Migration(migrations.Migration):
    dependencies = [("licenses", "0009_dialect_settings")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="webhook_secret_pepper",
            field=models.PositiveSmallIntegerField(default=1, editable=False),
        ),
        migrations.AddField(
            model_name="account",
            name="webhook_secret_number",
            field=models.PositiveIntegerField(default=1, editable=False),
        ),
        migrations.RunSQL(TAKE_APART, PUT_TOGETHER),
        migrations.RemoveField(model_name="account", name="webhook_secret_n"),
    ]
