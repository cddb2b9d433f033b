"""The configuration from the environment: one frozen object for settings, supervisor and commands.

Values come from the process environment, then from a `.env` file in the working folder, then from
the defaults here. Standard library only, so that the supervisor can read it without Django.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

BITRIX24_OAUTH_URL = "https://oauth.bitrix.info"
PROJECT_DIR = Path(__file__).resolve().parent.parent

# A Unix socket's path holds at most 107 bytes (sun_path in unix(7)).
LONGEST_SOCKET_PATH = 107


class ConfigError(Exception):
    """The environment says something that cannot be used; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in, and whom it is from."""

    host: str
    port: int
    user: str
    password: str
    starts_tls: bool  # STARTTLS
    is_tls: bool  # from the first byte on
    sender: str  # `sms@example.com` or `Name <sms@example.com>`


@dataclass(frozen=True, slots=True)
class Config:
    port: int
    bind: str
    tls_port: int  # where phones reach it over TLS with its own certificate; 0: nowhere
    data_dir: Path
    public_url: str
    database_url: str
    redis_url: str
    email_url: MailServer | None  # None: nothing is mailed
    debug: bool
    trusted_proxies: tuple[str, ...]
    webhook_private_networks: tuple[str, ...]
    bitrix24_oauth_url: str
    license_rate_per_minute: int
    device_rate_per_minute: int
    failed_keys_per_minute: int
    web_processes: int
    web_threads: int
    drain_seconds: int
    detail_days: int  # 0: details never end
    event_days: int
    log_level: str
    log_format: str  # "line" or "json"

    @property
    def embedded_postgres(self) -> bool:
        return not self.database_url

    @property
    def embedded_redis(self) -> bool:
        return not self.redis_url

    @property
    def secrets_dir(self) -> Path:
        return self.data_dir / "secrets"

    @property
    def postgres_dir(self) -> Path:
        """PostgreSQL's own data folder (PGDATA), which also holds its socket."""
        return self.data_dir / "postgres"

    @property
    def postgres_socket_dir(self) -> Path:
        return self._socket_dir(self.postgres_dir, ".s.PGSQL.5432.lock")

    @property
    def redis_dir(self) -> Path:
        return self.data_dir / "redis"

    @property
    def redis_socket(self) -> Path:
        return self._socket_dir(self.redis_dir, "redis.sock") / "redis.sock"

    def effective_redis_url(self) -> str:
        if self.redis_url:
            return self.redis_url
        password = read_or_create_secret(self.secrets_dir / "redis_password")
        return f"unix://:{password}@{quote(str(self.redis_socket))}"

    def broker(self) -> tuple[str, dict[str, Any] | None]:
        """Return the Redis URL as Celery spells it, and its TLS options; None: no TLS."""
        parts = urlsplit(self.effective_redis_url())
        query = dict(parse_qsl(parts.query))
        database = query.pop("db", "") or (parts.path.strip("/") if parts.scheme != "unix" else "")
        if parts.scheme == "unix":
            return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database or 0}", None
        url = f"{parts.scheme}://{parts.netloc}/{database or 0}"
        if parts.scheme == "redis":
            return url, None
        is_checked = query.pop("ssl_cert_reqs", "required") == "required"
        checks = ssl.CERT_REQUIRED if is_checked else ssl.CERT_NONE
        return url, {"ssl_cert_reqs": checks, "ssl_check_hostname": is_checked, **query}

    def _socket_dir(self, folder: Path, name: str) -> Path:
        """Return the folder, or a short one in /tmp if its path is too long for a Unix socket."""
        if len(os.fsencode(folder / name)) <= LONGEST_SOCKET_PATH:
            return folder
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        return Path("/tmp") / f"smsgate-{digest}"


