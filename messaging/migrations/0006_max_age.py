"""Raw SQL: what waits now gets its 72 hours from the upgrade on."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.utils import timezone

# What waits now was accepted without a maximum age: its 72 hours count from here, so that an upgrade
# ends nothing that its owner still expects to be sent.
_FROM_NOW = """
    UPDATE messaging_message
    SET expires_at = coalesce(send_before, greatest(due_at, %(now)s) + interval '72 hours')
    WHERE status IN ('scheduled', 'pending', 'leased', 'sending', 'uncertain')
    """


def let_what_waits_age_from_now(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_FROM_NOW, {"now": timezone.now()})


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0004_max_age"),
        ("messaging", "0005_quarantine_of_a_device"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="message", name="message_expiry"),
        migrations.AddField(
            model_name="message", name="expires_at", field=models.DateTimeField(null=True)
        ),
        migrations.RunPython(let_what_waits_age_from_now, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(
                    ("expires_at__isnull", False), ("status__in", ["scheduled", "pending"])
                ),
                fields=["expires_at"],
                name="message_expires_at",
            ),
        ),
    ]
