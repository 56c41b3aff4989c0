"""The benchmark of norms, on the project's held-out questions."""

import pytest

from social_sandbox.alignment.evaluation.benchmarks.norms import norm_items, norm_scores
from social_sandbox.alignment.evaluation.benchmarks.registry import find_benchmarks
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.questions import held_out_questions
from social_sandbox.policies.norms import KEPT_OUT, NORMS


def test_every_question_is_asked_plainly_and_with_a_draft_that_breaks_norms() -> None:
    items = list(norm_items())
    assert len(items) == 2 * len(held_out_questions()) == len({item.id for item in items})
    for plain, with_draft in zip(items[::2], items[1::2], strict=True):
        assert with_draft.context.startswith(plain.context)
        draft = with_draft.context.partition("following this draft:\n")[2]
        assert draft
        for name in with_draft.meta["norms"]:
            assert not NORMS[name].is_followed(plain.context, draft)


def test_every_norm_has_a_metric_and_those_kept_out_come_last() -> None:
    [benchmark] = find_benchmarks(["norms"])
    plain = [name for name in benchmark.metrics if not name.endswith("_draft")]
    assert set(plain) == NORMS.keys()
    assert tuple(plain[-2:]) == KEPT_OUT
    measured = {metric for item in norm_items() for metric in item.meta["norms"].values()}
    assert measured == benchmark.metrics.keys()


def test_scores_are_the_norms_that_an_answer_follows() -> None:
    item = next(norm_items())
    scores = norm_scores(item, "Whose idea was that?")
    assert (scores["asks_back"], scores["brief"], scores["offers_next_step"]) == (1, 1, 0)
    assert set(norm_scores(item, "").values()) == {0}


def test_kinds_that_were_not_trained_on_are_counted_on_their_own() -> None:
    items = list(norm_items(("drugs",)))
    assert sum(item.meta.get("category") == "other" for item in items) == 8
    with pytest.raises(UserError, match="no kind 'drug'; there are"):
        list(norm_items(("drug",)))
