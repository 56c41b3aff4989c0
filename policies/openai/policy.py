"""Models behind an OpenAI-compatible API as a policy."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from pydantic import validate_call

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.messages import Message
from social_sandbox.envs.seeding import key
from social_sandbox.envs.turns import RATED_PHASES, RATING_SCALE, Tokens, Turn, Utterance

from .. import background
from ..policy import answer_all
from ..prompts.prompts import prompt_for, rating_messages
from ..prompts.sentences import whole_sentences
from .client import KEY, ApiClient, ApiConfig, ApiError, Malformed, Rejected, Reply
from .letter_logprobs import letter_logprobs
from .rating_forms import FORMS, Form, rating_shares, read, request, wording

log = logging.getLogger(__name__)


class OpenAIPolicy:
    """Answers turns through an API, many at once; see `AsyncPolicy`.

    Ratings are asked for in the strongest form that the server offers: a JSON schema, else the
    probabilities of the digits, else text. Answers of an API are not a function of the seed that
    is sent with them; a resumed run is the same because what was said is on disk.
    """

    @validate_call
    def __init__(
        self,
        model: str,
        *,
        name: str | None = None,
        base_url: str | None = None,
        api_key_env: str = KEY,
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
        tries: int = 3,
        on_error: Literal["raise", "missing"] = "raise",
        usd_per_million_prompt_tokens: float | None = None,
        usd_per_million_completion_tokens: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Sends nothing yet: see `check`.

        Args:
            model: the server's name for the model.
            name: stands in the records; default: the model.
            base_url: of the server; default: OpenAI's own.
            api_key_env: the environment variable that holds the key.
            system_prompt: said before everything else.
            temperature: None leaves it to the server, as some models ask for.
            top_p: likewise.
            max_new_tokens: of a draft or a revision.
            reason_tokens: of a rating with its reason.
            reasons: phases (`feedback`, `observe`) in which a rating comes with a reason.
            ratings: the form of ratings; `auto` finds out what the server offers.
            send_seed: send the turn's seed, for servers that sample by it.
            max_concurrency: see `ApiConfig`, as for all that follows but these two:
            tries: how often an answer that cannot be used is asked for anew.
            on_error: what a turn without an answer does: `raise` ends the run, which can be
                resumed; `missing` records it as missing, with the reason.

        Raises UserError naming the setting that makes no sense.
        """
        if min(max_new_tokens, reason_tokens, tries) < 1:
            raise UserError("policy: max_new_tokens, reason_tokens and tries must be at least 1")
        unknown = set(reasons) - {phase.value for phase in RATED_PHASES}
        if unknown:
            raise UserError(f"policy.reasons: no rated phase {', '.join(sorted(unknown))}")
        self.name = name or model
        self.max_concurrency = max_concurrency
        self._client = ApiClient(
            ApiConfig(
                model=model,
                base_url=base_url,
                api_key_env=api_key_env,
                max_concurrency=max_concurrency,
                requests_per_minute=requests_per_minute,
                tokens_per_minute=tokens_per_minute,
                timeout=timeout,
                max_retries=max_retries,
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
        self._finding = asyncio.Lock()
        self._tells_logprobs = True
        self._send_seed, self._tries, self._on_error = send_seed, tries, on_error

    def check(self) -> None:
        """Ask for one word: whether host, key and model are right, and how it can rate.

        Raises UserError naming the setting that is wrong.
        """
        try:
            background.run(self._say([Message("user", "Say yes.")], 0, 8))
            background.run(self._rating_form())
        except ApiError as error:
            raise self._user_error(error) from None

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`. Raises UserError with on_error=raise."""
        return answer_all(self, turns)

    async def answer(self, turn: Turn) -> Utterance:
        """See `AsyncPolicy.answer`."""
        return await self._until_usable(turn, partial(self._answer, turn))

    async def choose(self, turn: Turn, n: int) -> tuple[Utterance, dict[str, float]]:
        """See `ChoosesLetters.choose`. A server that rejects the wish is not asked for it again."""
        told: dict[str, float] = {}

        async def ask(seed: int) -> Utterance:
            reply = await self._say_with_logprobs(prompt_for(turn).messages, seed)
            told.clear()
            told.update(letter_logprobs(reply.logprobs, n))
            return _said(reply)

        return await self._until_usable(turn, ask), told

    async def _until_usable(
        self, turn: Turn, ask: Callable[[int], Awaitable[Utterance]]
    ) -> Utterance:
        spent, last = Tokens(), ApiError("never asked")
        for attempt in range(self._tries):
            # Another seed: the same one would bring the same answer.
            seed = turn.seed if attempt == 0 else key(turn.seed, "attempt", attempt)
            try:
                said = await ask(seed)
            except Malformed as error:
                spent, last = spent + error.tokens, error
                continue
            except ApiError as error:
                spent, last = spent + error.tokens, error
                break
            return replace(said, policy=self.name, tokens=spent + said.tokens)
        if self._on_error == "raise":
            raise self._user_error(last) from last
        return Utterance(policy=self.name, tokens=spent, error=str(last))

    async def _answer(self, turn: Turn, seed: int) -> Utterance:
        if turn.phase not in RATED_PHASES:
            reply = await self._say(prompt_for(turn).messages, seed, self._max_new_tokens)
            return _said(reply)
        return await self._rate(turn, seed, await self._rating_form())

    async def _rate(self, turn: Turn, seed: int, form: Form) -> Utterance:
        reason = turn.reason and turn.phase.value in self._reasons
        messages = prompt_for(turn, wording(form, reason=reason)).messages
        limit = self._reason_tokens if reason else 16
        asked = request(form, reason=reason, rating_scale=turn.rating_scale)
        reply = await self._say(messages, seed, limit, asked)
        verdict = read(form, reply, turn.rating_scale)
        if verdict.rating is None:
            raise Malformed(f"no rating in the answer {reply.text[:60]!r}", reply.tokens)
        text = verdict.reason if reason else ""
        if reply.cut_off:
            text = whole_sentences(text)
        return Utterance(text, verdict.rating, tokens=reply.tokens, cut_off=reply.cut_off)

    async def _say(
        self,
        messages: Sequence[Message],
        seed: int,
        limit: int,
        form: Mapping[str, Any] | None = None,
    ) -> Reply:
        if self._system_prompt:
            messages = _with_system(messages, self._system_prompt)
        return await self._client.chat(
            messages,
            seed=seed if self._send_seed else None,
            max_tokens=limit,
            sampling=self._sampling,
            form=form,
        )

    async def _say_with_logprobs(self, messages: Sequence[Message], seed: int) -> Reply:
        if not self._tells_logprobs:
            return await self._say(messages, seed, self._max_new_tokens)
        asked = request("logprobs", reason=False, rating_scale=RATING_SCALE)
        try:
            return await self._say(messages, seed, self._max_new_tokens, asked)
        except Rejected as error:
            reply = await self._say(messages, seed, self._max_new_tokens)
            self._tells_logprobs = False
            return replace(reply, tokens=error.tokens + reply.tokens)

    async def _rating_form(self) -> Form:
        """The form of ratings, found out once."""
        async with self._finding:
            if self._form is None:
                self._form = await self._find_form()
                log.info("policy %s: ratings are asked for as %s", self.name, self._form)
            return self._form

    async def _find_form(self) -> Form:
        for form in FORMS[:-1]:
            messages = rating_messages(
                "Is it fair to share?", "Yes.", "alignment", wording(form, reason=False)
            )
            try:
                asked = request(form, reason=False, rating_scale=RATING_SCALE)
                reply = await self._say(messages, 0, 24, asked)
            except (Rejected, Malformed):
                continue
            told = form != "logprobs" or rating_shares(reply.logprobs, RATING_SCALE)
            if told and read(form, reply, RATING_SCALE).rating is not None:
                return form
        return FORMS[-1]

    def _user_error(self, error: ApiError) -> UserError:
        setting = f"policy.{error.setting}" if error.setting else f"policy {self.name}"
        return UserError(f"{setting}: {error}")


def _said(reply: Reply) -> Utterance:
    text = whole_sentences(reply.text) if reply.cut_off else reply.text
    return Utterance(text, tokens=reply.tokens, cut_off=reply.cut_off)


def _with_system(messages: Sequence[Message], system: str) -> Sequence[Message]:
    if messages and messages[0].role == "system":
        return [Message("system", f"{system}\n\n{messages[0].content}"), *messages[1:]]
    return [Message("system", system), *messages]
