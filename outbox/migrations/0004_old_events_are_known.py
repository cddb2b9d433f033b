"""The rule of 0003 holds for the events that were there before: they are looked at while others are written."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("outbox", "0003_imports")]

    operations = [ValidateConstraint(model_name="event", name="outbox_type_known")]
