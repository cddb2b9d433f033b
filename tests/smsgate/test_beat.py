"""smsgate.beat: it publishes names, and loads nothing of what they stand for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import environment


def test_beat_loads_no_task_and_no_model(tmp_path: Path) -> None:
    """They are more than half of a process's memory."""
    script = (
        "import sys\n"
        "from smsgate.beat import Clock, app\n"
        "Clock(app=app, quiet=True).init_loader()\n"
        "print(*{'messaging.tasks', 'django.db.models', 'rest_framework'} & set(sys.modules))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_DIR, capture_output=True, text=True, check=True,
        env=environment(tmp_path, SMSGATE_PROCESS="beat", SECRET_KEY="x" * 50, PEPPER_1="x"),
    )  # fmt: skip
    assert finished.stdout.split() == []
