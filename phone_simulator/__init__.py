"""The phone that ships: a whole phone in Python with a pretended SIM. It speaks only HTTP.

`manage.py phone` and `python -m phone_simulator` run it. See `agent.Agent` for driving it in-process.
"""

import re
from pathlib import Path

_CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
_RELEASES = re.findall(r"^## (\d\S*)", _CHANGELOG.read_text("utf-8"), re.MULTILINE)

__version__ = str(_RELEASES[0]) if _RELEASES else "0"
