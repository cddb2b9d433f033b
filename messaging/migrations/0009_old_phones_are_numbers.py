"""Looks at all rows without a lock that keeps anybody from writing: hence apart from 0008."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("messaging", "0008_phones_are_numbers")]

    operations = [
        ValidateConstraint(model_name="message", name="message_phone_is_number"),
        ValidateConstraint(model_name="optout", name="opt_out_phone_is_number"),
    ]
