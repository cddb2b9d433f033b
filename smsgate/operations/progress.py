"""How far a long command is, for a person who watches; nothing where nobody does."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

_WIDTH = 30
_EVERY = 0.1  # seconds


@dataclass(slots=True)
class Progress:
    """Bytes done, of `total` where that is known."""

    label: str
    total: int = 0
    out: TextIO = field(default_factory=lambda: sys.stderr)
    done: int = 0
    _shown_at: float = 0.0

    def add(self, number: int) -> None:
        self.done += number
        if self.out.isatty() and time.monotonic() - self._shown_at > _EVERY:
            self._show()

    def end(self) -> None:
        if self.out.isatty():
            self._show()
            print(file=self.out, flush=True)

    def _show(self) -> None:
        self._shown_at = time.monotonic()
        size = f"{self.done / 2**20:.1f} MB"
        if self.total:
            share = min(1.0, self.done / self.total)
            bar = "█" * round(share * _WIDTH)
            size = f"{bar:·<{_WIDTH}} {share:4.0%}  {size}"
        print(f"\r{self.label}  {size}", end="", file=self.out, flush=True)
