"""All checks of training data that a run does before it loads a model."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.memory import Embedder
from social_sandbox.envs.questions import Question, held_out_questions, read_questions
from social_sandbox.policies.huggingface.chat_template import use_template
from social_sandbox.policies.huggingface.shared_model import load
from social_sandbox.policies.openai.embedder import OpenAIEmbedder
from social_sandbox.policies.value_model.minilm import MiniLMEmbedder

from ..data.formats.hh import read_pairs
from ..data.groups import RatedGroup
from ..data.leaks import check_dialogues, check_leaks
from ..data.validation import Report, check_groups
from ..training.lengths import measure_lengths
from ..training.method import Method
from .identity import what_is_said
from .settings import Settings, build


def check_data(
    groups: Sequence[RatedGroup], settings: Settings, source: str, known: Report | None = None
) -> Report:
    """What the data is like (see `check_groups`), and how near it comes to held-out questions.

    `known` is an earlier report: the same data is not looked through for leaks again. Raises
    UserError for data that cannot be trained on, or that holds a held-out question or dialogue.
    """
    report = check_groups(groups, source)
    if settings.data.leak_guard:
        if settings.evaluate.pairs is not None:
            pairs = read_pairs(settings.evaluate.pairs, "evaluate.pairs")
            check_dialogues(groups, (pair.prompt for pair in pairs), source)
        held = [question.text for question in held_out(settings)]
        looked_for = _leaks_hash(groups, held, settings)
        if known and known.get("leaks_of") == looked_for:
            report["nearest_held_out"] = known["nearest_held_out"]
        else:
            nearest = check_leaks(
                groups, held, _embedder(settings), settings.data.leak_distance, source
            )
            report["nearest_held_out"] = nearest and asdict(nearest)
        report["leaks_of"] = looked_for
    return report


def _leaks_hash(groups: Sequence[RatedGroup], held: Sequence[str], settings: Settings) -> str:
    """What stands for all that a search for leaks depends on."""
    searched = [
        [[message.content for message in group.prompt], [c.text for c in group.candidates]]
        for group in groups
    ]
    how = [settings.data.leak_distance, what_is_said(settings.embedder)]
    return hashlib.sha256(json.dumps([searched, held, how]).encode()).hexdigest()


def base_tokenizer(settings: Settings) -> Any:
    """The tokenizer of the base model, with the configured chat template.

    Raises UserError naming base_model or chat_template.
    """
    from transformers import AutoTokenizer

    tokenizer = load(AutoTokenizer, settings.base_model, "base_model")
    if settings.chat_template is not None:
        use_template(tokenizer, settings.chat_template)
    return tokenizer


def lengths(groups: Sequence[RatedGroup], settings: Settings) -> Report | str:
    """The lengths of the data in tokens of the base model, or why they are not known.

    A method that does not train it cuts none. Data can be made where the base model is not.
    Raises UserError for a wrong chat template.
    """
    if not isinstance(settings.method, Method):
        return "method: does not train the base model"
    try:
        tokenizer = base_tokenizer(settings)
    except UserError as error:
        if str(error).startswith("chat_template"):
            raise
        return str(error)
    return measure_lengths(groups, tokenizer, settings.method.max_length)


def held_out(settings: Settings) -> Sequence[Question]:
    """The questions that the run evaluates on."""
    path = settings.evaluate.questions
    if path is None:
        return held_out_questions()
    questions = read_questions(path, "evaluate.questions")
    # A file without the mark was made for this purpose; one with it holds the others as well.
    return [question for question in questions if question.held_out] or questions


def _embedder(settings: Settings) -> Embedder:
    """The run's own embedder; an API is not sent the training data."""
    embedder: Embedder = build(settings.embedder, "embedder")
    return MiniLMEmbedder() if isinstance(embedder, OpenAIEmbedder) else embedder
