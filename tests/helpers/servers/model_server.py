"""A model server as a process of its own, which a test can kill: python model_server.py PORT LOG.

The same request has the same answer, and each request that was answered is a line of LOG.
"""

import hashlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = json.dumps([request["messages"], request.get("seed")])
        digest = hashlib.sha256(key.encode()).hexdigest()
        time.sleep(0.02)
        with open(sys.argv[2], "a", encoding="utf-8") as log:
            log.write(f"{request.get('seed')} {digest}\n")
        text = f"{1 + int(digest, 16) % 7}. This is what {digest[:12]} says."
        choice = {"finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": len(key) // 4, "completion_tokens": len(text) // 4}
        body = json.dumps({"id": "1", "choices": [{"index": 0, **choice}], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
