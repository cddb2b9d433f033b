"""Every command in the docs is run: fenced `console` blocks of all pages, page by page, in
a copy of the project with a data folder of its own.

`<!-- not run: reason -->` on the line before a block says why it is not. What a reader would put in is
put in: the key that the first start printed, a fresh pairing code, free ports.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smsgate.config import PROJECT_DIR
from smsgate.operations.sandbox import environment, free_port
from tests.smsgate.processes import running_in, wait_until

PAGES = sorted({*PROJECT_DIR.glob("*.md"), *(PROJECT_DIR / "docs").rglob("*.md")})
FOR_DEVELOPERS = [
    *sorted((PROJECT_DIR / "docs" / "development").glob("*.md")),
    PROJECT_DIR / "CONTRIBUTING.md",
]
SECONDS = 120.0

_BLOCK = re.compile(
    r"(?:<!-- (?P<why>[^\n]*) -->\n)?^```(?P<kind>\w*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    line: int
    kind: str
    body: str
    why_not: str | None


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            line=text.count("\n", 0, found.start()) + 1,
            kind=found["kind"],
            body=found["body"],
            why_not=(found["why"] or "").removeprefix("not run: ") if found["why"] else None,
        )
        for found in _BLOCK.finditer(text)
    ]


@dataclass
class Server:
    """A `make up` of the docs, in the background."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines += map(str.rstrip, iter(output.readline, ""))

    @property
    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.lines
        return any(line.startswith("smsgate is ready") for line in self.lines)

    def stop(self) -> None:
        self.process.terminate()  # `make` passes it on
        self.process.wait(60)
        self._reader.join()


class Reader:
    """Somebody who follows a page, command by command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {"8000": str(free_port()), "8001": str(free_port())}
        self.servers: dict[str, Server] = {}
        self.key = ""
        self.environ = environment(folder / "data", PORT=self.ports["8000"])
        # The docs' own default; and nothing that `make test ARGS=…` hands on.
        for name in ("DATA_DIR", "ARGS", "MAKEFLAGS"):
            self.environ.pop(name, None)

    def follow(self, block: Block) -> None:
        script: list[str] = []
        for line in block.body.splitlines():
            if re.match(r"make up\b", line):
                self.run("\n".join(script))
                script = []
                self.start(line)
            else:
                script.append(line)
        self.run("\n".join(script))

    def run(self, script: str) -> str:
        if not script.strip():
            return ""
        finished = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.filled_in(script)],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert finished.returncode == 0, f"{script}\n{finished.stdout}"
        # curl is content with a refusal; a reader is not.
        assert '"errors": {' not in finished.stdout.replace("{}", ""), finished.stdout
        assert '"errors":{"' not in finished.stdout, finished.stdout
        return finished.stdout

    def start(self, line: str) -> None:
        command = self.filled_in(line).partition("#")[0]
        found = re.search(r"PORT=(\d+)", command)
        port = found[1] if found else self.ports["8000"]
        if former := self.servers.pop(port, None):
            former.stop()
        server = self.servers[port] = Server(
            subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
        )  # fmt: skip
        wait_until(lambda: server.is_ready, f"ready: {line}", SECONDS)
        shown = re.search(r"licence key\s+(\w+)", "\n".join(server.lines))
        if not self.key and shown:
            self.key = shown[1]

    def filled_in(self, script: str) -> str:
        for documented, ours in self.ports.items():
            script = re.sub(rf"(127\.0\.0\.1:|PORT=){documented}\b", rf"\g<1>{ours}", script)
        script = script.replace("/srv/", f"{self.folder}/srv/").replace("YOUR-KEY", self.key)
        if "ABCD-EFGH-JKLM" in script:
            made = json.loads(self.run(".venv/bin/python manage.py pair 1 --json"))
            script = script.replace("ABCD-EFGH-JKLM", made["code"])
        return script


@pytest.fixture
def reader() -> Iterator[Reader]:
    with tempfile.TemporaryDirectory(prefix="sms-") as name:
        folder = Path(name)
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"],
            cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True, check=True,
        ).stdout.splitlines()  # fmt: skip
        files = [file for file in listed if not file.startswith(("android-agent/", "tests/"))]
        subprocess.run(
            ["cp", "--parents", "--preserve=all", "--target-directory", folder, *files],
            cwd=PROJECT_DIR,
            check=True,
        )
        (folder / ".venv").symlink_to(PROJECT_DIR / ".venv")
        following = Reader(folder)
        try:
            yield following
        finally:
            try:
                for server in following.servers.values():
                    server.stop()
            finally:
                for process in running_in(folder):
                    process.kill()


def to_run(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.kind == "console" and block.why_not is None]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "page", [page for page in PAGES if to_run(page)], ids=lambda page: page.stem
)
def test_every_command_of_a_page_works(page: Path, reader: Reader) -> None:
    for block in to_run(page):
        reader.follow(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_not_run_says_why(page: Path) -> None:
    for block in blocks(page):
        assert block.why_not is None or len(block.why_not) > 10, (page, block)
        assert block.kind not in {"sh", "bash", "shell"}, f"{page}:{block.line}: use `console`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_json_blocks_are_json(page: Path) -> None:
    for block in blocks(page):
        if block.kind == "json":
            json.loads(block.body)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), f"{page.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in slugs, f"{page.name}: {target}"


@pytest.mark.parametrize("page", FOR_DEVELOPERS, ids=lambda page: page.stem)
def test_every_file_that_a_developers_page_names_is_there(page: Path) -> None:
    names = re.findall(r"`([\w.-]+/[\w./-]*)`", page.read_text(encoding="utf-8"))
    files = [name for name in names if not name.startswith("./")]
    assert [name for name in files if not (PROJECT_DIR / name).exists()] == []


def test_every_make_target_is_described_or_described_by_help() -> None:
    """What the docs call exists."""
    targets = set(
        re.findall(r"^([a-z0-9-]+):.*##", (PROJECT_DIR / "Makefile").read_text(), re.MULTILINE)
    )
    for page in PAGES:
        called = set(
            re.findall(r"`make ([a-z0-9-]+)|^make ([a-z0-9-]+)", page.read_text(), re.MULTILINE)
        )
        assert {one or other for one, other in called} <= targets, page
