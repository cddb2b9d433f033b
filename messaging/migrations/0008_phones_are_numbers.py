"""From now on every row that is written holds a number; the old ones are looked at in 0009."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

NUMBER = (("phone__regex", r"^\+[1-9][0-9]+$"), ("phone__regex", r"^[0-9]{3,8}$"))


class Migration(migrations.Migration):
    dependencies = [("messaging", "0007_one_spelling_of_phones")]

    operations = [
        AddConstraintNotValid(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(("phone", ""), *NUMBER, _connector="OR"),
                name="message_phone_is_number",
            ),
        ),
        AddConstraintNotValid(
            model_name="optout",
            constraint=models.CheckConstraint(
                condition=models.Q(*NUMBER, _connector="OR"), name="opt_out_phone_is_number"
            ),
        ),
    ]
