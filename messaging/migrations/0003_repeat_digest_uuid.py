"""The sixteen bytes of a contact's message become a UUID: Django inserts that, and not bytea, by UNNEST."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0002_batch")]

    operations = [
        migrations.RunSQL(
            sql="""
                ALTER TABLE messaging_message ALTER COLUMN repeat_digest
                TYPE uuid USING encode(repeat_digest, 'hex')::uuid
            """,
            reverse_sql="""
                ALTER TABLE messaging_message ALTER COLUMN repeat_digest
                TYPE bytea USING decode(replace(repeat_digest::text, '-', ''), 'hex')
            """,
            state_operations=[
                migrations.AlterField(
                    model_name="message",
                    name="repeat_digest",
                    field=models.UUIDField(null=True),
                )
            ],
        )
    ]
