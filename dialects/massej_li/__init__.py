"""massej.li: its REST API v1."""

from dialects.massej_li.views import ROUTES
from dialects.massej_li.words import DIALECT

__all__ = ["DIALECT", "ROUTES"]
