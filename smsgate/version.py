"""The version is the newest heading of the changelog: one place to write it."""

from __future__ import annotations

import re

from smsgate.config import PROJECT_DIR

_match = re.search(r"^## (\S+)", (PROJECT_DIR / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
VERSION = _match.group(1) if _match else "0"
