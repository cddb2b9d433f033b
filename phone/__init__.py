"""The phone that ships: a whole phone in Python with a pretended SIM. It speaks only HTTP.

`manage.py phone` and `python -m phone` run it. See `agent.Agent` for driving it in-process.
"""

__version__ = "0.1.0"
