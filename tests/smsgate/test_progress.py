"""A bar for who watches, silence for who does not."""

from __future__ import annotations

import io

from smsgate.operations.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nobody_watches() -> None:
    out = io.StringIO()
    progress = Progress("dumping", 10, out)
    progress.add(10)
    progress.end()
    assert out.getvalue() == ""


def test_a_person_sees_how_far_it_is() -> None:
    out = Terminal()
    progress = Progress("restoring", 4 << 20, out)
    progress.add(1 << 20)
    assert " 25%  1.0 MB" in out.getvalue()
    progress.add(3 << 20)
    progress.end()
    assert out.getvalue().endswith(f"\rrestoring  {'█' * 30} 100%  4.0 MB\n")


def test_without_a_total_it_tells_the_size() -> None:
    out = Terminal()
    progress = Progress("dumping", out=out)
    progress.add(1 << 20)
    progress.end()
    assert out.getvalue().endswith("\rdumping  1.0 MB\n")
    assert "%" not in out.getvalue()
