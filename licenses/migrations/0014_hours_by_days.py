"""Sending hours by days of the week: one text instead of an opening and a closing time."""

from django.db import migrations, models

import licenses.models

FILL = """
WITH hours AS (
    SELECT id, to_char(opens_at, 'HH24:MI') AS opens,
        to_char(closes_at + interval '59 seconds', 'HH24:MI') AS closes
    FROM licenses_account WHERE opens_at IS NOT NULL
)
UPDATE licenses_account AS a SET sending_hours = hours.opens || '-' || hours.closes
FROM hours WHERE hours.id = a.id AND hours.opens <> hours.closes
"""

# The columns before it know one window for every day: of hours by days the first one, and never more.
TAKE_BACK = """
WITH hours AS (
    SELECT id, string_to_array(substring(sending_hours from '[0-9:]{5}-[0-9:]{5}'), '-') AS ends
    FROM licenses_account WHERE sending_hours <> ''
)
UPDATE licenses_account AS a
SET opens_at = ends[1]::time, closes_at = replace(ends[2], '24:00', '23:59')::time
FROM hours WHERE hours.id = a.id
"""


class Migration(migrations.Migration):
    dependencies = [("licenses", "0013_events_kept")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="sending_hours",
            field=models.CharField(
                blank=True,
                default="",
                help_text="09:00-17:00 each day, or Mo-Fr 09:00-12:00,13:00-18:00; Sa 10:00-14:00."
                " Empty: always open.",
                max_length=255,
                validators=[licenses.models.readable_hours],
            ),
        ),
        # A closing time with seconds is that of the next minute; the form never wrote any.
        migrations.RunSQL(FILL, TAKE_BACK),
        migrations.RemoveConstraint(model_name="account", name="account_hours_both_or_none"),
        migrations.RemoveField(model_name="account", name="opens_at"),
        migrations.RemoveField(model_name="account", name="closes_at"),
    ]
