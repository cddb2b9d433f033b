"""The dialect that dialects/ADDING.md shows, and the test that it shows for it."""

from __future__ import annotations

import re
import sys
from types import ModuleType

import pytest
from django.conf import LazySettings

import smsgate.urls
from dialects import registry
from smsgate.config import PROJECT_DIR

_PAGE = (PROJECT_DIR / "dialects" / "ADDING.md").read_text(encoding="utf-8")
_DIALECT, _TEST = re.findall(r"^```python\n(.*?)^```$", _PAGE, re.MULTILINE | re.DOTALL)


def _module(name: str, source: str) -> ModuleType:
    module = sys.modules[name] = ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
    return module


acme = _module("dialects.acme", _DIALECT)
TestItConforms = _module("tests.dialects.test_acme", _TEST).TestItConforms


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    """Do what a line in DIALECTS does."""
    routes = ModuleType("routes_with_acme")
    vars(routes).update(vars(smsgate.urls))
    routes.urlpatterns = [*acme.DIALECT.urlpatterns(), *smsgate.urls.urlpatterns]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, routes.__name__, routes)
    settings.ROOT_URLCONF = routes.__name__
    monkeypatch.setattr(registry, "DIALECTS", (*registry.DIALECTS, acme.DIALECT))
