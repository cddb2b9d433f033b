"""Contacts by how their names begin, and by the last word of these, built while everything goes on.

A build that was cut off leaves an index that serves nobody: it is dropped first. Raw SQL: DROP INDEX.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from contacts.models import Folded, LastWord


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0001_squashed_0006_members_by_group")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS contact_name"),
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(models.F("account"), Folded("name"), name="contact_name"),
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS contact_last_name"),
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(
                models.F("account"),
                Folded(LastWord("name")),
                condition=models.Q(name__contains=" "),
                name="contact_last_name",
            ),
        ),
    ]
