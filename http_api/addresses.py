"""The client's address. `X-Forwarded-For` counts only where a trusted proxy wrote it."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings


def client_address(meta: dict[str, Any]) -> str:
    """Return the client's IP: the first hop, from the right, that is no trusted proxy of ours."""
    nearest = str(meta.get("REMOTE_ADDR") or "")
    if not _is_trusted(nearest):
        return nearest
    for hop in reversed(str(meta.get("HTTP_X_FORWARDED_FOR") or "").split(",")):
        hop = hop.strip()
        if not _is_address(hop):
            break
        nearest = hop
        if not _is_trusted(hop):
            break
    return nearest


def client_network(meta: dict[str, Any]) -> str:
    """Whom to hold the client's requests against: its IPv4 address, or its IPv6 /64.

    A /64 is what one customer gets (RFC 6177), and holds more addresses than anybody can count. An IPv4
    address that is written as IPv6 (`::ffff:…`) is the same address.
    """
    return network_of(client_address(meta))


def network_of(address: str) -> str:
    """As `client_network`, for an address. What is no address is returned as it stands, shortened."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:45]
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found) >> 64 << 64, 64)))


@cache
def networks(written: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(network, strict=False) for network in written)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_trusted(text: str) -> bool:
    if not settings.TRUSTED_PROXIES or not _is_address(text):
        return False
    address = ip_address(text)
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks(settings.TRUSTED_PROXIES))