def load(
    environ: Mapping[str, str] | None = None,
    dotenv: Path | None = None,
    *,
    beside_supervisor: bool = False,
) -> Config:
    """Read the configuration; raises ConfigError with one clear line.

    `beside_supervisor`: where no PUBLIC_URL is given, the one of the `make up` on the same data
    folder holds. It may have been given a PORT that we were not, and links must lead to it.
    """
    env = {
        **read_dotenv(dotenv or PROJECT_DIR / ".env"),
        **(os.environ if environ is None else environ),
    }
    port = _integer(env, "PORT", 8000, lowest=1, highest=65535)
    bind = env.get("BIND") or "127.0.0.1"
    host = f"[{bind}]" if ":" in bind else bind
    shown_host = "127.0.0.1" if bind in {"0.0.0.0", "::"} else host
    data_dir = Path(env.get("DATA_DIR") or PROJECT_DIR / "data").expanduser().absolute()
    public_url = _url(env, "PUBLIC_URL", "http://192.168.1.10:8000 or https://sms.example.com")
    needs_tls = not is_loopback(bind) and not public_url.startswith("https://")
    if not public_url and beside_supervisor:
        public_url = _public_url_of_supervisor(data_dir)
    return Config(
        port=port,
        bind=bind,
        tls_port=_integer(env, "TLS_PORT", port + 443 if needs_tls else 0, lowest=0, highest=65535),
        data_dir=data_dir,
        public_url=(public_url or f"http://{shown_host}:{port}").rstrip("/"),
        database_url=_url(
            env,
            "DATABASE_URL",
            "postgresql://user:password@host/name; several hosts: a:5432,b:5432",
        ),
        redis_url=_redis_url(env),
        email_url=_mail_server(env),
        debug=_boolean(env, "DEBUG", False),
        trusted_proxies=_networks(env, "TRUSTED_PROXIES"),
        webhook_private_networks=_networks(env, "WEBHOOK_PRIVATE_NETWORKS"),
        bitrix24_oauth_url=(
            _url(env, "BITRIX24_OAUTH_URL", BITRIX24_OAUTH_URL) or BITRIX24_OAUTH_URL
        ).rstrip("/"),
        license_rate_per_minute=_integer(env, "LICENSE_RATE_PER_MINUTE", 600, lowest=0),
        device_rate_per_minute=_integer(env, "DEVICE_RATE_PER_MINUTE", 120, lowest=0),
        failed_keys_per_minute=_integer(env, "FAILED_KEYS_PER_MINUTE", 20, lowest=1),
        web_processes=_integer(env, "WEB_PROCESSES", min(_cores(), 4), lowest=1, highest=64),
        web_threads=_integer(env, "WEB_THREADS", 8, lowest=1, highest=256),
        drain_seconds=_integer(env, "DRAIN_SECONDS", 0, lowest=0, highest=3600),
        detail_days=_integer(env, "DETAIL_DAYS", 90, lowest=0, highest=36_500),
        event_days=_integer(env, "EVENT_DAYS", 30, lowest=4, highest=36_500),
        log_level=_one_of(env, "LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL"),
        log_format=_log_format(env),
    )


def _cores() -> int:
    """Return how many this process may use."""
    return len(os.sched_getaffinity(0))


def lock_file(data_dir: Path) -> Path:
    """Held while `make up` runs (smsgate.supervisor.running); it says that service's public URL."""
    return data_dir / "lock"


def _public_url_of_supervisor(data_dir: Path) -> str:
    try:
        return str(json.loads(lock_file(data_dir).read_text(encoding="utf-8"))["public_url"])
    except (OSError, ValueError, KeyError):
        return ""


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# A value in quotes, or a bare one, and a comment; as `docker compose` reads the same file.
_VALUE = re.compile(r"""(?:"([^"]*)"|'([^']*)'|(.*?))\s*(?:(?<!\S)\#.*)?""")


def read_dotenv(path: Path) -> dict[str, str]:
    """`NAME=value` lines; a `#` after a space starts a comment, one pair of quotes is taken off."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{path.name}: cannot read it: {reason}") from error
    values: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        line = line.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        found = _VALUE.fullmatch(value.strip())
        if not equals or found is None:
            raise ConfigError(f"{path.name} line {number}: expected NAME=value")
        values[name.strip()] = next(filter(None, found.groups()), "")
    return values


def secret(name: str, config: Config, environ: Mapping[str, str] | None = None) -> str:
    """Return a secret by its upper-case name: `NAME`, else the file `NAME_FILE`, else generated once.

    A generated one lives in the data folder's `secrets/name` with mode 0600. Raise ConfigError.
    """
    env = {**read_dotenv(PROJECT_DIR / ".env"), **(os.environ if environ is None else environ)}
    if value := env.get(name):
        return value
    if path := env.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{name}_FILE: cannot read it: {error.strerror}") from error
    return read_or_create_secret(config.secrets_dir / name.lower())


def peppers(config: Config, environ: Mapping[str, str] | None = None) -> dict[int, str]:
    """Every pepper by its version: the first, made where there is none, and each PEPPER_2, … that is
    given, or lies in the data folder's `secrets`. Raises ConfigError where the first was lost."""
    given = {**read_dotenv(PROJECT_DIR / ".env"), **(os.environ if environ is None else environ)}
    names = [name for name, value in given.items() if value]
    names += [file.name.upper() for file in config.secrets_dir.glob("pepper_*")]
    found = (re.fullmatch(r"PEPPER_([1-9]\d{0,3})(?:_FILE)?", name) for name in names)
    versions = {1} | {int(match[1]) for match in found if match}
    first = config.secrets_dir / "pepper_1"
    is_given = given.get("PEPPER_1") or given.get("PEPPER_1_FILE")
    if not is_given and not first.exists() and (config.postgres_dir / "PG_VERSION").exists():
        raise ConfigError(
            f"{first} is missing; take it back from a backup: no key works without it"
        )
    return {version: secret(f"PEPPER_{version}", config, given) for version in sorted(versions)}


def read_or_create_secret(path: Path) -> str:
    """Return the secret in this file; create one of 256 random bits if absent (safe against races)."""
    if not path.exists():
        create_secret_file(path, lambda: secrets.token_urlsafe(32) + "\n")
    try:
        found = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{path}: cannot read it: {error.strerror}") from error
    if not found:
        raise ConfigError(f"{path}: is empty; take it back from a backup")
    return found


