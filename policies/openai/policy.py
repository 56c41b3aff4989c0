"""Models behind an OpenAI-compatible API as a policy."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from pydantic import validate_call

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.seeding import key
from social_sandbox.envs.rules.turns import (
    RATED_PHASES,
    RATING_SCALE,
    Phase,
    Tokens,
    Turn,
    Utterance,
)
from social_sandbox.envs.text.messages import Message

from .. import background
from ..policy import answer_all
from ..prompts.control_tokens import defused
from ..prompts.prompts import prompt_for, rating_messages
from ..prompts.sentences import whole_sentences
from .config import KEY, ApiConfig, ClientLibrary
from .http.adapters import adapter_of
from .http.client import ApiClient, Reply
from .http.errors import ApiError, Empty, Malformed, Refused, Unreadable
from .http.rates import Reserve, pause_after
from .http.servers import Server
from .letter_logprobs import letter_logprobs
from .rating_forms import FORMS, Form, form_fields, form_sentence, rating_shares, read_verdict

log = logging.getLogger(__name__)

_GREETING = (Message("user", "Say yes."),)
"""What a server is asked before the first turn."""


class OpenAIPolicy:
    """Answers turns through an API, many at once; see `AsyncPolicy`.

    Its errors name settings of the section `section`, such as `observer`.

    Ratings are requested in the strongest form that the server offers: a JSON schema, else the
    probabilities of the digits, else text. The turn's seed is sent along, but most servers give
    different answers to the same seed. A resumed run is the same because its answers are on disk.
    """

    @validate_call
    def __init__(
        self,
        model: str,
        *,
        name: str | None = None,
        base_url: str | Sequence[str] | None = None,
        adapter: str | None = None,
        adapter_name: str | None = None,
        server_dir: str | None = None,
        api_key_env: str = KEY,
        client: ClientLibrary | Any = "aiohttp",
        system_prompt: str | None = None,
        temperature: float | None = 0.7,
        top_p: float | None = None,
        max_new_tokens: int = 256,
        reason_tokens: int = 96,
        reasons: Sequence[str] = ("feedback",),
        ratings: Literal["auto", "json_schema", "logprobs", "text"] = "auto",
        send_seed: bool = True,
        max_concurrency: int = 16,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        timeout: float = 60.0,
        max_retries: int = 5,
        thought_tokens: int = 2048,
        tries: int = 3,
        on_error: Literal["raise", "missing"] = "raise",
        usd_per_million_prompt_tokens: float | None = None,
        usd_per_million_completion_tokens: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Create the policy; nothing is sent yet (see `check`).

        Args:
            model: The server's name for the model.
            name: Name in the records; default: the name of the adapter, or `model`.
            base_url: Address of the server, or the addresses of several that serve the same model:
                the least busy one is asked, and one that fails is left out for a while. Default:
                OpenAI.
            adapter: Folder of a LoRA adapter of the model, which the server loads before the first
                turn; see `adapters`.
            adapter_name: The adapter's name at the server; default: the folder's name and a hash of
                the content.
            server_dir: The working folder as the server sees it, where it is mounted elsewhere;
                the server reads an adapter below the working folder from there.
            api_key_env: The environment variable that holds the API key.
            client: See `ApiConfig`.
            system_prompt: A system message at the beginning of every conversation.
            temperature: Sampling temperature; None leaves the choice to the server, which some
                models demand.
            top_p: Probability mass of the tokens to sample from; None leaves the choice to the
                server.
            max_new_tokens: The largest number of tokens of a draft or a revision.
            reason_tokens: The largest number of tokens of a rating with its reason.
            reasons: Phases (`feedback`, `observe`) in which a rating comes with a reason.
            ratings: Form of the ratings; `auto` tries which forms the server offers.
            send_seed: Whether to send the turn's seed, for servers that sample by a seed.
            max_concurrency: See `ApiConfig`.
            requests_per_minute: See `ApiConfig`.
            tokens_per_minute: See `ApiConfig`.
            timeout: See `ApiConfig`.
            max_retries: See `ApiConfig`.
            thought_tokens: See `ApiConfig`.
            tries: How often a turn is asked if its answers cannot be used.
            on_error: What happens if a turn gets no answer: `raise` ends the run, which can be
                resumed; `missing` records the turn as unanswered, with the reason. A turn that the
                server's content filter refuses is always recorded as unanswered.
            usd_per_million_prompt_tokens: See `ApiConfig`.
            usd_per_million_completion_tokens: See `ApiConfig`.
            extra: See `ApiConfig`.

        Raises:
            UserError: A setting is out of its range; the message names the setting.
        """
        if min(max_new_tokens, reason_tokens, tries) < 1:
            raise UserError("policy: max_new_tokens, reason_tokens and tries must be at least 1")
        unknown = set(reasons) - {phase.value for phase in RATED_PHASES}
        if unknown:
            raise UserError(f"policy.reasons: no rated phase {', '.join(sorted(unknown))}")
        served = adapter_of(adapter, adapter_name, server_dir)
        self.name = name or (served.name if served else model)
        self.section = "policy"
        self.max_concurrency = max_concurrency
        self._client = ApiClient(
            ApiConfig(
                model=model,
                base_url=base_url,
                adapter=served,
                api_key_env=api_key_env,
                client=client,
                max_concurrency=max_concurrency,
                requests_per_minute=requests_per_minute,
                tokens_per_minute=tokens_per_minute,
                timeout=timeout,
                max_retries=max_retries,
                thought_tokens=thought_tokens,
                usd_per_million_prompt_tokens=usd_per_million_prompt_tokens,
                usd_per_million_completion_tokens=usd_per_million_completion_tokens,
                extra=extra,
            )
        )
        self._system_prompt = system_prompt
        self._sampling = {"temperature": temperature, "top_p": top_p}
        self._max_new_tokens, self._reason_tokens = max_new_tokens, reason_tokens
        self._reasons = frozenset(reasons)
        self._form: Form | None = None if ratings == "auto" else ratings
        self._form_lock = asyncio.Lock()
        self._send_seed, self._tries, self._on_error = send_seed, tries, on_error

    def check(self) -> None:
        """Send a short request, and find out in which form the server gives ratings.

        Raises:
            UserError: The server, the key or the model is wrong; the message names the setting.
        """
        try:
            background.run(self._greet())
            background.run(self._rating_form())
        except ApiError as error:
            raise self._user_error(error) from None

    async def _greet(self) -> None:
        """Ask every server for a word.

        Of several servers some may not be reached; a wrong key or a missing model at one of them is
        an error.
        """
        servers = self._client.servers
        if len(servers) > 1:
            greetings = (self._greeted(server) for server in servers)
            if any(await asyncio.gather(*greetings)):
                return
        with suppress(Empty, Refused):  # the server has answered, though not with a word
            await self._chat(_GREETING, 0, 16)

    async def _greeted(self, server: Server) -> bool:
        """Return whether a server answers; raise ApiError if it refuses."""
        try:
            await self._chat(_GREETING, 0, 16, server=server)
        except (Empty, Refused):
            return True
        except ApiError:
            if server.failures:
                return False
            raise
        return True

    def share_rates(self, reserve: Reserve) -> None:
        """Keep the limits per minute together with other processes; see `SharedLimiter`."""
        self._client.share_rates(reserve)

    def unload_adapter(self) -> None:
        """Ask every server to forget the adapter of this policy."""
        background.run(self._client.unload_adapter())

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`. Raise UserError for a turn without an answer if on_error is `raise`."""
        return answer_all(self, turns)

    async def answer(self, turn: Turn) -> Utterance:
        """See `AsyncPolicy.answer`."""
        return await self._until_usable(turn, partial(self._answer, turn))

    async def choose(self, turn: Turn, n: int) -> tuple[Utterance, dict[str, float]]:
        """See `ChoosesLetters.choose`.

        A server that refuses log-probabilities is asked for them only once.
        """
        letters: dict[str, float] = {}

        async def ask(seed: int) -> Utterance:
            messages = prompt_for(turn).messages
            fields = form_fields("logprobs", reason=False, rating_scale=RATING_SCALE)
            reply = await self._chat(messages, seed, self._max_new_tokens, fields, phase=turn.phase)
            letters.clear()
            letters.update(letter_logprobs(reply.logprobs, n))
            return _utterance(reply)

        return await self._until_usable(turn, ask), letters

    async def _until_usable(
        self, turn: Turn, ask: Callable[[int], Awaitable[Utterance]]
    ) -> Utterance:
        """Ask with different seeds until an answer can be used, up to `tries` times."""
        cost, last_error = Tokens(), ApiError("never asked")
        for attempt in range(self._tries):
            # Another seed for each attempt: the same seed might bring the same answer.
            seed = turn.seed if attempt == 0 else key(turn.seed, "attempt", attempt)
            try:
                utterance = await ask(seed)
            except Malformed as error:
                cost, last_error = cost + error.tokens, error
                if isinstance(error, Unreadable) and attempt + 1 < self._tries:
                    await asyncio.sleep(pause_after(attempt, seed))
                continue
            except Refused as error:
                tokens = cost + error.tokens
                return Utterance(policy=self.name, tokens=tokens, error=str(error))
            except ApiError as error:
                cost, last_error = cost + error.tokens, error
                break
            return replace(utterance, policy=self.name, tokens=cost + utterance.tokens)
        if self._on_error == "raise":
            raise self._user_error(last_error) from last_error
        return Utterance(policy=self.name, tokens=cost, error=str(last_error))

    async def _answer(self, turn: Turn, seed: int) -> Utterance:
        if turn.phase in RATED_PHASES:
            return await self._rate(turn, seed, await self._rating_form())
        messages = prompt_for(turn).messages
        reply = await self._chat(messages, seed, self._max_new_tokens, phase=turn.phase)
        return _utterance(reply)

    async def _rate(self, turn: Turn, seed: int, form: Form) -> Utterance:
        reason = turn.reason and turn.phase.value in self._reasons
        messages = prompt_for(turn, form_sentence(form, reason=reason)).messages
        max_tokens = self._reason_tokens if reason else 16
        fields = form_fields(form, reason=reason, rating_scale=turn.rating_scale)
        reply = await self._chat(messages, seed, max_tokens, fields, phase=turn.phase)
        verdict = read_verdict(form, reply, turn.rating_scale)
        if verdict.rating is None:
            raise Malformed(f"no rating in the answer {reply.text[:60]!r}", reply.tokens)
        text = verdict.reason if reason else ""
        if reply.cut_off:
            text = whole_sentences(text)
        return Utterance(text, verdict.rating, tokens=reply.tokens, cut_off=reply.cut_off)

    async def _chat(
        self,
        messages: Sequence[Message],
        seed: int,
        max_tokens: int,
        fields: Mapping[str, Any] | None = None,
        *,
        phase: Phase | None = None,
        server: Server | None = None,
    ) -> Reply:
        """Return the reply to a conversation.

        Args:
            messages: The conversation.
            seed: The seed of the sampling.
            max_tokens: The largest number of tokens in the reply.
            fields: Further fields of the request.
            phase: See `ApiClient.chat`.
            server: See `ApiClient.chat`.
        """
        if self._system_prompt:
            messages = _with_system(messages, self._system_prompt)
        # The server makes tokens of the text, and control tokens of what is spelled like them.
        return await self._client.chat(
            [replace(message, content=defused(message.content)) for message in messages],
            seed=seed if self._send_seed else None,
            max_tokens=max_tokens,
            sampling=self._sampling,
            form=fields,
            phase=phase,
            server=server,
        )

    async def _rating_form(self) -> Form:
        """Return the form of ratings, which is determined by the first call."""
        async with self._form_lock:
            if self._form is None:
                self._form = await self._strongest_form()
                log.info("policy %s: ratings are asked for as %s", self.name, self._form)
            return self._form

    async def _strongest_form(self) -> Form:
        """Return the first of `FORMS` in which the server rates an example."""
        for form in FORMS[:-1]:
            sentence = form_sentence(form, reason=False)
            messages = rating_messages("Is it fair to share?", "Yes.", "alignment", sentence)
            fields = form_fields(form, reason=False, rating_scale=RATING_SCALE)
            try:
                reply = await self._chat(messages, 0, 24, fields)
            except (Malformed, Refused):
                continue
            # A server may accept a request for log-probabilities, and send none.
            complete = self._client.takes(list(fields))
            if form == "logprobs":
                complete = complete and bool(rating_shares(reply.logprobs, RATING_SCALE))
            if complete and read_verdict(form, reply, RATING_SCALE).rating is not None:
                return form
        return FORMS[-1]

    def _user_error(self, error: ApiError) -> UserError:
        setting = f"{self.section}.{error.setting}" if error.setting else f"policy {self.name}"
        # Another turn may well get an answer, so that the run need not end.
        rest = isinstance(error, Malformed) and not isinstance(error, Unreadable)
        hint = f"; {self.section}.on_error=missing records such turns as unanswered and goes on"
        return UserError(f"{setting}: {error}{hint if rest else ''}")


def _utterance(reply: Reply) -> Utterance:
    text = whole_sentences(reply.text) if reply.cut_off else reply.text
    return Utterance(text, tokens=reply.tokens, cut_off=reply.cut_off)


def _with_system(messages: Sequence[Message], system: str) -> Sequence[Message]:
    """Return the conversation with a system message, merged with its own one if there is one."""
    if messages and messages[0].role == "system":
        return [Message("system", f"{system}\n\n{messages[0].content}"), *messages[1:]]
    return [Message("system", system), *messages]
