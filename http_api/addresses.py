"""The client's address. `X-Forwarded-For` counts only where a trusted proxy wrote it."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings


def client_address(meta: dict[str, Any]) -> str:
    """The nearest address that is not one of our own proxies, read from the right."""
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
    return any(address in network for network in networks(settings.TRUSTED_PROXIES))
