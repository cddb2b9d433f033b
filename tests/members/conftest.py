from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from smsgate.config import MailServer as Given
from tests.mail_server import MailServer, mail_server


@pytest.fixture
def mails(settings: Any) -> Iterator[MailServer]:
    """A mail server, and a service that hands its mail in there."""
    with mail_server() as server:
        settings.MAIL_SERVER = Given(
            host="127.0.0.1", port=server.port, user="", password="", starts_tls=False,
            is_tls=False, sender="smsgate <sms@example.com>",
        )  # fmt: skip
        yield server
