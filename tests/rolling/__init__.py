"""Web processes are replaced under load by clients that never try twice: no request may fail."""
