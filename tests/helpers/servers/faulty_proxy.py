"""A proxy in front of a server that disturbs some of the requests."""

import json
import random
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError

FAULTS = ("429", "500", "cut", "stall", "no json", "no choice")


@dataclass
class FaultyProxy:
    """Disturbs a random share of the requests, with one kind of fault after the other."""

    upstream: str
    share: float = 0.3
    kinds: tuple[str, ...] = FAULTS
    spared: int = 0
    """The number of undisturbed requests at the beginning."""
    stall: float = 8.0
    quotes_key: bool = False
    made: Counter[str] = field(default_factory=Counter)
    requests: list[dict[str, object]] = field(default_factory=list)
    url: str = ""
    _lot: random.Random = field(default_factory=lambda: random.Random(0))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self) -> str | None:
        """Return the fault of the next request, or None."""
        with self._lock:
            self.spared -= 1
            if self.spared >= 0 or self._lot.random() >= self.share:
                return None
            fault = self.kinds[self.made.total() % len(self.kinds)]
            self.made[fault] += 1
            return fault


@contextmanager
def faulty_proxy(proxy: FaultyProxy) -> Iterator[FaultyProxy]:
    """Run a proxy; its attribute `url` is the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            key = self.headers["Authorization"]
            proxy.requests.append({**json.loads(body), "key": key})
            fault = proxy.draw()
            if fault == "429":
                self.answer(429, b'{"error": {"message": "slow down"}}', {"Retry-After": "0.05"})
            elif fault == "500":
                self.answer(500, b'{"error": {"message": "oops"}}')
            elif fault == "cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"choices": [')
            elif fault == "stall":
                time.sleep(proxy.stall)
            elif fault == "no json":
                self.answer(200, b"<html>It works!</html>")
            elif fault == "no choice":
                self.answer(200, b'{"id": "1", "object": "chat.completion", "choices": []}')
            elif fault:
                message = f"no, {key}" if proxy.quotes_key else "no"
                self.answer(int(fault), json.dumps({"error": {"message": message}}).encode())
            else:
                self.answer(*forward(proxy.upstream + self.path, body))

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Proxy(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that does not wait any longer is none of our errors."""

    server = Proxy(("127.0.0.1", 0), Handler)
    # At its end the proxy waits for the answers to all that it has passed on: a server of llama.cpp
    # never ends while it owes one.
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


def forward(url: str, body: bytes) -> tuple[int, bytes]:
    """What the server behind says."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=600) as response:
            return response.status, response.read()
    except HTTPError as error:
        return error.code, error.read()
