"""Which received SMS are kept, and which words opt out. Accounts that are there go on keeping all."""

from __future__ import annotations

from django.db import migrations, models

from licenses import keywords

_CHOICES = [
    ("all", "all, also what banks and strangers send"),
    ("known", "from numbers that the account has written to, and keywords"),
    ("nothing", "none"),
]


def _kept(default: str) -> models.CharField:
    return models.CharField(
        choices=_CHOICES,
        default=default,
        help_text="Whoever has a key of the account may read them. A phone may have its own rule. STOP is heard in any case.",
        max_length=8,
        verbose_name="received SMS that are kept",
    )


class Migration(migrations.Migration):
    dependencies = [("licenses", "0005_pepper_check_and_ranges")]

    operations = [
        # all: what reads an account's inbox today must not find it empty tomorrow
        migrations.AddField("account", "kept_sms", _kept("all")),
        migrations.AlterField("account", "kept_sms", _kept("known")),
        migrations.AddField(
            model_name="account",
            name="stop_words",
            field=models.TextField(
                blank=True,
                default=keywords.DEFAULT_STOP_WORDS,
                help_text="An SMS that is nothing but one of these opts its sender out; separate them by commas. STOP itself always does.",
                validators=[keywords.check_words],
                verbose_name="words that opt out",
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="start_words",
            field=models.TextField(
                blank=True,
                default=keywords.DEFAULT_START_WORDS,
                help_text="They take back what was asked for by SMS, never what the API or you have set.",
                validators=[keywords.check_words],
                verbose_name="words that take that back",
            ),
        ),
        migrations.AddField(
            model_name="device",
            name="kept_sms",
            field=models.CharField(
                blank=True,
                choices=_CHOICES,
                default="",
                help_text="Empty: as the account says.",
                max_length=8,
                verbose_name="received SMS that are kept",
            ),
        ),
    ]
