"""The optional parameters of a request: which of them a server takes is learnt from its errors."""

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .failures import Failure

log = logging.getLogger(__name__)

LIMITS = ("max_completion_tokens", "max_tokens")
"""The two names of the limit of a reply's tokens."""

FORM = ("response_format", "logprobs", "top_logprobs")
"""The parameters that ask for a form of the reply."""

SETTINGS = {
    "max_completion_tokens": "max_new_tokens",
    "max_tokens": "max_new_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
}
"""The settings from which the values of parameters come."""

_SPELLINGS = {
    "max_completion_tokens": r"max[_ -]?completion[_ -]?tokens",
    "max_tokens": r"max[_ -]?(?:output[_ -]?|new[_ -]?)?tokens",
    "temperature": r"temperature",
    "top_p": r"top[_ -]?p",
    "seed": r"(?:random[_ ])?seed",
    "logprobs": r"(?:top[_ -]?|response[_ ]?)?log[_ -]?prob(?:s|abilit\w+)?",
    "top_logprobs": r"(?:top[_ -]?|response[_ ]?)?log[_ -]?prob(?:s|abilit\w+)?",
    "response_format": r"response[_ ]?(?:format|schema|mime[_ ]?type)|json[_ ]?schema"
    r"|structured[_ ]outputs?"
    r"|guided[_ ](?:decoding|json)|grammars?",
    "encoding_format": r"encoding[_ ]?format",
}
"""How servers write the names of parameters in their messages."""

_UNSUPPORTED = re.compile(
    r"unsupported|not (?:be )?(?:support|allow|permit|implement|availab|recogni[sz]|compatib|enabl"
    r"|accept|a valid|valid)|n't (?:support|allow|accept|be)|cannot|incompatible|notimplemented"
    r"|unrecogni[sz]ed|unknown|unexpected|extra[ _](?:forbidden|inputs|fields)"
    r"|additional (?:property|properties)"
    r"|deprecated|no longer|disabled|unavailable|invalid (?:parameter|argument|field|key)"
    r"|must be (?:exactly )?1(?:\.0)?\b(?!\d)|omit|remove",
    re.IGNORECASE,
)
"""Words that speak against a parameter as such."""

_BOTH = re.compile(r"\bboth\b|\b(?:either|only one|one of)\b", re.IGNORECASE)
_ONLY = re.compile(r"\bonly\b", re.IGNORECASE)
"""A word that speaks against a parameter, unless the error tells a range of values."""

_RANGE = re.compile(
    r"greater|less than|lower than|at most|at least|between|in the range|out of range|maximum"
    r"|minimum|exceed|too (?:large|high|small|low|big|many)|<=|>=|≤|≥|max allowed|up to",
    re.IGNORECASE,
)
"""Words that speak against a value."""

_ABOUT_LENGTH = re.compile(
    r"context[_ ](?:length|window|size)|maximum context|prompt is too long|input is too long"
    r"|reduce the length|longest|tokens exceed|exceeds? the (?:model|limit|maximum|available)",
    re.IGNORECASE,
)

_OTHERS = re.compile(
    r"expected one of|\b(?:supported|valid|allowed|available|permitted|accepted) "
    r"(?:parameters|params|fields|values|arguments|options)|\buse ['\"`]|(?:please|instead),? use\b"
    r"|permitted:|to drop unsupported",
    re.IGNORECASE,
)
"""The words after which a message lists other parameters."""


