"""Requests by OpenAI's own client library, in place of this project's connection.

The library is several times slower, and knows more: proxies of the form socks5:// (with the
package `socksio`), and whatever else of the environment it reads.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..config import ApiConfig
from .connection import Answer

if TYPE_CHECKING:
    import openai


class LibraryConnection:
    """The open connections to one server, held by `openai.AsyncOpenAI`."""

    def __init__(
        self, config: ApiConfig, key: str, client: "openai.AsyncOpenAI | None" = None
    ) -> None:
        """Prepare the connections; nothing is sent yet.

        Args:
            config: The settings, with the address of this server.
            key: The API key; empty without one.
            client: A client that a program has made; None: one by the settings.
        """
        self._config, self._key = config, key
        if client is not None:
            self._client = client

    async def send(
        self,
        path: str,
        fields: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Post a request, and return what the server answers; see `connection.Connection.send`.

        Raises:
            OSError: There is no answer.
            TimeoutError: There is no answer in time; an OSError.
            ValueError: The request, or the proxy that the environment names, cannot be used.
        """
        import httpx2
        import openai

        try:
            response = await self._client.post(
                path,
                cast_to=httpx2.Response,
                body=fields,
                options={"headers": dict(headers or {}), "params": dict(query or {})},
            )
        except openai.APIStatusError as error:
            response = error.response
        except openai.APITimeoutError as error:
            raise TimeoutError from error
        except openai.APIConnectionError as error:
            raise OSError(str(error.__cause__ or "")) from error
        except (openai.OpenAIError, httpx2.InvalidURL, TypeError, ImportError) as error:
            raise ValueError(type(error).__name__) from error
        names = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, names, response.content)

    @cached_property
    def _client(self) -> "openai.AsyncOpenAI":
        import openai

        return openai.AsyncOpenAI(
            # A placeholder, since the library would look for another key in the environment.
            api_key=self._key or "none",
            base_url=self._config.address,
            timeout=self._config.timeout,
            max_retries=0,
        )
