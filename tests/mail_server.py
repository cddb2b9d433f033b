"""A mail server on a real socket: it takes mail, refuses it, or says nothing."""

from __future__ import annotations

import email
import email.policy
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any


@dataclass
class MailServer:
    port: int
    refusal: str = ""  # what it answers to a recipient, as `550 unknown`
    is_gone: bool = False  # it hangs up
    is_silent: bool = False  # it takes connections and says nothing
    mails: list[EmailMessage] = field(default_factory=list)

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == address]

    def link(self) -> str:
        """Return the link in the newest mail."""
        return str(re.findall(r"https?://\S+", self.mails[-1].get_content())[-1])


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> Iterator[MailServer]:
    """With `starttls` it takes mail only after the connection was made safe."""

    class Handler(StreamRequestHandler):
        is_safe = starttls is None

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            if found.is_gone:
                return
            if not found.is_silent:
                self.say("220 test")
            while line := self.rfile.readline():
                match line[:4].upper().strip():
                    case b"EHLO" if not self.is_safe:
                        self.say("250-test")
                        self.say("250 STARTTLS")
                    case b"STAR" if starttls:
                        self.say("220 go on")
                        if not self.make_safe(starttls):
                            return
                    case _ if not self.is_safe:
                        self.say("530 not in the clear")
                    case b"RCPT" if found.refusal:
                        self.say(found.refusal)
                    case b"DATA":
                        self.say("354 go on")
                        found.mails.append(self.mail())
                        self.say("250 taken")
                    case b"QUIT":
                        self.say("221 bye")
                        return
                    case _:
                        self.say("250 ok")

        def make_safe(self, context: ssl.SSLContext) -> bool:
            try:
                self.request = context.wrap_socket(self.request, server_side=True)
            except OSError:  # the client does not trust us
                return False
            self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
            self.is_safe = True
            return True

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def mail(self) -> EmailMessage:
            lines = []
            for line in self.rfile:
                if line == b".\r\n":
                    break
                lines.append(line.removeprefix(b".").replace(b"\r\n", b"\n"))
            parsed = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
            assert isinstance(parsed, EmailMessage)
            return parsed

    class Server(ThreadingTCPServer):
        daemon_threads = True

        def get_request(self) -> tuple[Any, Any]:
            connection, address = super().get_request()
            return (tls.wrap_socket(connection, server_side=True) if tls else connection), address

    with Server(("127.0.0.1", 0), Handler) as server:
        found = MailServer(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()
