"""Checks of training data before a model is loaded: content, leaks and lengths."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.memory import Embedder

from ..data.formats.hh import read_pairs
from ..data.groups import RatedGroup
from ..data.leaks import check_dialogues, check_leaks
from ..data.validation import Report, check_groups
from ..runtime.recipes import recorded_recipe
from ..training.batches.lengths import measure_lengths
from .inputs import base_tokenizer, evaluation_questions
from .settings import Settings, build


def check_data(
    groups: Sequence[RatedGroup], settings: Settings, source: str, earlier: Report | None = None
) -> Report:
    """Check training data, and measure how similar the data is to held-out questions.

    Args:
        groups: The data.
        settings: The settings of the run.
        source: Names the data in error messages.
        earlier: An earlier report. If it is of the same data and questions, the search for leaks is
            not repeated.

    Returns:
        The report of `check_groups`, with `nearest_held_out` and `leaks_of`, a hash of everything
        that the search for leaks depends on.

    Raises:
        UserError: The data cannot be trained on, or contains a held-out question or dialogue.
    """
    report = check_groups(groups, source)
    if settings.data.leak_guard:
        if settings.evaluate.pairs is not None:
            pairs = read_pairs(settings.evaluate.pairs, "evaluate.pairs")
            check_dialogues(groups, (pair.prompt for pair in pairs), source)
        questions = [question.text for question in evaluation_questions(settings)]
        leaks_of = _leaks_hash(groups, questions, settings)
        if earlier and earlier.get("leaks_of") == leaks_of:
            report["nearest_held_out"] = earlier["nearest_held_out"]
        else:
            nearest = check_leaks(
                groups, questions, _embedder(settings), settings.data.leak_distance, source
            )
            report["nearest_held_out"] = nearest and asdict(nearest)
        report["leaks_of"] = leaks_of
    return report


def lengths(groups: Sequence[RatedGroup], settings: Settings) -> Report | str:
    """Measure the data in tokens of the base model.

    Returns:
        The report of `measure_lengths`; or a text that says why the lengths are not known: data
        can be made on a machine that has no base model.

    Raises:
        UserError: The chat template is wrong.
    """
    try:
        tokenizer = base_tokenizer(settings)
    except UserError as error:
        if str(error).startswith("chat_template"):
            raise
        return str(error)
    return measure_lengths(groups, tokenizer, settings.method.config.max_length)


def _leaks_hash(groups: Sequence[RatedGroup], questions: Sequence[str], settings: Settings) -> str:
    """Return a hash of everything that the search for leaks depends on."""
    # The hash of the JSON of one list of everything, of which one group at a time is in memory.
    content = hashlib.sha256(b"[[")
    for number, group in enumerate(groups):
        texts = [[message.content for message in group.prompt], [c.text for c in group.candidates]]
        content.update((", " if number else "").encode() + json.dumps(texts).encode())
    how = [settings.data.leak_distance, recorded_recipe(settings.embedder)]
    content.update(f"], {json.dumps(questions)}, {json.dumps(how)}]".encode())
    return content.hexdigest()


def _embedder(settings: Settings) -> Embedder:
    """Return the embedder of the run, or a local one where the run's would send data to an API."""
    from social_sandbox.policies.openai.embedder import OpenAIEmbedder
    from social_sandbox.policies.value_model.minilm import MiniLMEmbedder

    embedder: Embedder = build(settings.embedder, "embedder")
    return MiniLMEmbedder() if isinstance(embedder, OpenAIEmbedder) else embedder
