"""A mail is sent at least once: the worker is killed between the server's yes and the end of the row."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from smsgate.operations.sandbox import free_port
from tests.crash.stack import PATIENCE, Stack, running
from tests.mail_server import mail_server
from tests.smsgate.processes import wait_until

pytestmark = pytest.mark.timeout(300)

PEOPLE = ["anna@example.org", "ewa@example.org", "jan@example.org"]
QUEUE = "from members import mail; [mail.queue(to, 'x', 'x') for to in {people}]"


def waiting(stack: Stack) -> int:
    with stack.database() as cursor:
        cursor.execute("SELECT count(*) FROM members_mail")
        return int(cursor.fetchone()[0])


def test_no_mail_is_lost_and_one_that_goes_twice_keeps_its_id(tmp_path: Path) -> None:
    with mail_server() as server:
        url = f"smtp://127.0.0.1:{server.port}?from=sms@example.com"
        with running(Stack(tmp_path, free_port(), EMAIL_URL=url)) as stack:
            assert stack.up is not None
            stack.up.manage("shell", "-c", QUEUE.format(people=PEOPLE))
            assert stack.kill_at("worker", "worker", "mail taken", PATIENCE)
            assert waiting(stack) == len(PEOPLE)
            with stack.database() as cursor:  # without the minute until the next try
                cursor.execute("UPDATE members_mail SET next_at = now()")
            wait_until(lambda: waiting(stack) == 0, "all is taken", PATIENCE)
    sent = Counter((mail["To"], mail["Message-ID"]) for mail in server.mails)
    assert sorted(to for to, _ in sent) == PEOPLE
    assert sorted(sent.values()) == [1, 1, 2]
