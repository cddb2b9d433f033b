"""Part of `make lint`: the models and their migrations say the same. Needs no database."""

from __future__ import annotations

import os
import sys
import tempfile


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsgate.settings")
        os.environ["DATA_DIR"] = folder
        import django
        from django.apps import apps
        from django.db.migrations.autodetector import MigrationAutodetector
        from django.db.migrations.loader import MigrationLoader
        from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
        from django.db.migrations.state import ProjectState

        django.setup()
        loader = MigrationLoader(None)
        detector = MigrationAutodetector(
            loader.project_state(),
            ProjectState.from_apps(apps),
            NonInteractiveMigrationQuestioner(),
        )
        missing = detector.changes(graph=loader.graph)
    for app, migrations in missing.items():
        for migration in migrations:
            print(f"{app}: the models have changed without a migration:")
            for operation in migration.operations:
                print(f"  {operation.describe()}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
