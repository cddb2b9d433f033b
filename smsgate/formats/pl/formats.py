"""The same as in English."""

from smsgate.formats.en.formats import DATE_FORMAT, DATETIME_FORMAT, TIME_FORMAT

__all__ = ["DATETIME_FORMAT", "DATE_FORMAT", "TIME_FORMAT"]
