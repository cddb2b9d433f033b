"""There is one way to a setting: `django.conf.settings` under Django, a given Config without it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from smsgate.config import PROJECT_DIR, Config
from tests.test_raw_sql import PACKAGES

FILES = [
    file.relative_to(PROJECT_DIR)
    for package in PACKAGES["root_packages"]
    for file in (PROJECT_DIR / package).rglob("*.py")
]


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((PROJECT_DIR / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_no_module_reads_both_djangos_settings_and_the_config() -> None:
    for file in FILES:
        found = set(imports(file)) - {"smsgate.config.PROJECT_DIR"}
        reads_config = any(name.startswith("smsgate.config") for name in found)
        assert not (reads_config and "django.conf.settings" in found), file


def test_the_settings_hold_values_and_no_config() -> None:
    values = [getattr(settings, name) for name in dir(settings) if name.isupper()]
    assert not any(isinstance(value, Config) for value in values)


def test_no_app_reads_the_environment() -> None:
    for file in FILES:
        if not file.is_relative_to("smsgate"):
            assert "os.environ" not in (PROJECT_DIR / file).read_text(encoding="utf-8"), file
