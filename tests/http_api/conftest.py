from tests.http_api.live import server

__all__ = ["server"]
