"""SMS Gateway for Android (sms-gate.app): its API for programs, as its published clients call it."""

from dialects.android_sms_gateway.views import ROUTES
from dialects.android_sms_gateway.words import DIALECT

__all__ = ["DIALECT", "ROUTES"]
