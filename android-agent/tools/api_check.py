"""Compares what the app uses of Android and Java with a list that somebody has reviewed.

The classes that it is compiled against show hidden methods as well, and those of newer Androids than
the oldest that it runs on. So each class, method and field that is used stands in a list, and a new one
must be looked up: is it public, and since which Android? After `#` stands since when, if it is newer
than minSdk, and the code must then ask for the version.

    python3 api_check.py LIST CLASSES JARS [--write]

CLASSES is the app's folder of class files, JARS the folder of the jars that go with it. Of Kotlin's own
library only what it uses of Android is listed.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZipFile

PLATFORM = ("android/", "com/android/", "dalvik/", "java/", "javax/", "libcore/", "sun/")
KOTLIN = "kotlin"
NOT_ON_ANDROID = "java/sql/"  # the JVM's journal, which no phone opens


Pool = dict[int, Any]  # a class file's constants, by their index


@dataclass
class ClassFile:
    name: str
    parents: list[str]
    members: set[str] = field(default_factory=set)  # declared here: name + descriptor
    uses: set[tuple[str, str]] = field(default_factory=set)  # of class, name + descriptor


def read_class(data: bytes) -> ClassFile:
    """Parse the parts of a class file that name it and what it uses (JVM specification, 4)."""
    pool, at = _read_pool(data)
    _, this, parent, count = struct.unpack_from(">HHHH", data, at)
    interfaces = struct.unpack_from(f">{count}H", data, at + 8)
    parents = [_class_name(pool, index) for index in (parent, *interfaces) if index]
    read = ClassFile(_class_name(pool, this), parents)
    at += 8 + 2 * count
    for _ in range(2):  # fields, methods
        (count,) = struct.unpack_from(">H", data, at)
        at += 2
        for _ in range(count):
            _, name, descriptor, attributes = struct.unpack_from(">HHHH", data, at)
            read.members.add(f"{pool[name]}{_sign(str(pool[descriptor]))}")
            at += 8
            for _ in range(attributes):
                (length,) = struct.unpack_from(">I", data, at + 2)
                at += 6 + length
    read.uses = set(_uses(pool))
    return read


def _uses(pool: Pool) -> Iterator[tuple[str, str]]:
    for item in pool.values():
        match item:
            case ("member", int(owner), int(name_and_type)):
                _, name, descriptor = pool[name_and_type]
                yield _class_name(pool, owner), f"{pool[name]}{_sign(str(pool[descriptor]))}"
            case ("class", int(name)):
                yield str(pool[name]), ""


def _sign(descriptor: str) -> str:
    """Return a method's parameter types, which tell overloads apart; '' for a field."""
    return descriptor[: descriptor.index(")") + 1] if descriptor.startswith("(") else ""


def _class_name(pool: Pool, index: int) -> str:
    _, name = pool[index]
    return str(pool[name])


def _read_pool(data: bytes) -> tuple[Pool, int]:
    (count,) = struct.unpack_from(">H", data, 8)
    pool: Pool = {}
    at, index = 10, 1
    while index < count:
        tag = data[at]
        if tag == 1:  # Utf8
            (length,) = struct.unpack_from(">H", data, at + 1)
            pool[index] = data[at + 3 : at + 3 + length].decode("utf-8", "replace")
            at += 3 + length
        elif tag in {9, 10, 11}:  # Fieldref, Methodref, InterfaceMethodref
            pool[index] = ("member", *struct.unpack_from(">HH", data, at + 1))
            at += 5
        elif tag == 12:  # NameAndType
            pool[index] = ("name", *struct.unpack_from(">HH", data, at + 1))
            at += 5
        elif tag == 7:  # Class
            pool[index] = ("class", *struct.unpack_from(">H", data, at + 1))
            at += 3
        else:
            at += {3: 5, 4: 5, 5: 9, 6: 9, 8: 3, 15: 4, 16: 3, 17: 5, 18: 5, 19: 3, 20: 3}[tag]
            index += tag in {5, 6}  # a long or a double takes two places
        index += 1
    return pool, at


def used(classes: list[ClassFile]) -> set[str]:
    """Lines of the list: `android/app/Activity finish()`."""
    own = {each.name: each for each in classes}
    found: set[str] = set()
    for each in classes:
        for owner, member in each.uses:
            platform = _platform_owner(own, owner, member)
            is_listed = platform.startswith(PLATFORM) and not platform.startswith(NOT_ON_ANDROID)
            if is_listed and not (
                each.name.startswith(KOTLIN) and platform.startswith(("java/", "javax/", "sun/"))
            ):
                found.add(f"{platform} {member}".strip())
    return found


def _platform_owner(own: dict[str, ClassFile], owner: str, member: str) -> str:
    """Return the platform class that declares a member which is called by our class's name."""
    owner = owner.lstrip("[")
    if owner.startswith("L") and owner.endswith(";"):
        owner = owner[1:-1]
    while member and owner in own and member not in own[owner].members:
        parents = own[owner].parents
        owner = next((name for name in parents if name != "java/lang/Object"), parents[0])
    return owner


def read_all(folder: Path, jars: Path) -> list[ClassFile]:
    files = [path.read_bytes() for path in sorted(folder.rglob("*.class"))]
    for path in sorted(jars.glob("*.jar")):
        with ZipFile(path) as jar:
            files += [
                jar.read(name)
                for name in jar.namelist()
                if name.endswith(".class") and not name.startswith("META-INF/")
            ]
    return [
        each
        for each in map(read_class, files)
        if not each.name.endswith("module-info") and "JdbcStore" not in each.name
    ]


def main(listed: Path, folder: Path, jars: Path, *options: str) -> int:
    now = used(read_all(folder, jars))
    lines = listed.read_text().splitlines() if listed.exists() else []
    remarks = {line.partition("  #")[0].strip(): line for line in lines}
    if options == ("--write",):
        listed.write_text("".join(f"{remarks.get(use, use)}\n" for use in sorted(now)))
        return 0
    for use in sorted(now - set(remarks)):
        print(f"smsgate: {listed.name} lacks {use}", file=sys.stderr)
    for use in sorted(set(remarks) - now):
        print(f"smsgate: {listed.name} names {use}, which is not used", file=sys.stderr)
    if now != set(remarks):
        print("smsgate: look each up (public? since when?), then run with --write", file=sys.stderr)
    return int(now != set(remarks))


if __name__ == "__main__":
    list_file, folder, jars = map(Path, sys.argv[1:4])
    sys.exit(main(list_file, folder, jars, *sys.argv[4:]))