@dataclass
class Parameters:
    """What is known about the parameters that a server takes.

    Attributes:
        name: Name of the model, for the log.
        limit: The name of the limit of tokens; None if the server refuses both names.
        refused: The parameters that the server has refused.
        top_logprobs: The largest number of alternatives that the server accepts.
        answered: Sets of parameters to which the server has answered without refusing one.
        accepted: Sets of parameters with which the server has replied.
    """

    name: str
    limit: str | None
    refused: set[str] = field(default_factory=set)
    top_logprobs: int = 20
    answered: set[frozenset[str]] = field(default_factory=set)
    accepted: set[frozenset[str]] = field(default_factory=set)

    def fit(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request with the parameters that the server takes, under its names."""
        fitted: dict[str, Any] = {}
        for name, value in request.items():
            if name in LIMITS:
                if self.limit is not None:
                    fitted[self.limit] = value
            elif name == "top_logprobs":
                fitted[name] = min(value, self.top_logprobs)
            else:
                fitted[name] = value
        return {name: value for name, value in fitted.items() if name not in self.refused}

    def learn(self, failure: Failure, sent: Mapping[str, Any]) -> bool:
        """Learn from an error which parameters of a request the server refuses.

        Args:
            failure: The error.
            sent: The fields that this program has chosen. A user's own fields are never left out.

        Returns:
            Whether the request should be sent again, as `fit` makes it now.
        """
        objections = objections_to(failure, sent)
        if not objections:
            return False
        if objections <= {"logprobs", "top_logprobs"}:
            fewer = _fewer(failure, sent.get("top_logprobs", 0))
            if fewer:
                if fewer < self.top_logprobs:
                    self.top_logprobs = fewer
                    self._tell(failure, f"top_logprobs above {fewer}", "fewer are asked for")
                return True
            objections = frozenset({"logprobs", "top_logprobs"})
        for name in objections & set(LIMITS):
            self._rename_limit(name, failure)
        self.refuse(objections - set(LIMITS), failure)
        return True

    def refuse(self, names: Iterable[str], failure: Failure) -> None:
        """Leave out parameters from now on, and say so once."""
        new = sorted(set(names) - self.refused)
        if new:
            self.refused |= set(new)
            self._tell(failure, " and ".join(new), "requests go without from now on")

    def _rename_limit(self, name: str, failure: Failure) -> None:
        if name != self.limit:
            return  # another request has renamed the limit in the meantime
        self.refused.add(name)
        others = [other for other in LIMITS if other not in self.refused]
        self.limit = others[0] if others else None
        change = f"{self.limit} takes its place" if self.limit else "replies have no limit now"
        self._tell(failure, name, change)

    def _tell(self, failure: Failure, what: str, change: str) -> None:
        log.warning(
            "model %s: the server refuses %s; %s (%s: %s)",
            *(self.name, what, change, failure.status, failure.words),
        )


def objections_to(failure: Failure, sent: Iterable[str]) -> frozenset[str]:
    """Return the parameters of a request that an error refuses as such, and not for their value."""
    if failure.status in (0, 401, 408, 429) or failure.filtered is not None:
        return frozenset()
    named, by_field = named_in(failure, sent)
    by_code = bool(_UNSUPPORTED.search(" ".join(failure.codes)))
    about_length = bool(_ABOUT_LENGTH.search(failure.text))
    about_value = bool(_RANGE.search(failure.text))
    against = by_code or bool(_UNSUPPORTED.search(failure.text))
    against = against or (bool(_ONLY.search(failure.text)) and not about_value)
    found = {
        name
        for name in named
        if against or name in by_field or failure.status in (400, 422)
        # A limit or a sampling parameter that is out of its range is for the user to correct.
        if not (name in LIMITS and (about_value or about_length) and not by_code)
        if not (name in ("temperature", "top_p") and about_value and not against)
    }
    if {"temperature", "top_p"} <= found and _BOTH.search(failure.text):
        found.remove("temperature")
    return frozenset(found & by_field if about_length else found)


def named_in(failure: Failure, names: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return which parameters an error names at all, and which in a field such as `param`."""
    text = _OTHERS.split(failure.text, maxsplit=1)[0]
    fields = {part for name in failure.names for part in re.split(r"[.\[\]/]", name)}
    by_field = frozenset(name for name in names if name in fields)
    if by_field:
        return by_field, by_field
    pattern = {name: _SPELLINGS.get(name, re.escape(name)) for name in names}
    by_word = {
        name
        for name, spelling in pattern.items()
        if re.search(rf"(?<![A-Za-z0-9_])(?:{spelling})(?![A-Za-z0-9_])", text, re.IGNORECASE)
    }
    return frozenset(by_word), frozenset()


def _fewer(failure: Failure, asked: int) -> int:
    """Return the number of alternatives that a server would accept; 0 if it accepts none."""
    if not _RANGE.search(failure.text):
        return 0
    numbers = {int(number) for number in re.findall(r"(?<![\d.])\d{1,2}(?![\d.]*\d)", failure.text)}
    return max((number for number in numbers if 0 < number < asked), default=0)
