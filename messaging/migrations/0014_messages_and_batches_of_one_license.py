"""A message and its batch are of one licence, and both of that licence's account, by composite foreign
keys.

Raw SQL: Django has no word for those. NOT VALID holds new rows at once and reads no old one; migration
0015 reads them, while everything else may go on.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0011_keys_of_one_license"),
        ("messaging", "0013_stop_said_at"),
    ]

    operations = [
        migrations.AlterField(
            model_name="batch",
            name="parent",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="children",
                to="messaging.batch",
            ),
        ),
        migrations.RunSQL(
            sql="""
                ALTER TABLE messaging_batch
                    ADD CONSTRAINT batch_of_license UNIQUE (license_id, id);
                ALTER TABLE messaging_batch
                    ADD CONSTRAINT batch_license_of_account
                        FOREIGN KEY (account_id, license_id)
                        REFERENCES licenses_license (account_id, id)
                        DEFERRABLE INITIALLY DEFERRED NOT VALID,
                    ADD CONSTRAINT batch_parent_of_license
                        FOREIGN KEY (license_id, parent_id)
                        REFERENCES messaging_batch (license_id, id)
                        DEFERRABLE INITIALLY DEFERRED NOT VALID;
                ALTER TABLE messaging_message
                    ADD CONSTRAINT message_license_of_account
                        FOREIGN KEY (account_id, license_id)
                        REFERENCES licenses_license (account_id, id)
                        DEFERRABLE INITIALLY DEFERRED NOT VALID,
                    ADD CONSTRAINT message_batch_of_license
                        FOREIGN KEY (license_id, batch_id)
                        REFERENCES messaging_batch (license_id, id)
                        DEFERRABLE INITIALLY DEFERRED NOT VALID
            """,
            reverse_sql="""
                ALTER TABLE messaging_message
                    DROP CONSTRAINT message_batch_of_license,
                    DROP CONSTRAINT message_license_of_account;
                ALTER TABLE messaging_batch
                    DROP CONSTRAINT batch_parent_of_license,
                    DROP CONSTRAINT batch_license_of_account;
                ALTER TABLE messaging_batch DROP CONSTRAINT batch_of_license
            """,
        ),
    ]
