from django.db import migrations, models

from licenses import scopes


class Migration(migrations.Migration):
    dependencies = [("licenses", "0007_failing_sims")]

    operations = [
        migrations.AddField(
            model_name="license",
            name="scopes",
            field=models.CharField(
                blank=True,
                default="",
                help_text="What its keys may do: send, read, inbox, contacts, manage. Empty: everything.",
                max_length=100,
                validators=[scopes.check_scopes],
            ),
        ),
    ]
