"""The proxy that tests put in between does to connections what it says."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import psycopg2
import pytest
import redis

from tests.freezing_proxy import FreezingProxy, address_of, freezing_proxy


@pytest.fixture
def proxy() -> Iterator[FreezingProxy]:
    with freezing_proxy(address_of(os.environ["REDIS_URL"])) as between:
        yield between


@pytest.fixture
def client(proxy: FreezingProxy) -> Iterator[redis.Redis]:
    url = proxy.url(os.environ["REDIS_URL"])
    with redis.Redis.from_url(url, socket_timeout=0.2, retry=None) as connection:
        connection.ping()
        yield connection


def test_a_frozen_connection_is_open_and_says_nothing_until_it_thaws(
    proxy: FreezingProxy,
) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=0.2) as wire:
        proxy.freeze()
        wire.sendall(b"PING\r\n")
        with pytest.raises(TimeoutError):
            wire.recv(1)
        wire.settimeout(10)
        proxy.thaw()
        assert wire.recv(1) == b"-"  # it wants a password


def test_a_lost_connection_stays_silent_and_a_new_one_works(
    proxy: FreezingProxy, client: redis.Redis
) -> None:
    proxy.lose()
    with pytest.raises(redis.TimeoutError):
        client.ping()
    assert client.ping()


def test_a_reset_connection_ends_with_rst_and_a_new_one_works(
    proxy: FreezingProxy, client: redis.Redis
) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as wire:
        wire.sendall(b"PING\r\n")
        assert wire.recv(1) == b"-"
        proxy.reset()
        wire.settimeout(10)
        with pytest.raises(ConnectionResetError):
            wire.makefile("rb").read()
    assert client.ping()


def test_nobody_listens_while_it_refuses(proxy: FreezingProxy, client: redis.Redis) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
    proxy.thaw()
    client.connection_pool.disconnect()
    assert client.ping()


def test_postgresql_works_through_it() -> None:
    url = os.environ["DATABASE_URL"]
    with freezing_proxy(address_of(url)) as between:
        connection = psycopg2.connect(between.url(url), connect_timeout=10)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
        assert between.open_connections == 1
        connection.close()
