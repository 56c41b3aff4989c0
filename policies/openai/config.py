"""The settings of a connection to a server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from social_sandbox.envs.errors import UserError

KEY = "OPENAI_API_KEY"
"""The environment variable that holds the API key by default."""


@dataclass(frozen=True, kw_only=True)
class ApiConfig:
    """The settings of a connection to a server with an OpenAI-compatible API.

    Attributes:
        section: Section of the settings, for error messages.
        model: The server's name for the model.
        base_url: Address of the server; None means OpenAI.
        api_key_env: The environment variable that holds the API key. Only OpenAI needs a key.
        max_concurrency: The largest number of requests in progress.
        requests_per_minute: Limit of the rate of requests; None means no limit.
        tokens_per_minute: Limit of the rate of prompt and completion tokens, which are estimated
            before a request is sent; None means no limit.
        timeout: Time limit of one request, in seconds.
        max_retries: Repetitions of a request after connection errors, timeouts and the status
            codes 408, 409, 429 and 5xx. The pauses grow, or follow the server's Retry-After.
        usd_per_million_prompt_tokens: Price in US dollars; None means that nothing is counted.
        usd_per_million_completion_tokens: Price in US dollars, likewise.
        extra: Further fields of every request, such as {top_k: 50} for vLLM.

    Raises:
        UserError: A setting is out of its range; the message names the setting.
    """

    section: str = "policy"
    model: str
    base_url: str | None = None
    api_key_env: str = KEY
    max_concurrency: int = 16
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 60.0
    max_retries: int = 5
    usd_per_million_prompt_tokens: float | None = None
    usd_per_million_completion_tokens: float | None = None
    extra: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Check the settings."""
        bounds = {"max_concurrency": 1, "max_retries": 0}
        for name, bound in bounds.items():
            if getattr(self, name) < bound:
                raise UserError(
                    f"{self.section}.{name} must be at least {bound}, got {getattr(self, name)}"
                )
        for name in ("requests_per_minute", "tokens_per_minute", "timeout"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise UserError(f"{self.section}.{name} must be above 0, got {value}")
        if self.base_url and not self.base_url.startswith(("http://", "https://")):
            raise UserError(
                f"{self.section}.base_url must begin with http:// or https://: {self.base_url}"
            )

    def price(self, prompt: int, completion: int) -> float:
        """Return the price in US dollars of some prompt and completion tokens."""
        return (
            prompt * (self.usd_per_million_prompt_tokens or 0)
            + completion * (self.usd_per_million_completion_tokens or 0)
        ) / 1e6
