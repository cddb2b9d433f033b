from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class EmbeddedError(Exception):
    """Why a service cannot run, as one line for a person."""


_IN_WORDS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
}


@contextmanager
def one_line(path: Path) -> Iterator[None]:
    """Turn an OSError about `path` into an EmbeddedError."""
    try:
        yield
    except OSError as error:
        reason = _IN_WORDS.get(error.errno or 0, error.strerror or type(error).__name__)
        raise EmbeddedError(f"cannot write to {error.filename or path}: {reason}") from error
