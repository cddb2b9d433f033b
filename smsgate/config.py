"""What the environment says: one frozen object that settings, supervisor and commands all read.

Values come from the process environment, then from a `.env` file in the working folder, then from
the defaults here. Standard library only, so that the supervisor can read it without Django.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PROJECT_DIR = Path(__file__).resolve().parent.parent

# A Unix socket's path holds at most 107 bytes (sun_path in unix(7)).
LONGEST_SOCKET_PATH = 107


class ConfigError(Exception):
    """The environment says something that cannot be used; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Config:
    port: int
    bind: str
    tls_port: int  # where phones reach it over TLS with its own certificate; 0: nowhere
    data_dir: Path
    public_url: str
    database_url: str
    redis_url: str
    debug: bool
    trusted_proxies: tuple[str, ...]
    license_rate_per_minute: int
    failed_keys_per_minute: int
    web_threads: int
    log_level: str

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

    def _socket_dir(self, folder: Path, name: str) -> Path:
        """The folder itself where the path is short enough for a socket, else a short stand-in."""
        if len(os.fsencode(folder / name)) <= LONGEST_SOCKET_PATH:
            return folder
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        return Path("/tmp") / f"smsgate-{digest}"


def load(environ: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Config:
    """Read the configuration; raises ConfigError with one clear line."""
    env = {
        **read_dotenv(dotenv or PROJECT_DIR / ".env"),
        **(os.environ if environ is None else environ),
    }
    port = _integer(env, "PORT", 8000, lowest=1, highest=65535)
    bind = env.get("BIND") or "127.0.0.1"
    host = f"[{bind}]" if ":" in bind else bind
    shown_host = "127.0.0.1" if bind in {"0.0.0.0", "::"} else host
    public_url = (env.get("PUBLIC_URL") or f"http://{shown_host}:{port}").rstrip("/")
    needs_tls = not is_loopback(bind) and not public_url.startswith("https://")
    return Config(
        port=port,
        bind=bind,
        tls_port=_integer(env, "TLS_PORT", port + 443 if needs_tls else 0, lowest=0, highest=65535),
        data_dir=Path(env.get("DATA_DIR") or PROJECT_DIR / "data").expanduser().absolute(),
        public_url=public_url,
        database_url=_url(env, "DATABASE_URL", "postgresql://user:password@host/name"),
        redis_url=_url(env, "REDIS_URL", "redis://:password@host:6379/0"),
        debug=_boolean(env, "DEBUG", False),
        trusted_proxies=tuple(
            filter(None, env.get("TRUSTED_PROXIES", "").replace(",", " ").split())
        ),
        license_rate_per_minute=_integer(env, "LICENSE_RATE_PER_MINUTE", 600, lowest=0),
        failed_keys_per_minute=_integer(env, "FAILED_KEYS_PER_MINUTE", 20, lowest=1),
        web_threads=_integer(env, "WEB_THREADS", 16, lowest=1, highest=256),
        log_level=(env.get("LOG_LEVEL") or "INFO").upper(),
    )


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_dotenv(path: Path) -> dict[str, str]:
    """`NAME=value` lines; blank lines and `#` comments are skipped, one pair of quotes is taken off."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    values: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        line = line.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise ConfigError(f"{path.name} line {number}: expected NAME=value")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        values[name.strip()] = value
    return values


def secret(name: str, config: Config, environ: Mapping[str, str] | None = None) -> str:
    """A secret by its upper-case name: `NAME`, else the file `NAME_FILE`, else generated once.

    A generated one lives in the data folder's `secrets/name` with mode 0600.
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


def read_or_create_secret(path: Path) -> str:
    """The secret in this file; made with 256 random bits where there is none (safe against races)."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ConfigError(f"{path}: cannot read it: {error.strerror}") from error
    create_secret_file(path, lambda: secrets.token_urlsafe(32) + "\n")
    return path.read_text(encoding="utf-8").strip()


def create_secret_file(path: Path, make: Callable[[], str]) -> None:
    """A file for its owner's eyes, on disk whole or not at all; who comes second keeps the first's."""
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
}


def _url(env: Mapping[str, str], name: str, example: str) -> str:
    url = env.get(name, "")
    if url and not url.startswith(_SCHEMES[name]):
        raise ConfigError(f"{name}: expected {example}")  # the value may hold a password
    return url


def _integer(
    env: Mapping[str, str], name: str, default: int, *, lowest: int, highest: int = 2**31
) -> int:
    text = env.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not lowest <= int(text) <= highest:
        raise ConfigError(f"{name}: expected a whole number from {lowest} to {highest}")
    return int(text)


def _boolean(env: Mapping[str, str], name: str, default: bool) -> bool:
    text = (env.get(name) or str(default)).lower()
    if text not in {"1", "0", "true", "false", "yes", "no", "on", "off"}:
        raise ConfigError(f"{name}: expected true or false")
    return text in {"1", "true", "yes", "on"}
