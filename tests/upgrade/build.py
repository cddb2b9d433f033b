"""Makes the data of a release, for the releases after it to migrate: every table, every state.

Run once when a release is made, with its own code: `.venv/bin/python -m tests.upgrade.build`
writes tests/upgrade/VERSION.sql and VERSION.json (the keys, and what must be there afterwards).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from smsgate import config
from smsgate.supervisor.embedded import Postgres, services
from smsgate.version import VERSION

FOLDER = Path(__file__).parent
PEPPER = "the pepper of a release under test"
NOW = dt.datetime(2026, 4, 9, 14, 32, tzinfo=dt.UTC)
# A contact, and the SMS that goes with it: what its repetition is known by must survive.
CONTACT = {"phone": "+48123456780", "name": "Ola", "group_name": "VIP"}
WELCOME = {"message": "Hi {name}", "send_after": "2099-01-01T00:00:00Z"}


@contextmanager
def release() -> Iterator[config.Config]:
    """A migrated database of this release, Django ready to use it."""
    with tempfile.TemporaryDirectory(prefix="smsgate-") as folder:
        os.environ |= {"DATA_DIR": folder, "LOG_LEVEL": "ERROR", "PEPPER_1": PEPPER}
        os.environ["DJANGO_SETTINGS_MODULE"] = "smsgate.settings"
        private = config.load()
        with services(private, durable=False) as (database_url, redis_url):
            os.environ |= {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
            import django

            django.setup()
            from django.core.management import call_command
            from django.db import connection

            call_command("migrate", verbosity=0)
            yield private
            connection.close()


def fill() -> dict[str, Any]:
    """Accept and send until every table has rows and every state has a message. Answers the keys."""
    from http_api import clock
    from licenses.services import provision
    from messaging.services.housekeeping import expire_overdue
    from tests.conftest import Api, Tenant, pair_phone
    from tests.delivery import Wire, accept, event, sent

    with clock.replaced_by(lambda: NOW):
        api, tenant = Api(), Tenant(provision("Alice", max_daily_sms=500))
        phone = pair_phone(tenant)
        wire = Wire(api, phone)
        ids = {
            name: accept(api, tenant, name, priority=priority)
            for priority, name in enumerate(
                ("delivered", "undelivered", "sent", "failed", "uncertain", "sending", "leased"), 1
            )
        }
        wire.claim(50)
        for name in ("delivered", "undelivered", "sent"):
            wire.report(*sent(ids[name]))
        for kind in ("delivered", "undelivered"):
            wire.report(event(f"part_{kind}", ids[kind], part=1, parts=1))
        for name in ("failed", "uncertain", "sending"):
            wire.report(event("started", ids[name], parts=1))
        wire.report(event("part_failed", ids["failed"], part=1, parts=1, code="no_service"))
        wire.report(event("unknown", ids["uncertain"]), event("started", 10**9))
        inbound = {
            "event_id": str(uuid4()),
            "type": "received",
            "sender": "+48987654321",
            "text": "Hi",
        }
        wire.report(inbound)
        ids["scheduled"] = accept(api, tenant, "scheduled", send_after="2099-01-01T00:00:00Z")
        ids["expired"] = accept(api, tenant, "expired", send_before="2026-04-09T14:33:00Z")
        ids["cancelled"] = accept(api, tenant, "cancelled")
        api.delete(f"/api/messages/{ids['cancelled']}/", tenant)
        once = tenant.message("pending")
        key = {"Idempotency_Key": "once"}
        ids["pending"] = api.post("/api/messages/", once, **key).json()["id"]
        contact = tenant.with_keys(**CONTACT, **WELCOME)
        assert "message_skipped" not in api.post("/api/contacts/contacts/", contact).json()
        api.post("/api/opt-outs/", {"phone": "+48123456781"}, **tenant.headers)
    with clock.replaced_by(lambda: NOW + dt.timedelta(minutes=2)):
        expire_overdue()
    return {
        "license_key": tenant.keys.license_key, "api_key": tenant.keys.api_key,
        "token": phone.token, "license_id": tenant.keys.license_id, "ids": ids,
    }  # fmt: skip


def tables() -> dict[str, int]:
    """How many rows each table of ours has."""
    from django.apps import apps

    return {
        model._meta.db_table: model._default_manager.count()
        for label in ("http_api", "licenses", "messaging", "contacts")
        for model in apps.get_app_config(label).get_models()
    }


def dump(private: config.Config) -> str:
    """Plain SQL, without psql's own commands and with nothing that depends on the machine."""
    from smsgate.operations.backup import libpq

    postgres = Postgres(private)
    return subprocess.run(
        [postgres.bin / "pg_dump", "--no-owner", "--no-privileges", "--rows-per-insert=100"],
        env={**os.environ, **libpq(postgres.url())},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def main() -> None:
    with release() as private:
        keys = fill()
        counts = tables()
        assert all(counts.values()), counts
        sql = "".join(
            line for line in dump(private).splitlines(keepends=True) if not line.startswith("\\")
        )
    (FOLDER / f"{VERSION}.sql").write_text(sql)
    (FOLDER / f"{VERSION}.json").write_text(json.dumps(keys | {"tables": counts}, indent=1) + "\n")


if __name__ == "__main__":
    main()
