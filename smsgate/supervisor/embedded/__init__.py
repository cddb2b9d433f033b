"""A private PostgreSQL and a private Redis-compatible server, from wheels, in the data folder.

Standard library only: the supervisor that runs them stays light. Nothing here is used where
DATABASE_URL and REDIS_URL are given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from smsgate.config import Config
from smsgate.supervisor.embedded.errors import EmbeddedError
from smsgate.supervisor.embedded.postgres import Postgres
from smsgate.supervisor.embedded.redis import Redis

__all__ = ["EmbeddedError", "Postgres", "Redis", "services"]


@contextmanager
def services(config: Config, *, durable: bool = True) -> Iterator[tuple[str, str]]:
    """Both servers while the block runs; gives their URLs. `durable=False` is for tests: faster,
    not safe against a power cut, and its role may create databases."""
    with ExitStack() as running:
        postgres = Postgres(config, durable=durable)
        redis = Redis(config)
        for service in (postgres, redis):
            service.prepare()
            service.start()
            running.callback(service.stop)
        postgres.wait_until_ready()
        redis.wait_until_ready()
        yield postgres.url(), redis.url()
