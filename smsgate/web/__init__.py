"""The web process: from the socket to Django, and what a start prepares."""
