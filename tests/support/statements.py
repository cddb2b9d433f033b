"""Record the SQL of the suite and hold each statement of the product to whom it acts for.

A statement is the product's if the innermost frame of this project on the stack is in one of its apps.
Not judged: tests, migrations, and what Django's admin runs, whose operators see all accounts. Processes
that a test starts are not recorded.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from postgast import PgQueryError

from smsgate.config import PROJECT_DIR
from tests.support.cross_account import LISTED
from tests.support.tenancy import unbound_tables

_APPS = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["tool"]["importlinter"]
_PRODUCT = tuple(f"{PROJECT_DIR / app}/" for app in _APPS["root_packages"])
_OURS = (*_PRODUCT, f"{PROJECT_DIR / 'tests'}/")
# They run what a caller gives them; whose it is the caller says.
_PLUMBING = ("http_api/pagination.py", "http_api/prepared.py")
# Django's own statements about a row that is in hand: save, refresh_from_db, a foreign key that is
# followed, the delete of rows that were read.
_OF_INSTANCE = frozenset({"_do_update", "refresh_from_db", "get_object", "delete_batch"})
_MANY = re.compile(r"(?P<one>%s|\(%s\))(?:, (?P=one))+")
_NO_ROWS = ("SAVEPOINT", "RELEASE", "ROLLBACK")


class Site(NamedTuple):
    """Who runs a statement."""

    path: str
    line: int
    function: str
    is_of_instance: bool

    @property
    def name(self) -> str:
        return f"{self.path}:{self.function}"


class Recorder:
    """The statements that were judged, and what is wrong with those that are nobody's."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._bound: dict[str, bool] = {}

    def install(self) -> None:
        """Watch every connection that is made from now on."""
        connection_created.connect(self._watch, weak=False)

    def _watch(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        if self.run not in connection.execute_wrappers:  # the first: tests push theirs on top
            connection.execute_wrappers.insert(0, self.run)

    def run(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        """Execute a statement, and note it if it is the product's and bound to nobody."""
        if not (self._bound.get(sql) or sql.startswith(_NO_ROWS)):
            self._judge(sql, context)
        return execute(sql, params, many, context)

    def _judge(self, sql: str, context: dict[str, Any]) -> None:
        text = _prepared(sql, context) if sql.startswith("EXECUTE ") else _shortened(sql)
        if text not in self._bound:
            self._bound[text] = _is_bound(text)
        self._bound[sql] = self._bound[text]
        if self._bound[text]:
            return
        site = _site(sys._getframe(2))
        if site is None or site.name in LISTED:
            return
        if tables := unbound_tables(text, is_of_instance=site.is_of_instance):
            self.faults.append(
                f"{site.path}:{site.line}, in {site.function}: this statement acts for nobody in"
                f" {', '.join(tables)}. Bind it to an account, a licence or a phone"
                f" (tests/support/tenancy.py), or list it with its reason in"
                f" tests/support/cross_account.py.\n{text.strip()}"
            )


def _shortened(sql: str) -> str:
    """Return it with one value for many, and one row for many."""
    return _MANY.sub(r"\1", _MANY.sub(r"\1", sql))


def _is_bound(sql: str) -> bool:
    try:
        return not unbound_tables(sql)
    except PgQueryError:  # a test's own; of the product it is raised below
        return False


def _prepared(sql: str, context: dict[str, Any]) -> str:
    """Return the text of a prepared statement, as PostgreSQL has it."""
    name = sql.split(maxsplit=2)[1]
    with context["connection"].connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE name = %s", [name])
        return str(cursor.fetchone()[0])


def _site(frame: FrameType | None) -> Site | None:
    """Return where the product runs a statement; None: something else does."""
    is_of_instance, found = False, None
    while frame is not None:
        code, file = frame.f_code, frame.f_code.co_filename
        if "/contrib/admin/" in file:
            return None
        if found is None:
            if "/django/db/models/" in file and code.co_name in _OF_INSTANCE:
                is_of_instance = True
            if file.startswith(_OURS) and not file.endswith((*_PLUMBING, __file__)):
                if not file.startswith(_PRODUCT) or "/migrations/" in file:
                    return None
                path = str(Path(file).relative_to(PROJECT_DIR))
                function = code.co_qualname.split(".<locals>")[0]
                found = Site(path, frame.f_lineno, function, is_of_instance)
        frame = frame.f_back
    return found


recorder = Recorder()
