"""The link that a phone's camera reads. The code stands in the fragment, which no server is sent,
and after it the SHA-256 of the server's certificate, where that is of its own making."""

from __future__ import annotations

import io
from pathlib import Path

import segno
from django.conf import settings
from django.utils.translation import gettext as _


def pairing_link(code: str) -> str:
    fingerprint = settings.PAIRING_FINGERPRINT
    return f"{settings.PAIRING_URL}/pair/#{code}" + (f"~{fingerprint}" if fingerprint else "")


def app_file() -> Path:
    """Return where `make apk` puts the Android app that phones get from their own server."""
    data_dir: Path = settings.DATA_DIR
    return data_dir / "apk" / "smsgate.apk"


def app_link() -> str:
    """Return where a phone fetches the app; '' where this server has none."""
    return f"{settings.PAIRING_URL}/pair/smsgate.apk" if app_file().is_file() else ""


def app_version() -> str:
    """Return the version of the app that this server has; '' where none, or nobody noted it."""
    try:
        return app_file().with_name("version").read_text("ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def unreachable() -> str:
    """Return what to do where no phone can open the pairing link; '' where one can."""
    if not settings.PAIRING_IS_LOCAL:
        return ""
    return _(
        "Phones cannot reach %(url)s: it is this machine's own address. Start the service with BIND=0.0.0.0 PUBLIC_URL=http://<this machine's address>:PORT, or with the https address of the proxy in front of it, and make a new code."  # noqa: E501
    ) % {"url": settings.PAIRING_URL}


def scannable(link: str) -> str:
    """Return the link's QR code for a terminal, or what to do where a phone could not open it."""
    return unreachable() or _qr(link)


def _qr(text: str) -> str:
    """Return a QR code for a terminal, two modules a character."""
    out = io.StringIO()
    segno.make(text, error="l").terminal(out, compact=True)
    return out.getvalue()


def qr_svg(text: str) -> str:
    """Return a QR code as inline SVG, black on white in any theme."""
    return str(segno.make(text, error="l").svg_inline(scale=5, light="#fff"))
