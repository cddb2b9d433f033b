"""The server's settings, and named points at which a process of it can be killed.

An order, `PROCESS,POINT,PID` in the file CRASH_ORDER, is carried out by the first process of that name
which comes to that point; PID 0 is itself.
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from smsgate.settings import *  # noqa: F403
from smsgate.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "tests.crash.impatient.Impatient"]

_ORDER = Path(os.environ["CRASH_ORDER"])
_WRITES = re.compile(
    r'(INSERT INTO|UPDATE) "?(messaging|webhooks)_|EXECUTE (inserts_insert|publishing_publish|due_take) '
)

_execute = CursorWrapper.execute
_commit = BaseDatabaseWrapper.commit


def _reached(point: str) -> None:
    try:
        process, wanted, pid = _ORDER.read_text().split(",")
        if (process, wanted) != (os.environ.get("SMSGATE_PROCESS"), point):
            return
        _ORDER.unlink()  # raises where another thread was first
    except (FileNotFoundError, ValueError):
        return
    os.kill(int(pid) or os.getpid(), signal.SIGKILL)


def _execute_and_die(self: CursorWrapper, sql: Any, params: Any = None) -> Any:
    if str(sql).startswith('DELETE FROM "members_mail"'):
        _reached("mail taken")
    if not _WRITES.search(str(sql)):
        return _execute(self, sql, params)
    is_alone = not self.db.in_atomic_block
    if is_alone:
        _reached("before commit")
    result = _execute(self, sql, params)
    _reached("after commit" if is_alone else "in transaction")
    return result


def _commit_and_die(self: BaseDatabaseWrapper) -> None:
    _reached("before commit")
    _commit(self)
    _reached("after commit")


CursorWrapper.execute = _execute_and_die  # type: ignore[method-assign]
BaseDatabaseWrapper.commit = _commit_and_die  # type: ignore[method-assign]
