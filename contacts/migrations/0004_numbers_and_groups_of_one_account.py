"""A contact's phone is a number, and contacts and groups meet within one account only.

Raw SQL: the table of memberships gets the account, and two composite foreign keys by it: Django has no word for
those, so that they stand here and not in the models.
"""

import django.db.models.deletion
from django.db import migrations, models

MEMBERSHIP = [
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
                "account",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="licenses.account",
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
                    on_delete=django.db.models.deletion.CASCADE,
                    to="contacts.contactgroup",
                    verbose_name="group",
                ),
            ),
        ],
        options={
            "db_table": "contacts_contact_groups",
            "unique_together": {("contact", "contactgroup")},
        },
    ),
    migrations.AlterField(
        model_name="contact",
        name="groups",
        field=models.ManyToManyField(
            blank=True,
            related_name="contacts",
            through="contacts.Membership",
            to="contacts.contactgroup",
        ),
    ),
]


class Migration(migrations.Migration):
    dependencies = [("contacts", "0003_one_spelling_of_phones")]

    operations = [
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("phone__regex", r"^\+[1-9][0-9]+$"),
                    ("phone__regex", r"^[0-9]{3,8}$"),
                    _connector="OR",
                ),
                name="contact_phone_is_number",
            ),
        ),
        migrations.RunSQL(
            sql="""
                ALTER TABLE contacts_contact
                    ADD CONSTRAINT contact_of_account UNIQUE (account_id, id);
                ALTER TABLE contacts_contactgroup
                    ADD CONSTRAINT group_of_account UNIQUE (account_id, id);
                ALTER TABLE contacts_contact_groups ADD COLUMN account_id bigint;
                UPDATE contacts_contact_groups AS m SET account_id = c.account_id
                    FROM contacts_contact AS c WHERE c.id = m.contact_id;
                ALTER TABLE contacts_contact_groups
                    DROP CONSTRAINT contacts_contact_gro_contact_id_50e74318_fk_contacts_,
                    DROP CONSTRAINT contacts_contact_gro_contactgroup_id_0e640488_fk_contacts_,
                    ALTER COLUMN account_id SET NOT NULL,
                    ADD CONSTRAINT membership_contact_of_account
                        FOREIGN KEY (account_id, contact_id)
                        REFERENCES contacts_contact (account_id, id)
                        DEFERRABLE INITIALLY DEFERRED,
                    ADD CONSTRAINT membership_group_of_account
                        FOREIGN KEY (account_id, contactgroup_id)
                        REFERENCES contacts_contactgroup (account_id, id)
                        DEFERRABLE INITIALLY DEFERRED
            """,
            reverse_sql="""
                ALTER TABLE contacts_contact_groups
                    DROP CONSTRAINT membership_group_of_account,
                    DROP CONSTRAINT membership_contact_of_account,
                    DROP COLUMN account_id,
                    ADD CONSTRAINT contacts_contact_gro_contact_id_50e74318_fk_contacts_
                        FOREIGN KEY (contact_id) REFERENCES contacts_contact (id)
                        DEFERRABLE INITIALLY DEFERRED,
                    ADD CONSTRAINT contacts_contact_gro_contactgroup_id_0e640488_fk_contacts_
                        FOREIGN KEY (contactgroup_id) REFERENCES contacts_contactgroup (id)
                        DEFERRABLE INITIALLY DEFERRED;
                ALTER TABLE contacts_contactgroup DROP CONSTRAINT group_of_account;
                ALTER TABLE contacts_contact DROP CONSTRAINT contact_of_account
            """,
            state_operations=MEMBERSHIP,
        ),
    ]
