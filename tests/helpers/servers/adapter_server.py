"""Servers that load LoRA adapters at run time as vLLM 0.30 and SGLang do, for the tests.

Paths, status codes and words are theirs; the weights are read by whoever plays the model.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .api_server import says, server

Request = dict[str, Any]


@dataclass
class AdapterServer:
    """A server with a base model and the adapters that it has loaded.

    Attributes:
        kind: Whose endpoints there are; `none` has none.
        play: Returns the text of a reply to a request, by the folder of its adapter, if any.
        model: Name of the base model.
        max_rank: The largest rank of an adapter.
        enabled: Whether the server was started with `--enable-lora`.
        loaded: The folders of the loaded adapters, by name.
        ever: All names that were ever loaded.
        requests: All requests for a chat.
    """

    kind: Literal["vllm", "sglang", "none"] = "vllm"
    play: Callable[[Request, str | None], str] = lambda request, adapter: "Ask her first."
    model: str = "base"
    max_rank: int = 64
    enabled: bool = True
    loaded: dict[str, str] = field(default_factory=dict)
    ever: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    url: str = ""

    def __call__(self, request: Request) -> tuple[int, Any]:
        """Answer a request."""
        path = request["heard"]["path"]
        if path == "/v1/chat/completions":
            return self._chat(request)
        for name, root in (("vllm", "/v1"), ("sglang", "")):
            if self.kind == name and path == f"{root}/load_lora_adapter":
                return self._load(request)
            if self.kind == name and path == f"{root}/unload_lora_adapter":
                self.loaded.pop(request["lora_name"], None)
                return 200, self._success("removed")
        return 404, {"detail": "Not Found"}

    def _load(self, request: Request) -> tuple[int, Any]:
        name, folder = request.get("lora_name"), request.get("lora_path")
        if not name or not folder:
            return self._error(400 if self.kind == "vllm" else 422, "Field required: lora_name")
        if not self.enabled:
            return self._error(500, "LoRA is not enabled. Use --enable-lora to enable LoRA.")
        if name in self.loaded:
            return self._error(400, f"The lora adapter '{name}' has already been loaded.")
        try:
            rank = json.loads((Path(folder) / "adapter_config.json").read_text())["r"]
        except OSError:
            return self._error(404, f"No adapter found for {folder}")
        if rank > self.max_rank:
            words = f"LoRA rank {rank} is greater than max_lora_rank {self.max_rank}."
            return self._error(500, words)
        self.loaded[name] = folder
        self.ever.append(name)
        return 200, self._success("added")

    def _chat(self, request: Request) -> tuple[int, Any]:
        self.requests.append(request)
        model = request["model"]
        if self.kind == "sglang":
            base, _, adapter = model.partition(":")
        else:
            base, adapter = (self.model, model) if model in self.loaded else (model, "")
        if base != self.model:
            return self._error(404, f"The model `{model}` does not exist.")
        if adapter and adapter not in self.loaded:
            return self._error(400, f"Got LoRA adapter that has never been loaded: {adapter}")
        return says(self.play(request, self.loaded.get(adapter)))

    def _success(self, done: str) -> Any:
        if self.kind == "vllm":
            return f"Success: LoRA adapter {done} successfully."
        return {"success": True, "loaded_adapters": self.loaded}

    def _error(self, status: int, words: str) -> tuple[int, Any]:
        if self.kind == "vllm":
            return status, {"error": {"message": words, "type": "Error", "code": status}}
        return min(status, 422), {"success": False, "error_message": words}


@contextmanager
def adapter_server(running: AdapterServer) -> Iterator[AdapterServer]:
    """Run a server; its attribute `url` is the address."""
    with server(running) as running.url:
        yield running