def create_secret_file(path: Path, make: Callable[[], str]) -> None:
    """Create a 0600 file atomically; if it exists, keep it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # atomic: whoever links first wins, the other reads the winner's
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise ConfigError(f"{path}: cannot write it: {error.strerror}") from error


_SCHEMES = {
    "DATABASE_URL": ("postgres://", "postgresql://"),
    "REDIS_URL": ("redis://", "rediss://", "unix://"),
    "EMAIL_URL": ("smtp://", "smtp+tls://", "smtps://"),
    "PUBLIC_URL": ("http://", "https://"),
    "BITRIX24_OAUTH_URL": ("https://",),
}


def _url(env: Mapping[str, str], name: str, example: str) -> str:
    url = env.get(name, "")
    if url and not _is_url(url, *_SCHEMES[name]):
        raise ConfigError(f"{name}: expected {example}")  # the value may hold a password
    return url


_TLS_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


def _redis_url(env: Mapping[str, str]) -> str:
    """In redis-py's spelling. Celery's library has other words for it: only what `broker` tells it."""
    url = _url(env, "REDIS_URL", "redis://:password@host:6379/0")
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    known = ["db", *(("ssl_cert_reqs", *_TLS_FILES) if parts.scheme == "rediss" else ())]
    if unknown := query.keys() - set(known):
        hint = "" if parts.scheme == "rediss" else "; TLS is rediss://"
        raise ConfigError(
            f"REDIS_URL: {sorted(unknown)[0]} is not known; after ? may stand {', '.join(known)}{hint}"
        )
    if query.get("ssl_cert_reqs", "required") not in {"required", "none"}:
        raise ConfigError(
            "REDIS_URL: ssl_cert_reqs is required (as without it), or none: nothing is checked then"
        )
    for name in _TLS_FILES:
        if name in query and not os.access(query[name], os.R_OK):
            raise ConfigError(f"REDIS_URL: {name}: cannot read {query[name]}")
    database = query.get("db", "" if parts.scheme == "unix" else parts.path.strip("/"))
    if ("db" in query and not database) or (database and not database.isdecimal()):
        raise ConfigError("REDIS_URL: the database is a number, as in redis://host:6379/0")
    return url


_MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


def _mail_server(env: Mapping[str, str]) -> MailServer | None:
    url = _url(env, "EMAIL_URL", "smtp+tls://user:password@host:587?from=sms@example.com")
    if not url:
        return None
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    sender = query.pop("from", "")
    if query:
        raise ConfigError(f"EMAIL_URL: {sorted(query)[0]} is not known; after ? may stand from")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(sender)[1]):
        raise ConfigError(
            "EMAIL_URL: say whom mail is from: …?from=sms@example.com; a # of the password is %23"
        )
    host = parts.hostname or ""
    if not host:
        raise ConfigError("EMAIL_URL: it names no host")
    if parts.scheme == "smtp" and parts.password and not is_loopback(host):
        raise ConfigError("EMAIL_URL: the password would go in clear: smtp+tls:// or smtps://")
    return MailServer(
        host=host,
        port=parts.port or _MAIL_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starts_tls=parts.scheme == "smtp+tls",
        is_tls=parts.scheme == "smtps",
        sender=sender,
    )


def _is_url(url: str, *schemes: str) -> bool:
    try:
        parts = urlsplit(url)
        hosts = parts.netloc.rpartition("@")[2].split(",")  # several: of PostgreSQL only
        ports = [urlsplit(f"//{host}").port for host in hosts]
    except ValueError:  # a port that is no number, half an IPv6 address
        return False
    may_be_several = schemes == _SCHEMES["DATABASE_URL"]
    is_there = bool(parts.netloc + parts.path) and (len(hosts) == 1 or may_be_several)
    return url.startswith(schemes) and is_there and 0 not in ports


def _networks(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    networks = tuple(env.get(name, "").replace(",", " ").split())
    for network in networks:
        try:
            ip_network(network, strict=False)
        except ValueError:
            raise ConfigError(
                f"{name}: expected addresses or networks, like 10.0.0.1, 172.16.0.0/12"
            ) from None
    return networks


def _one_of(env: Mapping[str, str], name: str, default: str, *others: str) -> str:
    word = (env.get(name) or default).upper()
    if word not in {default, *others}:
        raise ConfigError(f"{name}: expected {default}, {', '.join(others)}")
    return word


def _integer(
    env: Mapping[str, str], name: str, default: int, *, lowest: int, highest: int = 2**31
) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
        raise ConfigError(f"{name}: expected a whole number from {lowest} to {highest}")
    return int(text)


def _log_format(env: Mapping[str, str]) -> str:
    name = (env.get("LOG_FORMAT") or "line").lower()
    if name not in {"line", "json"}:
        raise ConfigError("LOG_FORMAT: expected line or json")
    return name


def _boolean(env: Mapping[str, str], name: str, default: bool) -> bool:
    text = (env.get(name) or str(default)).lower()
    if text not in {"1", "0", "true", "false", "yes", "no", "on", "off"}:
        raise ConfigError(f"{name}: expected true or false")
    return text in {"1", "true", "yes", "on"}
