"""The composite keys of 0014 hold for old rows, too.

Raw SQL: VALIDATE takes no lock that stops reading or writing. A message of a licence that was moved to
another account in an early release is that account's: its phones send it.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0014_messages_and_batches_of_one_license")]

    operations = [
        migrations.RunSQL(
            sql="""
                UPDATE messaging_message AS m SET account_id = l.account_id
                    FROM licenses_license AS l
                    WHERE l.id = m.license_id AND l.account_id <> m.account_id;
                SET CONSTRAINTS ALL IMMEDIATE;
                ALTER TABLE messaging_batch VALIDATE CONSTRAINT batch_license_of_account;
                ALTER TABLE messaging_batch VALIDATE CONSTRAINT batch_parent_of_license;
                ALTER TABLE messaging_message VALIDATE CONSTRAINT message_license_of_account;
                ALTER TABLE messaging_message VALIDATE CONSTRAINT message_batch_of_license
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
