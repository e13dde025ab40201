"""`/livez`, `/readyz`, `/metrics` of one process. Alive is not ready: an outage elsewhere must not cause restarts."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from monitor.metrics import READY

STALE_S = 120.0
"""A loop that has not beaten for so long is stuck."""


class Health:
    """What a loop says of itself; read by the probe's thread."""

    def __init__(self, name: str) -> None:
        """Start not ready, with a first beat."""
        self.name = name
        self._ready = False
        self._beat = time.monotonic()
        self._counts: Counter[str] = Counter()

    def beat(self, *, ready: bool) -> None:
        """Say that the loop turns, and whether it gets its work done."""
        self._ready = ready
        self._beat = time.monotonic()

    def count(self, **amounts: int) -> None:
        """Add to the counters."""
        self._counts.update(amounts)

    def counts(self) -> dict[str, int]:
        """Give the counters since the start."""
        return dict(self._counts)

    @property
    def alive(self) -> bool:
        """Whether the loop has turned lately."""
        return time.monotonic() - self._beat < STALE_S

    @property
    def ready(self) -> bool:
        """Whether it is alive and gets its work done."""
        return self.alive and self._ready


@contextmanager
def serve(health: Health, port: int) -> Iterator[None]:
    """Answer probes on `port` while inside; 0 = do nothing."""
    if port == 0:
        yield
        return

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                READY.set(health.ready)
                self.send_response(200)
                self.send_header("Content-Type", CONTENT_TYPE_LATEST)
                self.end_headers()
                self.wfile.write(generate_latest())
                return
            ok = {"/livez": health.alive, "/readyz": health.ready}.get(self.path)
            self.send_response(404 if ok is None else 200 if ok else 503)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"process": health.name, "ok": ok, "counts": health.counts()}).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Keep probes out of the log."""

    server = ThreadingHTTPServer(("0.0.0.0", port), Handler)  # noqa: S104 - kubelet probes from outside the pod
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
