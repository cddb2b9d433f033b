"""Contacts by the first digits of their number, and those of an import, built while everything goes on.

A build that was cut off leaves an index that serves nobody: it is dropped first. Raw SQL: DROP INDEX.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Collate


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("contacts", "0008_imports")]

    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS contact_digits", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(models.F("account"), Collate("phone", "C"), name="contact_digits"),
        ),
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS contact_made_by", migrations.RunSQL.noop
        ),
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("made_by__isnull", False)),
                fields=["made_by"],
                name="contact_made_by",
            ),
        ),
    ]
