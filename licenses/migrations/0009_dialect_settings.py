from django.db import migrations, models

CARRY_OVER = """
    UPDATE licenses_account SET dialect_settings = '{"sms-by": {"codes_by_sms": false}}'
    WHERE NOT codes_by_sms"""
CARRY_BACK = """
    UPDATE licenses_account SET codes_by_sms = false
    WHERE dialect_settings @> '{"sms-by": {"codes_by_sms": false}}'"""


class Migration(migrations.Migration):
    """A switch of one vendor's API becomes a setting of its dialect."""

    dependencies = [("licenses", "0008_license_scopes")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="dialect_settings",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.RunSQL(CARRY_OVER, CARRY_BACK),
        migrations.RemoveField(model_name="account", name="codes_by_sms"),
    ]
