"""`manage.py person`: the same as the page, for who has no browser."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from members import audit
from messaging.models import Erasure, Message
from privacy.tasks import erase_people
from tests.conftest import Api, ManualClock, Tenant
from tests.delivery import accept

pytestmark = pytest.mark.django_db

PHONE = "+48733914275"


def run(monkeypatch: pytest.MonkeyPatch, typed: str, *args: Any) -> dict[str, Any]:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
    told = io.StringIO()
    call_command("person", *map(str, args), "--json", stdout=told)
    answer: dict[str, Any] = json.loads(told.getvalue())
    return answer


def test_it_writes_a_file_for_its_owner_alone_and_erases(
    api: Api,
    tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    manual_clock: ManualClock,
) -> None:
    accept(api, tenant, phone=PHONE, message="Your code is 7")
    account, file = tenant.account.pk, tmp_path / "anna.zip"
    told = run(monkeypatch, "733 914 275", "export", account, "--file", file)
    assert told == {"file": str(file), "messages": 1, "received": 0}
    assert file.stat().st_mode & 0o777 == 0o600
    assert "Your code is 7" in zipfile.ZipFile(file).read("person.json").decode()
    told = run(monkeypatch, PHONE, "erase", account)
    assert told == {"erasure": Erasure.objects.get().pk, "state": "begun", "under_way": 0}
    erase_people()
    manual_clock.advance(minutes=2)
    erase_people()
    assert Message.objects.get().phone == ""
    actions = [(one.action, one.username) for one in audit.entries(account)]
    assert actions == [("person_erased", "manage.py"), ("person_exported", "manage.py")]


@pytest.mark.parametrize(("typed", "account"), [("x", None), (PHONE, 999_999), ("", None)])
def test_a_wrong_number_or_account_is_one_line(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, typed: str, account: int | None
) -> None:
    with pytest.raises(CommandError):
        run(monkeypatch, typed, "erase", account or tenant.account.pk)
    assert not Erasure.objects.exists()
