"""The key that signs the app lies among the secrets, where every backup takes it along."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "android-agent" / "tools" / "apk_key.sh"


def make_key(data: Path) -> str:
    finished = subprocess.run([TOOL, data], capture_output=True, text=True, check=True)
    return finished.stderr


def keys(data: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (data / "secrets").iterdir()}


@pytest.mark.parametrize("was_broken_off", [False, True])
def test_a_key_of_an_earlier_version_moves_to_the_secrets(
    tmp_path: Path, was_broken_off: bool
) -> None:
    (tmp_path / "apk").mkdir()
    (tmp_path / "apk" / "keystore.p12").write_text("the key")
    password = tmp_path / "apk" / "keystore.password"
    if was_broken_off:
        password = tmp_path / "secrets" / "apk-keystore.password"
        password.parent.mkdir()
    password.write_text("its password")
    assert "apk-keystore.p12" in make_key(tmp_path)
    moved = {"apk-keystore.p12": "the key", "apk-keystore.password": "its password"}
    assert keys(tmp_path) == moved
    assert list((tmp_path / "apk").iterdir()) == []
    assert make_key(tmp_path) == ""
    assert keys(tmp_path) == moved, "it is made, and moved, once"


@pytest.mark.skipif(shutil.which("keytool") is None, reason="there is no JDK on this machine")
def test_a_new_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert "making a key" in make_key(data)
    secrets = data / "secrets"
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir()}
    assert modes == {"apk-keystore.p12": 0o600, "apk-keystore.password": 0o600}
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    listed = subprocess.run(
        ["keytool", "-list", "-keystore", secrets / "apk-keystore.p12",
         "-storepass:file", secrets / "apk-keystore.password"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "smsgate" in listed.stdout
    before = (secrets / "apk-keystore.p12").read_bytes()
    assert make_key(data) == ""
    assert (secrets / "apk-keystore.p12").read_bytes() == before
