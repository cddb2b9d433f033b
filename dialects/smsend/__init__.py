"""smSend (smsend.it) and the same platform under other names: Skebby, Aruba, Mobyt, Trendoo, …"""

from dialects.smsend.routes import ROUTES
from dialects.smsend.words import DIALECT

__all__ = ["DIALECT", "ROUTES"]
