"""The processes of one machine, started, watched and ended: the service's, PostgreSQL and Redis."""
