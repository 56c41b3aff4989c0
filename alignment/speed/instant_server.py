"""A server with an OpenAI-compatible API that answers at once, in a process of its own.

It measures the program that asks: the answer is one of two texts that are made beforehand, and of
the request only its length is read.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from social_sandbox.envs.errors import UserError

ANSWER = "It depends on what she knows, and I would ask her first before I say anything."
RATING = json.dumps({"rating": 5, "reason": "The answer is kind, but it does not say why."})

_HEAD_END, _LENGTH = b"\r\n\r\n", b"content-length:"


@contextmanager
def answering_at_once(cores: set[int] | None = None) -> Iterator[str]:
    """Run the server; the context is its address.

    Args:
        cores: The processor cores that the server may use; None: all.
    """
    named = ",".join(map(str, sorted(cores or ())))
    command = [sys.executable, "-m", __name__, named]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        try:
            address = process.stdout.readline().strip()
            if not address:
                raise UserError("bench: the server that answers at once did not start")
            yield address
        finally:
            process.kill()


class Answers(asyncio.Protocol):
    """One connection: each request gets its answer as soon as the request is whole."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._received = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer the requests that are whole."""
        self._received += data
        while (head := self._received.find(_HEAD_END)) >= 0:
            headers = self._received[:head].lower()
            place = headers.find(_LENGTH)
            length = int(headers[place + len(_LENGTH) :].split(b"\r\n", 1)[0]) if place >= 0 else 0
            end = head + len(_HEAD_END) + length
            if len(self._received) < end:
                return
            rated = b"json_schema" in self._received[head:end]
            self._received = self._received[end:]
            self._transport.write(_RATED if rated else _ANSWERED)


def _response(text: str) -> bytes:
    body = json.dumps(
        {
            "id": "chatcmpl-0123456789abcdef",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "instant",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 120, "completion_tokens": 20, "total_tokens": 140},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + _HEAD_END + body


_ANSWERED, _RATED = _response(ANSWER), _response(RATING)


async def serve() -> None:
    """Print the address, and serve until the parent process ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answers, "127.0.0.1", 0, backlog=4096)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    if sys.argv[1]:
        import os

        os.sched_setaffinity(0, map(int, sys.argv[1].split(",")))
    asyncio.run(serve())
