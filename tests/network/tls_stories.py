"""Stories of a Redis behind TLS: the certificate is checked by web, worker and beat. `make network`"""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest
import redis

from messaging.tasks import HEARTBEAT
from smsgate import config
from tests.freezing_proxy import address_of, freezing_proxy
from tests.network.calls import NOTICED_SECONDS, ready
from tests.smsgate.processes import up, wait_until

pytestmark = pytest.mark.timeout(300)

DATABASE = 14  # of the tests' Redis


def certificate(folder: Path, name: str, address: str) -> tuple[Path, Path]:
    """A self-signed one for that address, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{address}",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


@pytest.fixture(params=["127.0.0.1"])
def url_of(request: Any, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """REDIS_URL of the tests' Redis behind TLS, with what is to stand after the `?`."""
    cert, key = certificate(tmp_path, "server", request.param)
    certificate(tmp_path, "other", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with freezing_proxy(address_of(os.environ["REDIS_URL"]), context) as proxy:
        base = proxy.url(os.environ["REDIS_URL"].partition("?")[0])
        base = f"rediss{base.removeprefix('redis').rpartition('/')[0]}/{DATABASE}"
        yield lambda query: f"{base}?{query.format(folder=tmp_path)}"


@pytest.mark.parametrize(
    ("query", "is_let_in"),
    [
        ("ssl_ca_certs={folder}/server.pem", True),
        ("ssl_cert_reqs=none", True),
        ("ssl_ca_certs={folder}/other.pem", False),
        ("", False),
    ],
)
def test_both_libraries_check_the_certificate(
    url_of: Callable[[str], str], query: str, is_let_in: bool
) -> None:
    environ = {"REDIS_URL": url_of(query)}
    loaded = config.load(environ, Path("/nowhere"))
    url, tls = loaded.broker()

    def web() -> None:
        with redis.Redis.from_url(loaded.effective_redis_url()) as client:
            client.ping()

    def worker_and_beat() -> None:
        with kombu.Connection(url, ssl=tls or False) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=5)

    for connect in (web, worker_and_beat):
        if is_let_in:
            connect()
        else:
            with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
                connect()


@pytest.mark.parametrize("url_of", ["127.0.0.2"], indirect=True)
def test_a_certificate_of_another_name_is_refused(url_of: Callable[[str], str]) -> None:
    test_both_libraries_check_the_certificate(url_of, "ssl_ca_certs={folder}/server.pem", False)


def test_the_whole_service_runs_with_redis_behind_tls(url_of: Callable[[str], str]) -> None:
    folder = Path("/tmp") / f"sms-tls-{os.getpid()}"
    direct = redis.Redis.from_url(os.environ["REDIS_URL"].partition("?")[0], db=DATABASE)
    with direct, up(folder, REDIS_URL=url_of("ssl_ca_certs={folder}/server.pem")) as service:
        service.wait_until_ready()
        direct.delete(HEARTBEAT)
        wait_until(lambda: direct.exists(HEARTBEAT), "worker and beat are there", NOTICED_SECONDS)
        assert ready(service)["redis"] == "ok"
        assert ready(service)["worker"] == "ok"
        direct.flushdb()
