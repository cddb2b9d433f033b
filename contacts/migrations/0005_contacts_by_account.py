"""The contacts of an account in the order of their ids, built while everything goes on.

A build that was cut off leaves an index that serves nobody: it is dropped first. Raw SQL: DROP INDEX.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0004_numbers_and_groups_of_one_account")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS contact_account"),
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(fields=["account", "id"], name="contact_account"),
        ),
    ]
