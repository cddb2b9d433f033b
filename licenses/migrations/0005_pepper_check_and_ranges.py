"""What stands outside the new ranges is put to their nearest end: it could not work before, either."""

from __future__ import annotations

from typing import Any

import django.core.validators
from django.conf import settings
from django.db import migrations, models


def put_into_range(apps: Any, schema_editor: Any) -> None:
    accounts = apps.get_model("licenses", "Account").objects
    licenses = apps.get_model("licenses", "License").objects
    accounts.filter(retention_days__gt=36_500).update(retention_days=36_500)
    accounts.filter(max_age_hours__gt=8_736).update(max_age_hours=8_736)
    accounts.filter(max_age_hours=0).update(max_age_hours=None)
    licenses.filter(lease_seconds__gt=86_400).update(lease_seconds=86_400)
    licenses.filter(lease_seconds__lt=30).update(lease_seconds=30)


class Migration(migrations.Migration):
    dependencies = [
        ("licenses", "0004_max_age"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PepperCheck",
            fields=[
                ("version", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=80)),
            ],
        ),
        migrations.AlterField(
            model_name="account",
            name="retention_days",
            field=models.PositiveIntegerField(
                default=180,
                help_text="After so many days the phone and text of a finished message are erased.",
                validators=[django.core.validators.MaxValueValidator(36500)],
            ),
        ),
        migrations.AlterField(
            model_name="license",
            name="lease_seconds",
            field=models.PositiveIntegerField(
                default=600,
                help_text="A phone must start a message within so many seconds of taking it.",
                validators=[
                    django.core.validators.MinValueValidator(30),
                    django.core.validators.MaxValueValidator(86400),
                ],
            ),
        ),
        migrations.RunPython(put_into_range, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("retention_days__lte", 36500),
                    models.Q(
                        ("max_age_hours__isnull", True),
                        ("max_age_hours__range", (1, 8736)),
                        _connector="OR",
                    ),
                ),
                name="account_numbers_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="license",
            constraint=models.CheckConstraint(
                condition=models.Q(("lease_seconds__range", (30, 86400))),
                name="license_lease_in_range",
            ),
        ),
    ]
