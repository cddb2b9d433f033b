"""sms.by: its API for programs, v1 and as much of v2 as `sendSmsList` needs."""

from dialects.sms_by.reading import webhook_body
from dialects.sms_by.views import ROUTES
from dialects.sms_by.words import DIALECT

__all__ = ["DIALECT", "ROUTES", "webhook_body"]
