"""Each dialect is one object; what stands below the dialects knows none of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialects.registry import DIALECTS, body_limit, dialect_of, mounted_at
from http_api.body_limits import BULK_BODY, MIB, OTHER_BODY
from smsgate.config import PROJECT_DIR

BELOW = ("http_api", "licenses", "messaging", "contacts", "companion_api", "smsgate")


def test_no_module_outside_the_dialects_names_a_vendor() -> None:
    names = {name for dialect in DIALECTS for name in (dialect.name, *dialect.prefixes)}
    names |= {dialect.name.replace("-", "_") for dialect in DIALECTS}
    modules = [
        path
        for folder in BELOW
        for path in (PROJECT_DIR / folder).rglob("*.py")
        if "migrations" not in path.parts
    ]
    assert len(modules) > 100
    assert [(path, name) for path in modules for name in names if name in _text(path)] == []


def test_the_docs_name_every_dialect_and_its_paths() -> None:
    page = _text(PROJECT_DIR / "docs" / "dialects.md")
    for dialect in DIALECTS:
        assert f"`{dialect.name}`" in page
        for prefix in dialect.prefixes:
            assert f"`{prefix.rstrip('/')}`" in page


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/v1/sendBulkSms", BULK_BODY),
        ("/api/v2/IMPORTCONTACTS/", BULK_BODY),
        ("/dialects/sms-by/sendBulkSms", BULK_BODY),
        ("/dialects/smsend/sendBulkSms", OTHER_BODY),
        ("/api/v1/send-bulk", BULK_BODY),
        ("/api/v1/sendQuickSMS", OTHER_BODY),
        ("/API/v1.0/REST/sms", MIB),
        ("/API/v1.0/REST//sms/", MIB),
        ("/API/v1.0/REST/no/such/path", OTHER_BODY),
        ("/api/3rdparty/v1/messages", OTHER_BODY),
        ("/api/messages/", 0),
        ("/", 0),
    ],
)
def test_a_body_may_be_as_large_as_its_dialect_says(path: str, limit: int) -> None:
    assert body_limit(path) == limit


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/send", "massej-li"),
        ("/api/v1/sendSMS", "sms-by"),
        ("/api/v1/no/route", "massej-li"),
        ("/api/v1", "massej-li"),
        ("/api/v2/no/route", "sms-by"),
        ("/api/messages/", None),
        ("/dialects/nobody/", None),
    ],
)
def test_an_error_is_rendered_for_whose_client_asks(path: str, name: str | None) -> None:
    dialect = dialect_of(path)
    assert (dialect.name if dialect else None) == name
    assert bool(mounted_at(path)) == bool(name)
