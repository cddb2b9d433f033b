"""`make apk` refuses an APK that is not what it shall be: these are the refusals."""

from __future__ import annotations

import importlib.util
import struct
import sys
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest

TOOLS = Path(__file__).parents[2] / "android-agent" / "tools"

BADGING = """package: name='smsgate.app' versionCode='1000100' versionName='0.1.0'
minSdkVersion:'26'
targetSdkVersion:'34'
{permissions}
launchable-activity: name='smsgate.app.ui.MainActivity'  label='' icon=''
locales: '--_--' 'pl'
"""
MANIFEST = """
  E: application (line=18)
    A: http://android:allowBackup(0x01010280)=false
    A: http://android:fullBackupContent(0x010104eb)=false
    A: http://android:usesCleartextTraffic(0x010104ec)=false
    A: http://android:dataExtractionRules(0x0101063e)=@0x7f0a0000
      E: activity (line=31)
        A: http://android:name(0x01010003)=".ui.MainActivity" (Raw: ".ui.MainActivity")
        A: http://android:exported(0x01010010)=true
      E: service (line=55)
        A: http://android:name(0x01010003)=".service.AgentService" (Raw: "…")
        A: http://android:exported(0x01010010)=false
        A: http://android:foregroundServiceType(0x01010599)=0x40000000
      E: receiver (line=80)
        A: http://android:name(0x01010003)=".sms.InboundReceiver" (Raw: "…")
        A: http://android:permission(0x01010006)="android.permission.BROADCAST_SMS" (Raw: "…")
        A: http://android:exported(0x01010010)=true
"""


def _load(name: str) -> ModuleType:
    """The tools stand in a folder whose name is no Python package."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


check_apk = _load("check_apk")
api_check = _load("api_check")


def _dex(*kinds: int) -> bytes:
    """A dex file's header and its map of what it holds."""
    items = b"".join(struct.pack("<HHII", kind, 0, 1, 0) for kind in kinds)
    return (
        bytes(0x34) + struct.pack("<I", 0x70) + bytes(0x38) + struct.pack("<I", len(kinds)) + items
    )


def _problems(
    tmp_path: Path, manifest: str = MANIFEST, extra: str = "", dex: bytes = _dex(0, 1)
) -> list[str]:
    apk = tmp_path / "app.apk"
    with ZipFile(apk, "w") as file:
        file.writestr("classes.dex", dex)
    permissions = "\n".join(f"uses-permission: name='{p}'" for p in check_apk.PERMISSIONS)
    return list(check_apk.check(apk, manifest, BADGING.format(permissions=permissions) + extra))


def test_it_has_nothing_against_a_good_one(tmp_path: Path) -> None:
    assert _problems(tmp_path) == []


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        (
            "allowBackup(0x01010280)=false",
            "allowBackup(0x01010280)=true",
            "allowBackup is not false",
        ),
        ("usesCleartextTraffic(0x010104ec)=false", "x(0x1)=1", "usesCleartextTraffic is not false"),
        ("dataExtractionRules", "somethingElse", "dataExtractionRules are missing"),
        ("=0x40000000", "=0x1", ".service.AgentService is not of the type specialUse"),
        ("BROADCAST_SMS", "INTERNET", ".sms.InboundReceiver is exported"),
        (".ui.MainActivity", ".ui.Another", ".ui.Another is exported"),
    ],
)
def test_it_refuses_what_the_manifest_must_not_say(
    tmp_path: Path, good: str, bad: str, problem: str
) -> None:
    assert problem in _problems(tmp_path, manifest=MANIFEST.replace(good, bad))


def test_it_refuses_a_new_permission(tmp_path: Path) -> None:
    problems = _problems(tmp_path, extra="uses-permission: name='android.permission.READ_SMS'")
    assert problems == ["permissions that are new or gone: ['android.permission.READ_SMS']"]


def test_it_refuses_byte_code_that_old_androids_do_not_know(tmp_path: Path) -> None:
    assert _problems(tmp_path, dex=_dex(0, 7)) == ["classes.dex has invoke-custom"]


def test_it_refuses_one_that_is_too_large(tmp_path: Path) -> None:
    assert "bytes are more than" in _problems(tmp_path, dex=_dex(0) + bytes(4 * 1024 * 1024))[0]


def test_a_method_that_nobody_has_reviewed_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = api_check.ClassFile("smsgate/app/Screen", ["android/app/Activity"])
    own.uses = {
        ("smsgate/app/Screen", "finish()"),  # inherited, so it is Android's
        ("android/os/Build$VERSION", "SDK_INT"),
        ("kotlin/Unit", "INSTANCE"),
    }
    kotlin = api_check.ClassFile("kotlin/text/Chars", ["java/lang/Object"])
    kotlin.uses = {("java/lang/String", "length()"), ("android/os/Build", "MODEL")}
    assert api_check.used([own, kotlin]) == {
        "android/app/Activity finish()",
        "android/os/Build$VERSION SDK_INT",
        "android/os/Build MODEL",
    }
    reviewed = tmp_path / "list.txt"
    reviewed.write_text("android/app/Activity finish()\n")
    assert api_check.main(reviewed, tmp_path, tmp_path) == 1
    assert "names android/app/Activity finish(), which is not used" in capsys.readouterr().err


def test_the_reviewed_list_names_no_hidden_package() -> None:
    lines = (TOOLS / "android-api.txt").read_text().splitlines()
    hidden = ("com/android/internal/", "android/os/SystemProperties", "sun/", "libcore/", "dalvik/")
    assert len(lines) > 100
    assert [line for line in lines if line.startswith(hidden)] == []
