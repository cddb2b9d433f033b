"""Refuses an APK whose manifest or byte code is not what it shall be. Usage: see check.sh."""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

MAX_BYTES = 3 * 1024 * 1024
CALL_SITES = 0x0007  # a dex file's list of what invoke-custom calls: Android 8 knows it only partly

BADGING = [
    r"package: name='smsgate\.app' versionCode='1\d{6}' versionName='\d+\.\d+\.\d+'",
    r"minSdkVersion:'26'",
    r"targetSdkVersion:'34'",
    r"launchable-activity: name='smsgate\.app\.ui\.MainActivity'",
    r"locales: .*'pl'",
]
PERMISSIONS = {
    f"android.permission.{name}"
    for name in (
        "ACCESS_NETWORK_STATE",
        "FOREGROUND_SERVICE",
        "FOREGROUND_SERVICE_SPECIAL_USE",
        "HIDE_OVERLAY_WINDOWS",
        "INTERNET",
        "POST_NOTIFICATIONS",
        "READ_PHONE_STATE",
        "RECEIVE_BOOT_COMPLETED",
        "RECEIVE_SMS",
        "REQUEST_IGNORE_BATTERY_OPTIMIZATIONS",
        "SEND_SMS",
        "WAKE_LOCK",
    )
}
# Who may be called from outside, and which permission the caller needs.
EXPORTED = {
    ".ui.MainActivity": None,  # the launcher
    ".ui.PairActivity": None,  # smsgate://pair
    ".sms.InboundReceiver": "android.permission.BROADCAST_SMS",
}
SPECIAL_USE = 0x40000000


def check(apk: Path, manifest: str, badging: str) -> Iterator[str]:
    """One sentence for each thing that is wrong."""
    if (size := apk.stat().st_size) > MAX_BYTES:
        yield f"{size} bytes are more than {MAX_BYTES}"
    yield from (f"badging lacks {line}" for line in BADGING if not re.search(line, badging))
    asked = set(re.findall(r"uses-permission: name='([^']+)'", badging))
    if asked != PERMISSIONS:
        yield f"permissions that are new or gone: {sorted(asked ^ PERMISSIONS)}"
    yield from _check_manifest(manifest)
    with ZipFile(apk) as file:
        for name in file.namelist():
            if name.endswith(".dex") and _has_call_sites(file.read(name)):
                yield f"{name} has invoke-custom"


def _check_manifest(manifest: str) -> Iterator[str]:
    application = dict(_attributes(manifest.split("E: application", 1)[1].split("E: ", 1)[0]))
    for name in ("allowBackup", "usesCleartextTraffic", "fullBackupContent"):
        if application.get(name) != "false":
            yield f"{name} is not false"
    if "dataExtractionRules" not in application:
        yield "dataExtractionRules are missing"
    if application.get("debuggable", "false") != "false":
        yield "it is debuggable"
    for kind, name, attributes in _components(manifest):
        if attributes.get("exported") == "true":
            if name not in EXPORTED or attributes.get("permission") != EXPORTED[name]:
                yield f"{name} is exported"
        elif attributes.get("exported") != "false":
            yield f"{name} does not say whether it is exported"
        is_foreground = kind == "service" and name == ".service.AgentService"
        if is_foreground and int(attributes["foregroundServiceType"], 0) != SPECIAL_USE:
            yield f"{name} is not of the type specialUse"


def _components(manifest: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    pieces = re.split(r"E: (activity|service|receiver|provider) ", manifest)[1:]
    for kind, piece in zip(pieces[::2], pieces[1::2], strict=True):
        attributes = dict(_attributes(piece.split("E: ", 1)[0]))
        yield kind, attributes["name"].removeprefix("smsgate.app"), attributes


def _attributes(element: str) -> Iterator[tuple[str, str]]:
    for name, value in re.findall(r"A: \S*?([A-Za-z]+)(?:\(0x\w+\))?=(\"[^\"]*\"|\S+)", element):
        yield name, value.strip('"')


def _has_call_sites(dex: bytes) -> bool:
    (offset,) = struct.unpack_from("<I", dex, 0x34)  # map_off
    (count,) = struct.unpack_from("<I", dex, offset)
    kinds = (struct.unpack_from("<H", dex, offset + 4 + 12 * item)[0] for item in range(count))
    return CALL_SITES in kinds


if __name__ == "__main__":
    problems = list(check(Path(sys.argv[1]), *(Path(p).read_text() for p in sys.argv[2:4])))
    for problem in problems:
        print(f"smsgate: {sys.argv[1]}: {problem}", file=sys.stderr)
    sys.exit(bool(problems))
