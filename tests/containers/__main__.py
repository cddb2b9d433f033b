"""`make containers`: the image and docker-compose.yml, from the first start to a restored backup."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from smsgate.config import PROJECT_DIR
from tests.containers import images
from tests.containers.engine import podman, run, say, show_containers, wait_until
from tests.containers.stack import SERVICES, Stack

IMAGE = "localhost/smsgate:local"
FORMER = "a95551c769c25e3d4003db4d6a5f63ba5664f92e"  # release 0.1.0's last commit
FORMER_IMAGE = "localhost/smsgate:former"
# It did not build or start with podman, nor with Docker before 25: (fault, mended) in each file.
FORMER_MENDS = {
    "Dockerfile": [
        (" --start-interval=1s", ""),
        ("FROM python:", "FROM docker.io/library/python:"),
        ("    BIND=0.0.0.0", "    TLS_PORT=0 BIND=0.0.0.0"),
    ],
    "docker-compose.yml": [
        ("      start_interval: 1s\n", ""),
        ("image: postgres:", "image: docker.io/library/postgres:"),
        ("image: valkey/", "image: docker.io/valkey/"),
        ('      BIND: 0.0.0.0\n      PORT: "8000"\n      TLS_PORT: "0" # Caddy\'s work\n', ""),
    ],
}
WRONG_KEY = "WRNGWRNGWRNG"


def story() -> None:
    with ThreadPoolExecutor(2) as pool:  # what is needed only later
        program = pool.submit(images.caddy_program)
        images.stand_ins()
        has_former = pool.submit(former_image)
        say("building the image")
        images.ours(PROJECT_DIR, IMAGE)
        with fresh_stack("smsgate-test") as stack:
            first_start(stack)
            kill_each(stack)
            restore(stack)
            if (caddy := program.result()) is None:
                say("no three web containers behind Caddy: there is no Go to build Caddy with")
            else:
                images.caddy(caddy)
                behind_caddy(stack)
        if has_former.result():
            with fresh_stack("smsgate-upgrade") as stack:
                upgrade(stack)
        else:
            say(f"no upgrade: this checkout does not know {FORMER}")


@contextmanager
def fresh_stack(project: str) -> Iterator[Stack]:
    """Make one of that name. Not twice the same: podman's DNS remembers the first one's network."""
    with tempfile.TemporaryDirectory(prefix="sms-containers-") as folder:
        stack = Stack(project, Path(folder))
        stack.down("-v")  # what an interrupted run has left
        try:
            yield stack
        except BaseException:
            show_containers()
            raise
        finally:
            stack.down("-v")


def first_start(stack: Stack) -> None:
    say("first start")
    stack.up()
    stack.wait_until_well()
    published = podman("port", stack.container("web"))
    assert published == f"8000/tcp -> 127.0.0.1:{stack.port}", published
    stack.provision()
    stack.deliver()
    for service in SERVICES:
        wait_until(partial(is_healthy, stack, service), f"{service} is healthy", 90)
    say("well; a message was delivered, and every health check says so")


def is_healthy(stack: Stack, service: str) -> bool:
    """Run its check by hand: without systemd podman runs none by itself."""
    command = ["podman", "healthcheck", "run", stack.container(service)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def kill_each(stack: Stack) -> None:
    for service in SERVICES:
        killed = stack.pid(stack.container(service))
        os.kill(killed, signal.SIGKILL)
        wait_until(partial(has_other_pid, stack, service, killed), f"{service} is back")
        stack.wait_until_well()
        stack.deliver()
        say(f"{service} was killed, came back, and a message was delivered")


def has_other_pid(stack: Stack, service: str, killed: int) -> bool:
    return stack.pid(stack.container(service)) not in {0, killed}


def restore(stack: Stack) -> None:
    """As docs/operating.md says: the dump, .env, an empty volume, after_restore."""
    waiting = stack.post()
    dump = stack.folder / "smsgate.dump"
    password = 'export PGPASSWORD="$POSTGRES_PASSWORD"; '
    dump_it = f"{password} exec pg_dump -U smsgate --format=custom smsgate"
    with dump.open("wb") as file:
        command = ["podman", "exec", stack.container("postgres"), "sh", "-c", dump_it]
        subprocess.run(command, stdout=file, check=True)
    stack.down("-v")
    stack.up("postgres", "redis")
    wait_until(lambda: is_healthy(stack, "postgres"), "PostgreSQL is there")
    load = "pg_restore -U smsgate --no-owner --no-privileges --exit-on-error --dbname=smsgate"
    with dump.open("rb") as file:
        command = ["podman", "exec", "-i", stack.container("postgres"), "sh", "-c", password + load]
        wait_until(lambda: is_healthy(stack, "postgres"), "PostgreSQL is there")
        subprocess.run(command, stdin=file, check=True)
    stack.compose("run", "--rm", "--no-deps", "-T", "web", "python", "manage.py", "after_restore")
    stack.up()
    stack.wait_until_well()
    assert stack.status_of(waiting) == "uncertain", "it may have been sent since the backup"
    assert stack.status_of("message 1") == "delivered"
    stack.deliver()
    say("restored from a backup into empty volumes; keys and phone work on")


def behind_caddy(stack: Stack) -> None:
    """Three web containers, each on a free port, and TLS in front of them."""
    stack.settings |= {"PORT": "", "PUBLIC_URL": "https://localhost", "DOMAIN": "localhost"}
    stack.down()
    stack.up("--scale", "web=3", options=["--profile", "https"])
    webs = [stack.container("web", number) for number in (1, 2, 3)]
    port = podman("port", webs[0]).rpartition(":")[2]
    stack.url = f"http://127.0.0.1:{port}"
    stack.wait_until_well()
    direct, stack.url = stack.url, "https://localhost"
    stack.trusted = trusting_caddy(stack)
    stack.wait_until_well()
    wait_until(lambda: stack.post() and all(map(has_posted, webs)), "each web container was asked")
    podman("kill", webs[1])  # unlike one that died, it stays so
    answers = [stack.try_to_post(f"with two of three, {n}")[0] for n in range(30)]
    assert answers == [201] * 30, answers
    say("three web containers behind Caddy; one was killed: 30 of 30 went on")
    key, stack.key = stack.key, WRONG_KEY
    refused, _ = stack.call("/api/me/")
    for stack.url in (direct, "https://localhost"):
        answers = [stack.call("/api/me/", X_Forwarded_For=f"203.0.113.{n}")[0] for n in range(25)]
        assert answers[-1] == 429, (stack.url, answers)
    assert status_of_another_client(stack) == refused != 429, "it has guessed no key yet"
    stack.key = key
    say("nobody chooses their address, neither by the published port nor through Caddy")


def status_of_another_client(stack: Stack) -> int:
    """What Caddy answers to a wrong key that comes from another address than this machine's."""
    ask = (
        "import http.client, socket, ssl;"
        "connection = http.client.HTTPConnection('localhost');"
        "plain = socket.create_connection(('caddy', 443));"
        "connection.sock = ssl._create_unverified_context().wrap_socket("
        "plain, server_hostname='localhost');"
        f"connection.request('GET', '/api/me/', headers={{'Authorization': 'Bearer {WRONG_KEY}'}});"
        "print(connection.getresponse().status)"
    )
    return int(podman("exec", stack.container("beat"), "python", "-c", ask))


