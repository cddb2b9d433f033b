"""How the threads of a web process are shared out among kinds of work.

smsgate.web.fair_pool serves the callers of a lane in turns
(docs/adr/0011-callers-are-served-in-turns.md).
"""

from __future__ import annotations

import re

from http_api.body_limits import BULK_BODY, OTHER_BODY
from smsgate.body_limits import body_limit
from smsgate.web.asgi_types import Scope
from smsgate.web.callers import Caller
from smsgate.web.fair_pool import Lane

# Forms of the admin that hash a password: log-in, change of one's own or of another's, a new user.
_HASHES = re.compile("login|password|/auth/user/")


class Lanes:
    """The lanes of requests.

    A caller, and all who have shown no key yet, leave two threads for others. Bulks of an account run
    one after another, as its lock in the database would make them; at most a quarter of the threads
    parses large bodies. One thread hashes passwords.
    """

    def __init__(self, threads: int) -> None:
        rest = max(1, threads - 2)
        self.programs = Lane("programs", threads, rest)
        self.strangers = Lane("strangers", rest, max(1, threads // 4))
        self.bulks = Lane("bulks", max(1, threads // 4), 1)
        self.logins = Lane("logins", 1, 1)

    def of(self, scope: Scope, caller: Caller, body: bytes) -> Lane:
        path = scope["path"]
        if len(body) > OTHER_BODY or (body and body_limit(path) == BULK_BODY):
            return self.bulks
        if path.startswith("/admin/") and scope["method"] == "POST" and _HASHES.search(path):
            return self.logins
        return self.programs if caller.is_known else self.strangers


# Long polls query the queue in threads of their own. One account's phones take at most two of three;
# tokens seen for the first time share one thread.
LOOKERS = 3
PHONES, NEW_PHONES = Lane("phones", LOOKERS, 2), Lane("new phones", 1, 1)
