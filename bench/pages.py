"""The console as a person opens it: the time of each page, and the memory once all were shown."""

from __future__ import annotations

import json
import statistics
import time

from bench.figures import Figure, figure
from bench.http import Connection, request
from bench.stack import Stack

# In the service's own Django: a log-in, and each page that is asked for without an id.
_PREPARED = """
import json
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from console.urls import urlpatterns
client = Client(headers={"Accept": "text/html"})
client.force_login(User.objects.filter(is_superuser=True).first())
named = [reverse(f"console:{one.name}") for one in urlpatterns if "<" not in str(one.pattern)]
found = {path: client.get(path, HTTP_HOST="127.0.0.1") for path in named}
shown = [path for path, answer in found.items()
         if answer.status_code == 200 and answer["Content-Type"].startswith("text/html")]
print(json.dumps({"session": client.cookies["sessionid"].value, "paths": shown}))
"""
_TIMES = 10


def pages(stack: Stack) -> list[Figure]:
    made = json.loads(stack.shell(_PREPARED))
    headers = {"Cookie": f"sessionid={made['session']}", "Accept": "text/html"}
    times: dict[str, list[float]] = {path: [] for path in made["paths"]}
    for _ in range(_TIMES):
        # A new connection each round: any of the web processes may take it.
        connection = Connection(stack.port)
        for path in times:
            began = time.perf_counter()
            answer = connection.call(request(path, method="GET", headers=headers))
            times[path].append((time.perf_counter() - began) * 1000)
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status}")
        connection.close()
    slowest = max(times, key=lambda path: statistics.median(times[path]))
    memory = sum(process.memory_full_info().pss for process in stack.processes()) / 2**20
    return [
        figure(
            f"the slowest of the console's {len(times)} pages, {slowest}",
            statistics.median(times[slowest]), unit="ms", at_most=80,
        ),
        figure("memory once each was shown ten times (PSS)", memory, unit="MiB", at_most=400),
    ]  # fmt: skip
