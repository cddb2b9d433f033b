"""Conversations; what was received so far is read.

Raw SQL: one INSERT of all that was received, by account and sender.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


# An account of a million received SMS takes a few seconds; what comes meanwhile by an older process has its
# conversation with the sender's next one.
FILL = """
    INSERT INTO messaging_thread (account_id, phone, last_at, last_in, unread, is_archived)
    SELECT account_id, sender, max(received_at), max(id), 0, false
    FROM messaging_inboundmessage GROUP BY account_id, sender
    """


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0016_second_factor"),
        ("messaging", "0024_kinds_of_exports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Thread",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("phone", models.CharField(max_length=64)),
                ("last_at", models.DateTimeField()),
                ("last_in", models.BigIntegerField(null=True)),
                ("last_out", models.BigIntegerField(null=True)),
                ("unread", models.PositiveIntegerField(default=0)),
                ("is_archived", models.BooleanField(default=False)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="licenses.account",
                    ),
                ),
                (
                    "assignee",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("unread", 0)),
                        fields=["account", "is_archived", "last_at", "id"],
                        name="thread_read",
                    ),
                    models.Index(
                        condition=models.Q(("unread__gt", 0)),
                        fields=["account", "last_at", "id"],
                        name="thread_unread",
                    ),
                    models.Index(
                        condition=models.Q(("assignee__isnull", False)),
                        fields=["account", "assignee", "last_at", "id"],
                        name="thread_assigned",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "phone"), name="thread_once"),
                    models.CheckConstraint(
                        condition=models.Q(("is_archived", False), ("unread", 0), _connector="OR"),
                        name="thread_archived_is_read",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
