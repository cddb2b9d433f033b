"""Pairing: from the owner's link or code to a token in the journal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from phone_simulator import wire
from phone_simulator.device import Device
from phone_simulator.journal import SET_ASIDE, Journal
from phone_simulator.transport import Transport, TransportError


class PairingError(Exception):
    """One sentence that says why it did not pair."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Where to pair, and with which one-time code."""

    base_url: str
    code: str
    pin: str | None = None  # SHA-256 of the server's own certificate; None: the system's trust

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc


def read_invitation(link_or_code: str, server: str | None = None) -> Invitation:
    """Read `http(s)://HOST/pair/#CODE[~SHA256]`, `smsgate://pair?server=URL&code=CODE[&pin=SHA256]`,
    or a bare `CODE[~SHA256]`.

    `server` goes before what a link says. Raises PairingError.
    """
    link = urlsplit(link_or_code.strip())
    if link.scheme in {"http", "https"}:
        prefix = link.path.rstrip("/").removesuffix("/pair")
        found = f"{link.scheme}://{link.netloc}{prefix}"
        code, _, pin = link.fragment.partition("~")
    elif link.scheme == "smsgate":
        query = parse_qs(link.query)
        found, code, pin = (query.get(name, [""])[0] for name in ("server", "code", "pin"))
    else:
        found, (code, _, pin) = "", link_or_code.strip().partition("~")
    base_url = (server or found).rstrip("/")
    if not code:
        raise PairingError("the link has no code in it: copy it whole")
    try:
        url = urlsplit(base_url)
        is_address = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise PairingError("say which server: a whole link, or a code with --server http(s)://HOST")
    if pin and not re.fullmatch("[0-9a-fA-F]{64}", pin):
        raise PairingError("the end of the link is damaged: copy it whole")
    return Invitation(base_url, code, pin.lower() or None)


def pair(
    journal: Journal, transport: Transport, invitation: Invitation, device: Device
) -> wire.PairReply:
    """Trade the code for a token and keep it. Raises PairingError; the journal is then unchanged.

    After an answer that was lost the same code may be tried again.
    """
    if journal.get("stopped") in SET_ASIDE:
        raise PairingError("the journal was set aside: decide with `reset` first")
    if journal.get("base_url") not in {None, invitation.base_url}:
        raise PairingError(
            f"this journal belongs to {journal.get('base_url')}: use `reset`, or another --journal"
        )
    body = {"code": invitation.code, "install_id": journal.install_id(), **device.description()}
    try:
        reply = transport.request("POST", wire.PAIR, body=body)
    except TransportError as error:
        raise PairingError(f"{invitation.host} did not answer ({error})") from error
    if reply.status != 201:
        code, message = wire.read_problem(reply.body)
        raise PairingError(f"{invitation.host} refused: {message or code or reply.status}")
    try:
        paired = wire.read_pair(reply.body)
    except wire.BadReplyError as error:
        raise PairingError(f"{invitation.host} does not answer like smsgate ({error})") from error
    journal.store_pairing(invitation.base_url, paired.device_id, paired.token, invitation.pin)
    return paired
