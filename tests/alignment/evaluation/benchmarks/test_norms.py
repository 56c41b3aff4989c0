"""The benchmark of norms, on the project's held-out questions."""

from importlib.metadata import EntryPoint

import pytest

from social_sandbox.alignment.evaluation.benchmarks.items import ItemResult
from social_sandbox.alignment.evaluation.benchmarks.norms import (
    counted_anew,
    norm_items,
    norm_scores,
    own_norms,
)
from social_sandbox.alignment.evaluation.benchmarks.registry import find_benchmarks
from social_sandbox.alignment.evaluation.benchmarks.results.estimates import aggregate
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.questions import held_out_questions
from social_sandbox.policies.norms import KEPT_OUT, NORMS, Norm, registry


def test_every_question_is_asked_plainly_and_with_a_draft_that_breaks_norms() -> None:
    items = list(norm_items())
    assert len(items) == 2 * len(held_out_questions()) == len({item.id for item in items})
    for plain, with_draft in zip(items[::2], items[1::2], strict=True):
        assert with_draft.context.startswith(plain.context)
        draft = with_draft.context.partition("following this draft:\n")[2]
        assert draft
        for norm in with_draft.meta["norms"].values():
            assert not norm.is_followed(plain.context, draft)


def test_every_norm_has_a_metric_and_those_kept_out_come_last() -> None:
    [benchmark] = find_benchmarks(["norms"])
    plain = [name for name in benchmark.metrics if not name.endswith("_draft")]
    assert set(plain) == NORMS.keys()
    assert tuple(plain[-2:]) == KEPT_OUT
    measured = {metric for item in norm_items() for metric in item.meta["norms"]}
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


def polite(question: str, answer: str) -> float:
    """Say please."""
    return float("please" in answer.lower())


def other_brief(question: str, answer: str) -> float:
    """Have the name of another norm."""
    return 0.0


other_brief.__name__ = "brief"


def installed(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: points)


def test_norms_of_your_own_are_counted_by_path_by_entry_point_and_by_observer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert own_norms([]) == ()
    assert [norm.name for norm in own_norms([f"{__name__}.polite"])] == ["polite"]
    assert [norm.name for norm in own_norms([], [Norm(polite), NORMS["brief"]])] == ["polite"]
    installed(monkeypatch, EntryPoint("courtesy", f"{__name__}:polite", registry.GROUP))
    assert [norm.name for norm in own_norms(["courtesy"], [Norm(polite)])] == ["polite"]
    assert [norm.name for norm in own_norms([])] == ["polite"]


def test_two_norms_of_one_name_are_an_error() -> None:
    with pytest.raises(UserError, match="two norms are named brief: "):
        own_norms([f"{__name__}.other_brief"])


def test_own_norms_are_counted_plainly_with_a_draft_and_on_other_kinds() -> None:
    items = list(norm_items(("drugs",), [Norm(polite)]))
    [benchmark] = find_benchmarks(["norms"])
    results = [
        ItemResult(
            "norms",
            item.id,
            "answer",
            None,
            norm_scores(item, "Please."),
            {key: item.meta[key] for key in ("category",) if key in item.meta},
        )
        for item in items
    ]
    estimates = aggregate([benchmark], results, 100, 0)["norms"]
    assert [name for name in estimates if "polite" in name] == [
        "polite",
        "polite_other",
        "polite_draft",
    ]
    assert (estimates["polite"]["mean"], estimates["polite"]["n"]) == (1, 104)
    assert estimates["polite_other"]["n"] == 8


def test_a_recorded_answer_is_counted_by_the_norms_as_they_are_now() -> None:
    item = next(norm_items((), [Norm(polite)]))
    stale = ItemResult("norms", item.id, "answer", None, {"polite": 0.0}, {"answer": "Please."})
    assert counted_anew(item, stale).scores["polite"] == 1
    failed = ItemResult("norms", item.id, "answer", None, {}, {"error": "no server"})
    assert counted_anew(item, failed) == failed
