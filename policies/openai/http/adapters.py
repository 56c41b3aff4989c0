"""LoRA adapters at a running server: how a server loads one, and under which name it then answers.

vLLM has `/v1/load_lora_adapter` where it was started with `--enable-lora` and the environment
variable `VLLM_ALLOW_RUNTIME_LORA_UPDATING=True`; a request names the adapter as its model. SGLang
has `/load_lora_adapter` beside `/v1`; a request names `MODEL:ADAPTER`. Both read the adapter from
a folder, so that server and client need a file system in common. llama.cpp's server loads adapters
at its start only.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from social_sandbox.envs.errors import UserError

from ..config import Adapter
from .connection import Answer, answer_to, hide
from .errors import ApiError
from .failures import Failure
from .servers import SPEAK_OF_SERVER, Endpoint, Server

_FILES = ("adapter_config.json", "adapter_model.safetensors")
_VERSION = re.compile(r"/v[0-9]\w*/?$")
_LOADED = re.compile(r"\balready\b", re.IGNORECASE)
_LOST = re.compile(r"lora[^.]*\b(?:not|never)\b[^.]*\bloaded\b", re.IGNORECASE)
_NAME = re.compile(r"[^\s:/]+")


def adapter_of(
    folder: str | None, name: str | None = None, server_dir: str | None = None
) -> Adapter | None:
    """Return the adapter in a folder of this machine or of the server; None without a folder.

    Args:
        folder: The folder, in the form of peft.
        name: The name at the server; None: the folder's name and a hash of its content, so that
            other weights have another name.
        server_dir: The working folder as the server sees it, for a folder below it.

    Raises:
        UserError: There is no adapter, or the name cannot be used.
    """
    if folder is None:
        return None
    path = Path(folder).expanduser()
    if path.is_dir():
        missing = next((file for file in _FILES if not (path / file).is_file()), None)
        if missing:
            raise UserError(f"policy.adapter: {folder} holds no adapter ({missing} is missing)")
    elif name is None:
        raise UserError(
            f"policy.adapter: there is no folder {folder}; one that only the server sees needs "
            "policy.adapter_name"
        )
    if name is None:
        name = f"{path.resolve().name}-{_content(path)}"
    if not _NAME.fullmatch(name):
        raise UserError(f"policy.adapter_name: has a blank, a colon or a slash: {name}")
    return Adapter(name, _seen_by_server(path, server_dir))


def _content(folder: Path) -> str:
    """Return eight hexadecimal digits that stand for the weights and the settings of an adapter."""
    digest = hashlib.sha256()
    for file in _FILES:
        with (folder / file).open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()[:8]


def _seen_by_server(path: Path, server_dir: str | None) -> str:
    resolved, here = path.resolve(), Path.cwd().resolve()
    if server_dir is None or not resolved.is_relative_to(here):
        return str(resolved)
    return str(PurePosixPath(server_dir) / resolved.relative_to(here).as_posix())


async def model_at(server: Server, adapter: Adapter, hidden: Sequence[str]) -> str | Failure:
    """Return under which name a server answers with an adapter, which it loads if it has not yet.

    Args:
        server: The server.
        adapter: The adapter.
        hidden: Texts that no message may contain.

    Returns:
        The name, or a failure that may pass.

    Raises:
        ApiError: The server has no endpoint to load adapters, or refuses this one.
    """
    async with server.loading:
        if server.endpoint is None:
            found = await _endpoint(server, hidden)
            if isinstance(found, Failure):
                return found
            server.endpoint = found
        if adapter.name not in server.adapters:
            failure = await _load(server, server.endpoint, adapter)
            if failure is not None and _may_pass(failure):
                return failure
            if failure is not None:
                told = f"{failure.status}: {hide(failure.words, hidden)}"
                message = f"{server.config.server} did not load {adapter.path} ({told})"
                raise ApiError(message, "adapter")
            server.adapters.add(adapter.name)
            server.loads += 1
        return server.endpoint.model(server.config.model, adapter.name)


async def unload(server: Server, adapter: Adapter) -> None:
    """Ask a server to forget an adapter."""
    if server.endpoint is not None and adapter.name in server.adapters:
        server.adapters.discard(adapter.name)
        path = f"{server.endpoint.root}/unload_lora_adapter"
        await answer_to(server.connection, path, {"lora_name": adapter.name}, server.config)


def may_be_lost(server: Server, failure: Failure, loads: int) -> bool:
    """Return whether a server may have forgotten its adapters, as after a restart.

    Args:
        server: The server, which is noted to have none unless it has loaded one in the meantime.
        failure: What the server said to a request for an adapter.
        loads: How often the server had loaded an adapter before this request.
    """
    lost = failure.status == 404 or bool(_LOST.search(failure.text))
    if (lost or failure.status in (0, 502, 503)) and server.loads == loads:
        server.adapters.clear()
    return lost


async def _load(server: Server, endpoint: Endpoint, adapter: Adapter) -> Failure | None:
    """Return the failure of loading an adapter; None if the server has it now."""
    body = {"lora_name": adapter.name, "lora_path": adapter.path}
    path = f"{endpoint.root}/load_lora_adapter"
    answer = await answer_to(server.connection, path, body, server.config)
    # The name stands for the content: an adapter of this name is this adapter.
    if isinstance(answer, Failure) and not _LOADED.search(answer.text):
        return answer
    return None


async def _endpoint(server: Server, hidden: Sequence[str]) -> Endpoint | Failure:
    """Return where a server loads adapters; a request without a name and a path finds it out."""
    beside = "/.." if _VERSION.search(server.config.address) else ""
    for endpoint in (Endpoint("", False), Endpoint(beside, True)):
        path = f"{endpoint.root}/load_lora_adapter"
        answer = await answer_to(server.connection, path, {}, server.config)
        if isinstance(answer, Answer):
            continue  # a server that says yes to everything
        if answer.status in (400, 422):
            return endpoint
        if _may_pass(answer):
            return answer
        if answer.status in (401, 403):
            told = f"{answer.status}: {hide(answer.words, hidden)}"
            message = f"{server.config.server} refuses to load adapters with this key ({told})"
            raise ApiError(message, "api_key_env")
    raise ApiError(
        f"{server.config.server} has no endpoint that loads a LoRA adapter at run time; vLLM has "
        "one with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, SGLang with "
        "--enable-lora, llama.cpp has none",
        "adapter",
    )


def _may_pass(failure: Failure) -> bool:
    return failure.status in SPEAK_OF_SERVER
