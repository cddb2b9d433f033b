"""A certificate of the server's own making, for phones on a network where it has no public name.

The pairing link carries its SHA-256, and the phone trusts exactly that one: no authority, no name and
no date is asked. It is made once and kept in the data folder, key and certificate in one file; with
another one every phone must be paired again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from smsgate.config import Config, ConfigError, create_secret_file, is_loopback

_YEARS = 30


def pairing_base(config: Config) -> tuple[str, str]:
    """Return the URL where phones pair, and the SHA-256 of our certificate to pin; '': not ours."""
    if not config.tls_port:
        return config.public_url, ""
    host = urlsplit(config.public_url).hostname or ""
    if is_loopback(host) and not is_loopback(config.bind):
        host = _own_address()
    host = f"[{host}]" if ":" in host else host
    return f"https://{host}:{config.tls_port}", fingerprint(certificate_file(config))


def server_context(config: Config) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file(config))
    return context


def fingerprint(file: Path) -> str:
    text = file.read_text(encoding="ascii")
    certificate = text[text.index("-----BEGIN CERTIFICATE") :]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.strip())).hexdigest()


def certificate_file(config: Config) -> Path:
    """Made where there is none (safe against races)."""
    path = config.secrets_dir / "tls.pem"
    if not path.exists():
        create_secret_file(path, _make)
    if not os.access(path, os.R_OK):
        raise ConfigError(f"{path}: cannot read it")
    return path


def _make() -> str:
    # Needed once; every process would pay for loading it.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "smsgate")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=365 * _YEARS))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (private + certificate.public_bytes(pem)).decode("ascii")


def _own_address() -> str:
    """Return this machine's address on its network: a packet's source address. None is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: nobody
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
