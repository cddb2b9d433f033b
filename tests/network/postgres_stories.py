"""Stories of a PostgreSQL over a network that freezes, dies, resets and refuses. `make network`"""

from __future__ import annotations

import os
import tempfile
import time
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from messaging.tasks import HEARTBEAT
from tests.freezing_proxy import FreezingProxy, address_of, freezing_proxy
from tests.network.calls import NOTICED_SECONDS, send, status_of
from tests.smsgate.processes import Up, new_database, private_config, up, wait_until

pytestmark = pytest.mark.timeout(300)

FAILOVER_SECONDS = 30.0
ANSWER_SECONDS = 16.0  # in which a request has its 503, on a busy machine


@pytest.fixture(scope="module")
def proxy() -> Iterator[FreezingProxy]:
    with freezing_proxy(address_of(os.environ["DATABASE_URL"])) as between:
        yield between


@pytest.fixture(scope="module")
def service(proxy: FreezingProxy) -> Iterator[Up]:
    """Everything that `make up` starts, its PostgreSQL behind the proxy."""
    folder = Path("/tmp") / f"sms-db-{os.getpid()}"
    with (
        new_database() as url,
        up(folder, DATABASE_URL=proxy.url(url), WEB_PROCESSES="1") as started,
    ):
        started.wait_until_ready()
        yield started


def refusal(service: Up, external_id: str) -> tuple[int, float]:
    """Status of a send that is not accepted, and how long its answer took."""
    began = time.monotonic()
    with pytest.raises(urllib.error.HTTPError) as refused:
        send(service, external_id)
    with refused.value:
        if refused.value.code == 503:
            assert refused.value.headers["Retry-After"].isdigit()
        return refused.value.code, time.monotonic() - began


def accepted(service: Up, external_id: str) -> bool:
    """Send it again; what was committed before its answer was lost is a duplicate."""
    try:
        send(service, external_id)
    except urllib.error.HTTPError as error:
        with error:
            return error.code == 400 and b"duplicate_external_id" in error.read()
    return True


def works(service: Up) -> None:
    """Return when the worker has done a task with the database, from now on."""
    since = len(service.lines)
    with redis.Redis.from_url(private_config(service.data_dir).effective_redis_url()) as direct:
        direct.delete(HEARTBEAT)
        wait_until(lambda: direct.exists(HEARTBEAT), "the worker went on", NOTICED_SECONDS)
    assert not [line for line in service.lines[since:] if "Traceback" in line]


@pytest.mark.parametrize("fault", ["freeze", "refuse"])
def test_a_database_that_is_away_is_503_in_time_and_comes_back(
    service: Up, proxy: FreezingProxy, fault: str
) -> None:
    wait_until(lambda: accepted(service, f"{fault} before"), "it is well", NOTICED_SECONDS)
    getattr(proxy, fault)()
    try:
        with ThreadPoolExecutor(12) as clients:  # more than there are threads
            names = [f"{fault} {number}" for number in range(12)]
            answers = list(clients.map(lambda name: refusal(service, name), names))
        assert {status for status, _ in answers} == {503}
        assert max(took for _, took in answers) < 2 * ANSWER_SECONDS
        assert min(took for _, took in answers) < ANSWER_SECONDS
        assert status_of(service, "/readyz/") == 503
        assert status_of(service, "/healthz/") == 200
    finally:
        proxy.thaw()
    wait_until(lambda: status_of(service, "/readyz/") == 200, "web goes on", NOTICED_SECONDS)
    assert all(accepted(service, name) for name in names)
    works(service)


@pytest.mark.parametrize("fault", ["lose", "reset"])
def test_connections_that_die_are_made_anew(service: Up, proxy: FreezingProxy, fault: str) -> None:
    wait_until(lambda: accepted(service, f"{fault} before"), "it is well", NOTICED_SECONDS)
    getattr(proxy, fault)()

    def goes_on() -> bool:
        return accepted(service, f"{fault} after")

    wait_until(goes_on, "web goes on", NOTICED_SECONDS)
    works(service)


@pytest.mark.parametrize("fault", ["freeze", "refuse"])
@pytest.mark.parametrize("in_query", [True, False])
def test_of_several_servers_the_one_that_is_there_is_taken(fault: str, in_query: bool) -> None:
    """Both ways lead to one database; the first, which is in use, ends."""
    with ExitStack() as opened:
        given = urlsplit(opened.enter_context(new_database()))
        address = address_of(os.environ["DATABASE_URL"])
        first, second = (opened.enter_context(freezing_proxy(address)) for _ in range(2))
        hosts, ports = "127.0.0.1,127.0.0.1", f"{first.port},{second.port}"
        places = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
        credentials = given.netloc.rpartition("@")[0]
        query = f"?host={hosts}&port={ports}" if in_query else ""
        url = f"postgresql://{credentials}@{'' if in_query else places}{given.path}{query}"
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="sms-")))
        service = opened.enter_context(up(folder / "data", DATABASE_URL=url, WEB_PROCESSES="1"))
        service.wait_until_ready()
        getattr(first, fault)()
        began = time.monotonic()
        wait_until(lambda: accepted(service, fault), "it is accepted", FAILOVER_SECONDS)
        assert time.monotonic() - began < FAILOVER_SECONDS
        works(service)
        first.thaw()
