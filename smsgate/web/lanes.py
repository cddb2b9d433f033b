"""How the threads of a web process are shared out among kinds of work.

smsgate.web.fair_pool serves the callers of a lane in turns
(docs/adr/0011-callers-are-served-in-turns.md).
"""

from __future__ import annotations

import re

from http_api.body_limits import BULK_BODY, KIB, OTHER_BODY
from smsgate.paths import body_limit, is_send
from smsgate.web.asgi_types import Scope
from smsgate.web.callers import Caller
from smsgate.web.fair_pool import Lane

# Forms that hash a password: log-in, change of one's own or of another's, a new user.
_HASHES = re.compile("^/(admin/.*(login|password|/auth/user/)|account/|console/join/)")


# Sends of one message that go together in one thread are small, and few of one caller: all of them wait
# for what each computes.
_TOGETHER, _TOGETHER_OF_ONE = 64, 8
_SMALL_SEND = 4 * KIB


class Lanes:
    """The lanes of requests.

    A caller, and all who have shown no key yet, leave two threads for others. Bulks of an account run
    one after another, as its lock in the database would make them; at most a quarter of the threads
    parses large bodies. One thread hashes passwords. One sends single messages, all that wait at once.
    """

    def __init__(self, threads: int) -> None:
        rest = max(1, threads - 2)
        self.programs = Lane("programs", threads, rest)
        self.strangers = Lane("strangers", rest, max(1, threads // 4))
        self.bulks = Lane("bulks", max(1, threads // 4), 1)
        self.logins = Lane("logins", 1, 1)
        self.sends = Lane("sends", 1, _TOGETHER_OF_ONE, together=_TOGETHER)

    def of(self, scope: Scope, caller: Caller, body: bytes) -> tuple[Lane, ...]:
        """Return the lanes to try in turn, where the request gives way in all but the last."""
        path = scope["path"]
        if len(body) > OTHER_BODY or (body and body_limit(path) == BULK_BODY):
            return (self.bulks,)
        if scope["method"] == "POST" and _HASHES.match(path):
            return self.logins, self.bulks
        if not caller.is_known:
            return self.strangers, self.bulks
        if len(body) <= _SMALL_SEND and is_send(scope["method"], path) and not _is_once(scope):
            return self.sends, self.programs, self.bulks
        return self.programs, self.bulks


def _is_once(scope: Scope) -> bool:
    """Say whether it has an Idempotency-Key: its transaction is nobody else's."""
    return any(name == b"idempotency-key" for name, _ in scope["headers"])


# Long polls query the queue in threads of their own. One account's phones take at most two of three;
# tokens seen for the first time share one thread.
LOOKERS = 3
PHONES, NEW_PHONES = Lane("phones", LOOKERS, 2), Lane("new phones", 1, 1)
