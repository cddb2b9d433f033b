"""Mail to people: queued in the transaction of what it tells, and sent by the worker.

The row is deleted once the mail server has said yes. Before each try the time of the next is committed:
who is killed between the two loses nothing, and a mail that goes twice keeps its Message-ID.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import smtplib
import uuid
from collections.abc import Callable
from contextlib import suppress
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from django.db import transaction
from django.db.models import Min

from http_api import clock, sealing
from members.models import Mail

# After the n-th try that failed; a day in all.
RETRY_MINUTES = (1, 2, 5, 15, 60, 240, 480, 720)
TRIES = len(RETRY_MINUTES)

SECONDS = 10  # for which the mail server may be silent

logger = logging.getLogger(__name__)


def is_on() -> bool:
    """Return whether there is a server that takes mail."""
    return settings.MAIL_SERVER is not None


def queue(to: str, subject: str, text: str) -> None:
    """Let this be sent, where there is a server for it. Call inside the transaction of what it tells."""
    if not is_on():
        return
    now, pk = clock.now(), uuid.uuid4()
    content = json.dumps({"to": to, "subject": " ".join(subject.split()), "text": text})
    sealed = sealing.seal("mail", str(pk), "sealed", content)
    Mail.objects.create(pk=pk, sealed=sealed, next_at=now, created_at=now)


def waiting(now: dt.datetime) -> dt.timedelta:
    """Return for how long the oldest mail has waited."""
    oldest = Mail.objects.aggregate(at=Min("created_at"))["at"]
    return now - oldest if oldest else dt.timedelta()


def send_due(may_go_on: Callable[[], bool]) -> None:
    """Send what is due, until there is no more, time is up or the server fails."""
    if not is_on():
        return
    server = _server()
    try:
        while may_go_on() and (mail := _take(clock.now())) and _send(mail, server):
            pass
    finally:
        with suppress(OSError):  # what was sent is sent
            server.close()


def _server() -> EmailBackend:
    given: Any = settings.MAIL_SERVER
    return EmailBackend(
        host=given.host,
        port=given.port,
        username=given.user,
        password=given.password,
        use_tls=given.starts_tls,
        use_ssl=given.is_tls,
        timeout=SECONDS,
    )


@transaction.atomic
def _take(now: dt.datetime) -> Mail | None:
    """Return the mail that has been due for longest; the time of its next try is written."""
    due = Mail.objects.select_for_update(skip_locked=True).filter(next_at__lte=now)
    for mail in due.order_by("next_at")[:100]:
        if mail.tries == TRIES:
            logger.error("mail %s is given up after %s tries", mail.pk, TRIES)
            mail.delete()
            continue
        mail.next_at = now + dt.timedelta(minutes=RETRY_MINUTES[mail.tries])
        mail.tries += 1
        mail.save(update_fields=["tries", "next_at"])
        return mail
    return None


def _send(mail: Mail, server: EmailBackend) -> bool:
    """Return whether the server can be asked for more."""
    try:
        server.open()  # and kept for the next
        server.send_messages([_message(mail)])
    except OSError as error:  # smtplib's errors are such: their words hold addresses
        why = getattr(error, "smtp_code", "") or getattr(error, "verify_message", "")
        logger.warning(
            "mail %s was not taken, try %s of %s: %s %s",
            mail.pk, mail.tries, TRIES, type(error).__name__, why,
        )  # fmt: skip
        return isinstance(error, smtplib.SMTPRecipientsRefused)
    mail.delete()
    return True


def _message(mail: Mail) -> EmailMessage:
    content = json.loads(sealing.unseal("mail", str(mail.pk), "sealed", mail.sealed))
    given: Any = settings.MAIL_SERVER
    sender = given.sender
    domain = parseaddr(sender)[1].rpartition("@")[2]
    headers = {"Message-ID": f"<{mail.pk}@{domain}>", "Auto-Submitted": "auto-generated"}
    return EmailMessage(
        content["subject"], content["text"], sender, [content["to"]], headers=headers
    )
