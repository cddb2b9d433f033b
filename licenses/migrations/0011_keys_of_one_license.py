"""A token's log-in and the phones of a pairing code are of the same licence, by composite foreign keys.

Raw SQL: Django has no word for those. All of these tables are small. What a message, a batch and a
phone's codes refer to has the keys that such references need.
"""

import django.db.models.deletion
from django.db import migrations, models

NO_CONSTRAINT = {"null": True, "on_delete": django.db.models.deletion.CASCADE, "related_name": "+"}


class Migration(migrations.Migration):
    dependencies = [("licenses", "0010_webhook_secret_numbers")]

    operations = [
        migrations.AlterField(
            model_name="token",
            name="credential",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, to="licenses.credential", **NO_CONSTRAINT
            ),
        ),
        migrations.AlterField(
            model_name="pairingcode",
            name="replaces",
            field=models.ForeignKey(
                blank=True, db_constraint=False, to="licenses.device", **NO_CONSTRAINT
            ),
        ),
        migrations.AlterField(
            model_name="pairingcode",
            name="used_by",
            field=models.ForeignKey(
                blank=True, db_constraint=False, to="licenses.device", **NO_CONSTRAINT
            ),
        ),
        migrations.RunSQL(
            sql="""
                ALTER TABLE licenses_license
                    ADD CONSTRAINT license_of_account UNIQUE (account_id, id);
                ALTER TABLE licenses_credential
                    ADD CONSTRAINT credential_of_license UNIQUE (license_id, id);
                ALTER TABLE licenses_device
                    ADD CONSTRAINT device_of_license UNIQUE (license_id, id);
                ALTER TABLE licenses_token
                    ADD CONSTRAINT token_credential_of_license
                        FOREIGN KEY (license_id, credential_id)
                        REFERENCES licenses_credential (license_id, id)
                        DEFERRABLE INITIALLY DEFERRED;
                ALTER TABLE licenses_pairingcode
                    ADD CONSTRAINT pairingcode_replaces_of_license
                        FOREIGN KEY (license_id, replaces_id)
                        REFERENCES licenses_device (license_id, id)
                        DEFERRABLE INITIALLY DEFERRED,
                    ADD CONSTRAINT pairingcode_used_by_of_license
                        FOREIGN KEY (license_id, used_by_id)
                        REFERENCES licenses_device (license_id, id)
                        DEFERRABLE INITIALLY DEFERRED
            """,
            reverse_sql="""
                ALTER TABLE licenses_pairingcode
                    DROP CONSTRAINT pairingcode_used_by_of_license,
                    DROP CONSTRAINT pairingcode_replaces_of_license;
                ALTER TABLE licenses_token DROP CONSTRAINT token_credential_of_license;
                ALTER TABLE licenses_device DROP CONSTRAINT device_of_license;
                ALTER TABLE licenses_credential DROP CONSTRAINT credential_of_license;
                ALTER TABLE licenses_license DROP CONSTRAINT license_of_account
            """,
        ),
    ]
