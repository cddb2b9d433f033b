"""What a new database gets instead of 0001 to 0006; one that has any of them goes on with those.

Raw SQL: composite foreign keys.
"""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    replaces = [
        ("contacts", "0001_initial"),
        ("contacts", "0002_unreadablecontact"),
        ("contacts", "0003_one_spelling_of_phones"),
        ("contacts", "0004_numbers_and_groups_of_one_account"),
        ("contacts", "0005_contacts_by_account"),
        ("contacts", "0006_members_by_group"),
    ]

    initial = True

    dependencies = [("licenses", "0003_webhooks_and_codes")]

    operations = [
        migrations.CreateModel(
            name="ContactGroup",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.account",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["account", "name", "id"], name="group_name")],
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone", models.CharField(max_length=16)),
                ("name", models.CharField(max_length=255)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.account",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["account", "id"], name="contact_account")],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "phone"), name="contact_phone"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("phone__regex", "^\\+[1-9][0-9]+$"),
                            ("phone__regex", "^[0-9]{3,8}$"),
                            _connector="OR",
                        ),
                        name="contact_phone_is_number",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="UnreadableContact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone", models.CharField(max_length=16, verbose_name="number as it was typed")),
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
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="contacts.contact",
                    ),
                ),
                (
                    "contactgroup",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="contacts.contactgroup",
                        verbose_name="group",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="licenses.account",
                    ),
                ),
            ],
            options={
                "db_table": "contacts_contact_groups",
                "unique_together": {("contact", "contactgroup")},
                "indexes": [
                    models.Index(fields=["contactgroup", "contact"], name="membership_group")
                ],
            },
        ),
        migrations.AddField(
            model_name="contact",
            name="groups",
            field=models.ManyToManyField(
                blank=True,
                related_name="contacts",
                through="contacts.Membership",
                to="contacts.contactgroup",
            ),
        ),
        migrations.RunSQL(
            sql="""
                ALTER TABLE contacts_contact
                    ADD CONSTRAINT contact_of_account UNIQUE (account_id, id);
                ALTER TABLE contacts_contactgroup
                    ADD CONSTRAINT group_of_account UNIQUE (account_id, id);
                ALTER TABLE contacts_contact_groups
                    ADD CONSTRAINT membership_contact_of_account
                        FOREIGN KEY (account_id, contact_id)
                        REFERENCES contacts_contact (account_id, id)
                        DEFERRABLE INITIALLY DEFERRED,
                    ADD CONSTRAINT membership_group_of_account
                        FOREIGN KEY (account_id, contactgroup_id)
                        REFERENCES contacts_contactgroup (account_id, id)
                        DEFERRABLE INITIALLY DEFERRED
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
