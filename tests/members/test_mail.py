"""Mail reaches its server once, is tried again where that is away, and holds up nothing else."""

from __future__ import annotations

import logging
import ssl
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from members import mail
from members.models import Mail
from messaging import tasks
from smsgate import config
from tests.conftest import ManualClock
from tests.mail_server import MailServer, mail_server
from tests.support.certificates import certificate

pytestmark = pytest.mark.django_db(transaction=True)

ANNA = "anna@example.org"


def send() -> None:
    tasks.send_mail()


def test_a_mail_arrives_once_and_leaves_nothing_behind(mails: MailServer) -> None:
    mail.queue(ANNA, "Zażółć\nBcc: all@example.org", "gęślą jaźń\n.\nhttps://sms.example.com/")
    assert ANNA not in str(Mail.objects.values_list())
    send()
    send()
    [arrived] = mails.mails
    assert (arrived["To"], arrived["From"]) == (ANNA, "smsgate <sms@example.com>")
    assert arrived["Subject"] == "Zażółć Bcc: all@example.org"
    assert arrived.get_content() == "gęślą jaźń\n.\nhttps://sms.example.com/\n"
    assert not Mail.objects.exists()


def test_what_was_rolled_back_is_not_mailed(mails: MailServer) -> None:
    with transaction.atomic():
        mail.queue(ANNA, "x", "x")
        transaction.set_rollback(True)
    send()
    assert mails.mails == []


def test_without_a_server_nothing_is_queued() -> None:
    assert not mail.is_on()
    mail.queue(ANNA, "x", "x")
    assert not Mail.objects.exists()


def test_a_server_that_is_away_is_tried_again_for_a_day_and_no_address_is_logged(
    mails: MailServer, manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mails.is_gone = True
    mail.queue(ANNA, "x", "x")
    for minutes in mail.RETRY_MINUTES[:-1]:
        send()
        waiting = Mail.objects.get()
        send()  # not due yet
        assert Mail.objects.get().tries == waiting.tries
        manual_clock.advance(minutes=minutes)
    mails.is_gone = False
    send()
    assert len(mails.to(ANNA)) == 1
    assert "SMTPServerDisconnected" in caplog.text
    assert ANNA not in caplog.text


def test_a_server_that_says_nothing_is_left_alone_until_the_next_try(
    mails: MailServer, monkeypatch: pytest.MonkeyPatch, manual_clock: ManualClock
) -> None:
    monkeypatch.setattr(mail, "SECONDS", 0.2)
    mails.is_silent = True
    for _ in range(5):
        mail.queue(ANNA, "x", "x")
    began = time.monotonic()
    send()
    assert time.monotonic() - began < 2, "one is tried, not each"
    assert sorted(Mail.objects.values_list("tries", flat=True)) == [0, 0, 0, 0, 1]
    manual_clock.advance(minutes=7)
    assert mail.waiting(manual_clock.now).total_seconds() == 420


def test_a_recipient_that_is_refused_holds_up_nobody_and_is_given_up(
    mails: MailServer, manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    mails.refusal = "550 no such mailbox"
    mail.queue(ANNA, "x", "x")
    mail.queue("ewa@example.org", "x", "x")
    send()
    assert sorted(Mail.objects.values_list("tries", flat=True)) == [1, 1]
    for minutes in mail.RETRY_MINUTES:
        manual_clock.advance(minutes=minutes)
        send()
    assert not Mail.objects.exists()
    assert "given up" in caplog.text
    assert ANNA not in caplog.text


def test_a_try_that_was_killed_is_made_again_under_the_same_id(
    mails: MailServer, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(self: Any) -> None:
        raise SystemExit

    mail.queue(ANNA, "x", "x")
    with monkeypatch.context() as patch:
        patch.setattr(Mail, "delete", killed)
        with pytest.raises(SystemExit):
            send()
    manual_clock.advance(minutes=1)
    send()
    first, second = mails.mails
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize("scheme", ["smtps", "smtp+tls"])
def test_a_server_whose_certificate_nobody_vouches_for_is_given_no_mail(
    settings: Any, tmp_path: Path, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, scheme: str,
) -> None:  # fmt: skip
    pem = certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    with mail_server(tls) if scheme == "smtps" else mail_server(starttls=tls) as server:
        url = f"{scheme}://localhost:{server.port}?from=sms@example.com"
        settings.MAIL_SERVER = config.load({"EMAIL_URL": url}, tmp_path / "none").email_url
        mail.queue(ANNA, "x", "x")
        send()
        assert Mail.objects.get().tries == 1
        assert server.mails == []
        assert "SSLCertVerificationError self-signed certificate" in caplog.text
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        manual_clock.advance(minutes=1)
        send()
        assert len(server.mails) == 1
        assert not Mail.objects.exists()


def test_a_server_that_does_not_offer_starttls_is_given_nothing_in_the_clear(
    mails: MailServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MAIL_SERVER = replace(settings.MAIL_SERVER, starts_tls=True)
    mail.queue(ANNA, "x", "x")
    send()
    assert mails.mails == []
    assert Mail.objects.get().tries == 1
    assert "SMTPNotSupportedError" in caplog.text
