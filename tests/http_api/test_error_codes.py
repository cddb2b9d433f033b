"""The codes of refusals: one list for the code, the OpenAPI document and docs/api.md."""

from __future__ import annotations

import re
from pathlib import Path

from http_api.error_codes import ErrorCode
from messaging.rules import SkipReason
from smsgate.pages.openapi import document

_ROW = re.compile(r"^\| `([a-z_]+)` \| ([0-9]{3}) \| (.+) \|$", re.MULTILINE)


def test_the_docs_list_each_code_with_its_status_and_meaning() -> None:
    rows = _ROW.findall(Path("docs/api.md").read_text())
    assert rows == [(code.value, str(code.status), code.meaning) for code in ErrorCode]


def test_the_openapi_document_lists_each_code() -> None:
    [listed] = [
        schema["enum"]
        for name, schema in document()["components"]["schemas"].items()
        if name == "ErrorCode"
    ]
    assert listed == [code.value for code in ErrorCode]


def test_each_reason_that_can_refuse_a_message_is_a_code() -> None:
    for reason in SkipReason:
        assert ErrorCode[reason.name].value == reason.value
