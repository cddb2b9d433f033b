"""What the very first start makes and prints."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command

from licenses import services
from licenses.models import Account
from smsgate.web import first_start
from tests.conftest import Api

pytestmark = pytest.mark.django_db


def test_what_it_prints_works_as_it_stands(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    first_start.run()
    said = capsys.readouterr().out

    (curl,) = re.findall(r"^  (curl .*)$", said, re.MULTILINE)
    command, url, option, body = shlex.split(curl)
    assert (command, option) == ("curl", "-d")
    assert api.raw(url.removeprefix("http://127.0.0.1:8000"), body).status_code == 201

    (name, password) = re.findall(r"user: (\S+) +password: (\S+)", said)[0]
    user = authenticate(username=name, password=password)
    assert isinstance(user, User)
    assert user.is_superuser

    (code,) = re.findall(r"/pair/#(\S+)", said)
    assert services.pair(code, install_id="a", name="Pixel").device.pk


def test_keys_that_could_not_be_shown_do_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*words: object, **options: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("builtins.print", closed)
    with pytest.raises(BrokenPipeError):
        first_start.run()
    monkeypatch.undo()
    assert not Account.objects.exists()
    assert not User.objects.exists()


def test_a_link_that_no_phone_can_open_comes_with_what_to_do_instead_of_its_qr(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.PAIRING_IS_LOCAL = True
    first_start.run()
    said = capsys.readouterr().out
    assert "BIND=0.0.0.0 PUBLIC_URL=http://" in said
    assert "█" not in said
    settings.PAIRING_IS_LOCAL = False
    call_command("pair", str(Account.objects.get().licenses.get().pk))
    said = capsys.readouterr().out
    assert "PUBLIC_URL" not in said
    assert "█" in said
