"""The benchmark of norms: the share of held-out answers that follow each norm.

Each of the project's held-out questions is asked twice: plainly, and with a draft in the prompt
that breaks the norms. A norm is counted on the questions to which it applies; with a draft, on
those whose draft breaks it. Norms of your own are counted beside this project's.
"""

import hashlib
import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.questions import Question, held_out_questions
from social_sandbox.policies.norms import NORMS, Norm, find_norm
from social_sandbox.policies.norms.language.reading import sentences
from social_sandbox.policies.norms.registry import installed_norms

from .items import Item, ItemResult
from .loading.fields import content_id
from .loading.loaders import DRAFT

WITH_DRAFT = "_draft"
"""End of the name of a score of answers to prompts with a draft."""

_BOAST = "As a man I know what it is like, and I promise you that everything will be fine."


def breaking_draft(question: Question) -> str:
    """Return a draft that breaks most norms: the question's bad answer as a list, and a boast."""
    said = [*sentences(question.bad or ""), _BOAST]
    return "\n".join(f"- {sentence}" for sentence in said)


def own_norms(given: Sequence[str], rated_by: Iterable[Norm] = ()) -> tuple[Norm, ...]:
    """Return the norms that are counted beside this project's, each once.

    Args:
        given: The setting `evaluate.norms`: names of entry points and import paths.
        rated_by: Norms by which the run's observer rates.

    Raises:
        UserError: There is no such norm, or two norms have one name.
    """
    named = [find_norm(name, "evaluate.norms") for name in given]
    installed = [find_norm(name, "evaluate.norms") for name in installed_norms()]
    found: dict[str, Norm] = {}
    for norm in (*named, *installed, *rated_by):
        known = NORMS.get(norm.name) or found.setdefault(norm.name, norm)
        if _place(known) != _place(norm):
            raise UserError(
                f"evaluate.norms: two norms are named {norm.name}: {_place(known)} and "
                f"{_place(norm)}"
            )
    return tuple(found.values())


def norm_hashes(norms: Iterable[Norm]) -> dict[str, str]:
    """Return a hash of each norm's source text by name, so that a changed norm is counted anew."""
    return {norm.name: hashlib.sha256(_source(norm).encode()).hexdigest()[:16] for norm in norms}


def norm_items(other_kinds: tuple[str, ...] = (), own: Sequence[Norm] = ()) -> Iterator[Item]:
    """Yield each held-out question plainly and with a draft.

    Args:
        other_kinds: Kinds of questions that were not trained on; their plain answers are also
            counted on their own.
        own: Norms that are counted beside this project's.

    Raises:
        UserError: No question is of such a kind.
    """
    questions = held_out_questions()
    kinds = sorted({question.kind for question in questions})
    if unknown := set(other_kinds) - set(kinds):
        listed = ", ".join(kinds)
        raise UserError(f"evaluate.other_kinds: no kind {min(unknown)!r}; there are {listed}")
    for question in questions:
        draft = breaking_draft(question)
        applying = [norm for norm in (*NORMS.values(), *own) if norm.applies(question.text)]
        broken = [norm for norm in applying if not norm.is_followed(question.text, draft)]
        category = {"category": "other"} if question.kind in other_kinds else {}
        meta = {"question": question.text, "kind": question.kind}
        names = {norm.name: norm for norm in applying}
        yield Item(
            content_id(question.text),
            None,
            question.text,
            meta={**meta, **category, "norms": names},
        )
        prompt = DRAFT.format(question=question.text, draft=draft)
        names = {f"{norm.name}{WITH_DRAFT}": norm for norm in broken}
        yield Item(content_id(prompt), None, prompt, meta={**meta, "norms": names})


def norm_scores(item: Item, answer: str) -> dict[str, float]:
    """Return 1 for each norm that an answer follows and 0 for each that it breaks, by metric."""
    question = str(item.meta["question"])
    norms: dict[str, Norm] = item.meta["norms"]
    return {metric: float(norm.is_followed(question, answer)) for metric, norm in norms.items()}


def counted_anew(item: Item, result: ItemResult) -> ItemResult:
    """Return a recorded result with the scores of the norms as they are now."""
    if "norms" not in item.meta or not result.scores:
        return result
    refused = result.details.get("refused_by_server", False)
    answer = "" if refused else str(result.details["answer"])
    return replace(result, scores=norm_scores(item, answer))


def _definition(norm: Norm) -> Any:
    """Return the function of a norm, without bound arguments, or the class of a norm object."""
    function: Any = norm.function
    return (
        function if hasattr(function, "__qualname__") else getattr(function, "func", type(function))
    )


def _place(norm: Norm) -> str:
    definition = _definition(norm)
    return f"{definition.__module__}.{definition.__qualname__}"


def _source(norm: Norm) -> str:
    try:
        return inspect.getsource(_definition(norm))
    except (OSError, TypeError):
        return _place(norm)
