"""Puts an APK together: linked resources, byte code, and the libraries' own resource files.

The same input gives the same bytes, on any day: entries are sorted and carry no date.
"""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

NO_DATE = (1981, 1, 1, 1, 1, 2)  # what Android's own build tools write
NOT_FOR_PHONES = (".class", ".kotlin_builtins", ".kotlin_module", "/")


def assemble(resources: Path, dex: Path, libraries: Path, apk: Path) -> None:
    with ZipFile(apk, "w") as out, ZipFile(resources) as linked:
        for entry in linked.infolist():
            _add(out, entry.filename, linked.read(entry), entry.compress_type)
        for file in sorted(dex.glob("*.dex")):
            _add(out, file.name, file.read_bytes())
        for library in sorted(libraries.glob("*.jar")):
            _add_resources(out, library)


def _add_resources(out: ZipFile, library: Path) -> None:
    with ZipFile(library) as jar:
        for name in sorted(jar.namelist()):
            if not name.startswith("META-INF/") and not name.endswith(NOT_FOR_PHONES):
                _add(out, name, jar.read(name))


def _add(out: ZipFile, name: str, data: bytes, compress_type: int = ZIP_DEFLATED) -> None:
    entry = ZipInfo(name, NO_DATE)
    entry.compress_type = compress_type
    entry.create_system = 0
    out.writestr(entry, data)


if __name__ == "__main__":
    assemble(*(Path(argument) for argument in sys.argv[1:5]))
