"""The members of a group in the order of their ids, built while everything goes on; the index of the
group alone, of which it is the beginning, goes.

A build that was cut off leaves an index that serves nobody: it is dropped first. Raw SQL: DROP INDEX.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0005_contacts_by_account")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS membership_group"),
        AddIndexConcurrently(
            model_name="membership",
            index=models.Index(fields=["contactgroup", "contact"], name="membership_group"),
        ),
        migrations.AlterField(
            model_name="membership",
            name="contactgroup",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                to="contacts.contactgroup",
                verbose_name="group",
            ),
        ),
    ]