def trusting_caddy(stack: Stack) -> ssl.SSLContext:
    """Trust the authority that Caddy makes for `localhost`."""
    root = "/data/caddy/pki/authorities/local/root.crt"
    read = ["podman", "exec", stack.container("caddy"), "cat", root]

    def certificate() -> str:
        return subprocess.run(read, capture_output=True, text=True, check=False).stdout

    wait_until(certificate, "Caddy has made its certificates", 60)
    return ssl.create_default_context(cadata=certificate())


def has_posted(web: str) -> bool:
    logs = subprocess.run(["podman", "logs", web], capture_output=True, text=True, check=True)
    return "POST api/messages/" in logs.stdout + logs.stderr


def upgrade(stack: Stack) -> None:
    """From the release before, by its own compose file to ours."""
    podman("tag", FORMER_IMAGE, IMAGE)
    ours, stack.compose_file = stack.compose_file, former_compose_file(stack.folder)
    stack.up()
    stack.wait_until_well()
    stack.provision()
    stack.deliver()
    waiting = stack.post()
    say("release 0.1.0 has delivered a message and holds another one; now the upgrade")
    images.ours(PROJECT_DIR, IMAGE)
    stack.down()
    stack.compose_file = ours
    stack.up()
    stack.wait_until_well()
    assert stack.status_of("message 1") == "delivered"
    assert stack.status_of(waiting) == "pending"
    stack.deliver()
    assert stack.status_of(waiting) == "delivered"
    say("upgraded; keys, phone and messages are there")


def former_image() -> bool:
    """Build it; False where this checkout does not know that commit."""
    known = ["git", "cat-file", "-e", f"{FORMER}^{{commit}}"]
    if subprocess.run(known, cwd=PROJECT_DIR, capture_output=True, check=False).returncode != 0:
        return False
    with tempfile.TemporaryDirectory(prefix="sms-former-") as folder:
        take_out(Path(folder))
        images.ours(Path(folder), FORMER_IMAGE)
    return True


def former_compose_file(folder: Path) -> Path:
    former = folder / "former"
    former.mkdir()
    take_out(former)
    return former / "docker-compose.yml"


def take_out(folder: Path) -> None:
    """Put the former release there, able to build and to start with podman."""
    archive = ["git", "archive", FORMER]
    with subprocess.Popen(archive, cwd=PROJECT_DIR, stdout=subprocess.PIPE) as source:
        subprocess.run(["tar", "-C", folder, "-x"], stdin=source.stdout, check=True)
    for name, mends in FORMER_MENDS.items():
        file = folder / name
        text = file.read_text()
        for fault, mended in mends:
            assert fault in text, fault
            text = text.replace(fault, mended)
        file.write_text(text)


if __name__ == "__main__":
    sys.exit(run(story, "containers"))
