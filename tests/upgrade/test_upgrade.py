"""The data of every release so far, under the code of today: it starts, and everything is there."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import psycopg2
import pytest

from smsgate.supervisor.embedded import services
from tests.smsgate.processes import Up, private_config, up
from tests.upgrade.build import CONTACT, FOLDER, PEPPER, WELCOME

RELEASES = sorted(path.stem for path in FOLDER.glob("*.sql"))

# `scheduled` shows as `pending`, and the long silence made what was open uncertain.
SHOWN = {"scheduled": "pending", "leased": "uncertain", "sending": "uncertain"}


# What the admin once took, and today's rules do not.
OUT_OF_RANGE = """
    UPDATE public.licenses_account SET retention_days = 9999999;
    UPDATE public.licenses_license SET lease_seconds = 2000000000;
    """


def call(started: Up, method: str, path: str, key: str, body: Any = None) -> Any:
    request = Request(
        started.url + path,
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {key}"},
        method=method,
    )
    with urlopen(request, timeout=60) as response:
        return json.load(response)


def count(cursor: Any, table: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {table}")
    return int(cursor.fetchone()[0])


@pytest.mark.parametrize("version", RELEASES)
def test_data_of_a_release_is_migrated_at_the_start(version: str, data_dir: Path) -> None:
    made = json.loads((FOLDER / f"{version}.json").read_text())
    with services(private_config(data_dir / "servers"), durable=False) as (database_url, redis_url):
        with contextlib.closing(psycopg2.connect(database_url)) as connection:
            with connection.cursor() as cursor:
                cursor.execute((FOLDER / f"{version}.sql").read_text())
                cursor.execute(OUT_OF_RANGE)
            connection.commit()
        with up(
            data_dir / "service",
            DATABASE_URL=database_url,
            REDIS_URL=redis_url,
            PEPPER_1=PEPPER,
            DETAIL_DAYS="0",  # all of it is old
        ) as started:
            started.wait_until_ready()
            assert not started.said("licence key"), "it is no first start"
            check_messages(started, made)
            check_rows(database_url, made["tables"])
            assert started.stop() == 0


def check_messages(started: Up, made: dict[str, Any]) -> None:
    """Its keys, its phone and its messages work as before; an external_id is remembered."""
    key = made["license_key"]
    found = call(started, "GET", "/api/messages/", key)["results"]
    # The worker may not have got to its doubts yet.
    states = {one["external_id"]: SHOWN.get(one["status"], one["status"]) for one in found}
    assert states.pop(None) == "pending", "a contact's"
    assert states == {name: SHOWN.get(name, name) for name in made["ids"]}
    one = call(started, "GET", f"/api/messages/{made['ids']['delivered']}/", key)
    assert one["timeline"][-1]["to"] == "delivered"
    request = {"external_id": "sent", "phone": "+48123456789", "message": "again"}
    with pytest.raises(HTTPError, match="400") as refused:
        call(started, "POST", "/api/messages/", key, request)
    refused.value.close()
    contact = {"key": key, "api_key": made["api_key"], **CONTACT, **WELCOME}
    saved = call(started, "POST", "/api/contacts/contacts/", key, contact)
    assert saved["message_skipped"] == "duplicate_message"
    claim = {"claim_id": str(uuid4()), "capacity": 5}
    taken = call(started, "POST", "/companion/sync/", made["token"], claim)["messages"]
    assert [message["message_id"] for message in taken] == [made["ids"]["pending"]]
    assert call(started, "GET", "/api/inbox/", key)["results"][0]["text"] == "Hi"


def check_rows(database_url: str, tables: dict[str, int]) -> None:
    """No row is lost. (The clock's tasks add some, and delete what serves only for a while.)"""
    short_lived = {"http_api_idempotencyrecord", "licenses_pairingcode", "messaging_claim"}
    with (
        contextlib.closing(psycopg2.connect(database_url)) as connection,
        connection.cursor() as cursor,
    ):
        for table in tables.keys() - short_lived - {"messaging_inboundmessage"}:
            assert count(cursor, table) >= tables[table], table
        cursor.execute("SELECT DISTINCT kept_sms FROM licenses_account")
        assert cursor.fetchall() == [("all",)], (
            "an inbox that programs read stays as full as it was"
        )
