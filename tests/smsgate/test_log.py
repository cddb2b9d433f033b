"""The whole service does a whole job, as talkative as can be: its log has no key, number or text."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from smsgate.config import PROJECT_DIR
from tests.smsgate.processes import Up, up, wait_until

TEXT = "Geheimnis"
PHONE = "+48123456789"


def call(
    started: Up, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any, str]:
    """Status, body and request id."""
    request = urllib.request.Request(
        started.url + path,
        None if body is None else json.dumps(body).encode(),
        {name.replace("_", "-"): value for name, value in headers.items()},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response), response.headers["X-Request-Id"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers["X-Request-Id"]


def phone(started: Up, *command: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "phone_simulator", *command],
        cwd=PROJECT_DIR,
        env=started.environ,
        check=True,
    )


def do_the_whole_job(started: Up, data_dir: Path) -> tuple[set[str], str]:
    """Every route once, with good and bad input, and a phone that sends. Answers all secrets there
    were, and the id of one request."""
    keys = json.loads(started.manage("provision", TEXT, "--json"))
    pairing = json.loads(started.manage("pair", str(keys["license_id"]), "--json"))
    key, api_key = keys["license_key"], keys["api_key"]
    message = {"license__key": key, "external_id": "a", "phone": PHONE, "message": TEXT}
    assert call(started, "POST", "/api/messages/", message)[0] == 201
    assert call(started, "POST", "/api/messages/", message)[0] == 400  # a duplicate
    for bad in ({"phone": TEXT}, {"message": TEXT * 1000}, {"send_after": TEXT}, {"sim": TEXT}):
        assert call(started, "POST", "/api/messages/", message | bad)[0] == 400
    bulk = {"license__key": key, "messages": [message | {"external_id": "b"}, {"phone": PHONE}]}
    assert call(started, "POST", "/api/messages/bulk/", bulk, Idempotency_Key=TEXT)[0] == 201
    contact = {
        "key": key, "api_key": api_key, "phone": PHONE, "name": TEXT, "message": f"{TEXT} {{name}}",
        "send_after": "2020-01-01T00:00:00",
    }  # fmt: skip
    assert call(started, "POST", "/api/contacts/contacts/", contact)[0] == 201
    friend = contact | {"phone": "+48987654321"}  # whose answer is kept
    assert call(started, "POST", "/api/contacts/contacts/", friend)[0] == 201
    wrong = contact | {"api_key": "WRNGWRNGWRNG"}
    assert call(started, "POST", "/api/contacts/contacts/", wrong)[0] == 401
    bearer = {"Authorization": f"Bearer {key}"}
    path = f"/api/messages/?phone=%2B48123456789&external_id=a&license__key={key}"
    status, _, request_id = call(started, "GET", path, **bearer)
    assert status == 400  # a key in a URL; not in the log all the same
    assert call(started, "GET", f"/nothing/{PHONE}/{key}?text={TEXT}")[0] == 404
    assert call(started, "DELETE", f"/api/opt-outs/{PHONE}/", **bearer)[0] == 404

    journal = ("--journal", str(data_dir / "phone.sqlite3"))
    phone(started, "pair", pairing["link"], *journal)
    phone(started, "receive", "+48987654321", TEXT, *journal)
    phone(started, "run", "--speed", "120", "--until-idle", *journal)
    found = call(started, "GET", "/api/messages/", **bearer)[1]["results"]
    assert {one["status"] for one in found} == {"delivered"}
    assert [one["text"] for one in call(started, "GET", "/api/inbox/", **bearer)[1]["results"]] == [
        TEXT
    ]
    secrets = {str(value) for name, value in keys.items() if not name.endswith("_id")}
    secrets |= {pairing["code"], pairing["code"].replace("-", "")}
    secrets |= {file.read_text().strip() for file in (data_dir / "secrets").iterdir()}
    return secrets | {TEXT, "48123456789", "123456789", "48987654321", "WRNGWRNGWRNG"}, request_id


def test_a_full_run_logs_no_key_no_number_and_no_text(data_dir: Path) -> None:
    with up(data_dir, LOG_LEVEL="DEBUG", LOG_FORMAT="json") as started:
        started.wait_until_ready()
        shown_once = set(
            re.findall(r"(?:licence key|api_key|password:)\s+(\S+)", "\n".join(started.lines))
        )
        assert len(shown_once) == 3
        # The first start prints its keys, on purpose; from here on nothing may.
        begin = started.lines.index(f"smsgate is ready: {started.url}") + 1
        secrets, request_id = do_the_whole_job(started, data_dir)
        started.kill("redis")
        wait_until(lambda: started.pid_of("redis"), "it is back")
        log = started.lines[begin:]
    assert len(log) > 20, log
    for secret in secrets | shown_once:
        assert [line for line in log if secret in line] == [], secret
    assert [line for line in log if not line.startswith("{")] == []
    lines = [json.loads(line) for line in log]
    assert all({"time", "process", "level", "message"} <= set(line) for line in lines)
    (found,) = [line for line in lines if line.get("request") == request_id]
    assert (found["method"], found["route"], found["status"]) == ("GET", "api/messages/", 400)
