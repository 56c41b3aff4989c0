"""A small server of the OpenAI protocol that says what a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answering = Callable[[dict[str, Any]], tuple[Any, ...]]
"""Returns the status, the body (JSON, or a text as it is) and perhaps headers of an answer."""


@contextmanager
def server(answering: Answering) -> Iterator[str]:
    """A server of this protocol that says what it is told to."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard = {"path": self.path, "headers": dict(self.headers)}
            status, body, *headers = answering({**request, "heard": heard})
            text = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            for name, value in (headers[0] if headers else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # of 5, many clients at once would be turned away
        daemon_threads = True

    running = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/v1"
    finally:
        running.shutdown()
        running.server_close()


def says(text: str, top: dict[str, float] | None = None, **more: Any) -> tuple[int, dict[str, Any]]:
    """A reply; `top` are the likeliest first tokens."""
    choice: dict[str, Any] = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": text},
        **more,
    }
    if top:
        tokens = [{"token": t, "logprob": p, "bytes": None} for t, p in top.items()]
        first = {"token": text[:1], "logprob": -1.0, "bytes": None, "top_logprobs": tokens}
        choice["logprobs"] = {"content": [first], "refusal": None}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    return 200, body
