"""Fields, consent and imports of contacts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0007_names"),
        ("licenses", "0016_second_factor"),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("contacts", "Contacts"), ("opt_outs", "Opt Outs")],
                        default="contacts",
                        max_length=8,
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("made_by", models.CharField(max_length=150)),
                ("made_at", models.DateTimeField()),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveIntegerField()),
                ("sheets", models.JSONField(default=list)),
                ("sheet", models.CharField(blank=True, max_length=255)),
                ("encoding", models.CharField(blank=True, max_length=16)),
                ("delimiter", models.CharField(blank=True, max_length=1)),
                ("has_header", models.BooleanField(default=False)),
                ("rows", models.PositiveIntegerField()),
                ("sample", models.JSONField()),
                ("columns", models.JSONField(default=list)),
                ("country", models.CharField(max_length=2)),
                ("group", models.CharField(blank=True, max_length=255)),
                (
                    "known",
                    models.CharField(
                        choices=[("keep", "Keep"), ("overwrite", "Overwrite"), ("skip", "Skip")],
                        default="keep",
                        max_length=9,
                    ),
                ),
                ("consent_note", models.CharField(blank=True, max_length=255)),
                ("consent_by", models.CharField(blank=True, max_length=150)),
                ("consent_at", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ready", "Ready"),
                            ("checking", "Checking"),
                            ("checked", "Checked"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("stopped", "Stopped"),
                            ("failed", "Failed"),
                            ("undone", "Undone"),
                        ],
                        default="ready",
                        max_length=8,
                    ),
                ),
                ("next_row", models.PositiveIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                ("group_ids", models.JSONField(default=list)),
                ("error", models.CharField(blank=True, max_length=255)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="ImportPiece",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("data", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="ImportProblem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("row", models.PositiveIntegerField()),
                ("reason", models.CharField(max_length=16)),
                ("words", models.CharField(max_length=255)),
                ("other_row", models.PositiveIntegerField(null=True)),
                ("cells", models.JSONField()),
            ],
        ),
        migrations.AddField(
            model_name="contact",
            name="consent_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="contact",
            name="consent_by",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=150
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="consent_note",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=255
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="fields",
            field=models.JSONField(
                blank=True, db_default=models.Value({}, models.JSONField()), default=dict
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="made_by",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="import",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="licenses.account",
            ),
        ),
        migrations.AddField(
            model_name="importpiece",
            name="of",
            field=models.ForeignKey(
                db_column="import_id",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="pieces",
                to="contacts.import",
            ),
        ),
        migrations.AddField(
            model_name="importproblem",
            name="of",
            field=models.ForeignKey(
                db_column="import_id",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="problems",
                to="contacts.import",
            ),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["account", "id"], name="import_account"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(
                condition=models.Q(("state__in", ["checking", "running"])),
                fields=["next_row", "id"],
                name="import_work",
            ),
        ),
        migrations.AddConstraint(
            model_name="importproblem",
            constraint=models.UniqueConstraint(fields=("of", "row"), name="import_problem_once"),
        ),
    ]
