"""A portal is of one account, and its licence is that account's, by a composite foreign key; an account
has a portal once. Raw SQL: Django has no word for such a key.

Of apps of one portal in one account the newest stays, and from the others is taken what they were called
with, as an installation does it (bitrix24.portals).
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

NO_CONSTRAINT = {
    "db_constraint": False,
    "on_delete": django.db.models.deletion.PROTECT,
    "related_name": "+",
}


class Migration(migrations.Migration):
    dependencies = [("bitrix24", "0002_event_token"), ("licenses", "0013_events_kept")]

    operations = [
        migrations.AlterField(
            model_name="portal",
            name="license",
            field=models.ForeignKey(to="licenses.license", **NO_CONSTRAINT),
        ),
        migrations.AlterField(
            model_name="portal",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "its app is not installed yet"),
                    ("incomplete", "works for an hour: client_id and client_secret are missing"),
                    ("active", "connected"),
                    ("broken", "the portal refuses us"),
                    ("uninstalled", "its app was deleted, or another took its place"),
                ],
                default="waiting",
                max_length=12,
            ),
        ),
        migrations.RunSQL(
            sql="""
                ALTER TABLE bitrix24_portal ADD COLUMN account_id bigint;
                UPDATE bitrix24_portal AS p SET account_id = l.account_id
                    FROM licenses_license AS l WHERE l.id = p.license_id;
                WITH replaced AS (
                    UPDATE bitrix24_portal AS p
                    SET state = 'uninstalled', client_secret = '', access_token = '', refresh_token = ''
                    WHERE p.member_id <> '' AND p.state <> 'uninstalled' AND EXISTS (
                        SELECT FROM bitrix24_portal AS newer
                        WHERE newer.account_id = p.account_id AND newer.member_id = p.member_id
                            AND newer.state <> 'uninstalled' AND newer.id > p.id
                    )
                    RETURNING p.id
                )
                DELETE FROM bitrix24_statuspush WHERE portal_id IN (SELECT id FROM replaced);
                SET CONSTRAINTS ALL IMMEDIATE;
                ALTER TABLE bitrix24_portal
                    ALTER COLUMN account_id SET NOT NULL,
                    ADD CONSTRAINT portal_license_of_account
                        FOREIGN KEY (account_id, license_id)
                        REFERENCES licenses_license (account_id, id)
                        DEFERRABLE INITIALLY DEFERRED
            """,
            reverse_sql="""
                ALTER TABLE bitrix24_portal
                    DROP CONSTRAINT portal_license_of_account,
                    DROP COLUMN account_id
            """,
            state_operations=[
                migrations.AddField(
                    model_name="portal",
                    name="account",
                    field=models.ForeignKey(db_index=False, to="licenses.account", **NO_CONSTRAINT),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="portal",
            constraint=models.UniqueConstraint(
                condition=~Q(member_id="") & ~Q(state="uninstalled"),
                fields=("account", "member_id"),
                name="portal_once",
            ),
        ),
    ]
