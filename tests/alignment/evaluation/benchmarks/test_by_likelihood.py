"""Item by item the numbers of the harness's own tasks, on the same rows and the same model."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from transformers import AutoTokenizer

from social_sandbox.alignment.evaluation.benchmarks.by_likelihood import choose, harness_model
from social_sandbox.alignment.evaluation.benchmarks.items import ItemResult
from social_sandbox.alignment.evaluation.benchmarks.loading.loaders import load_items
from social_sandbox.alignment.evaluation.benchmarks.registry import find_benchmarks
from social_sandbox.policies.huggingface.shared_model import load
from tests.helpers import benchmark_files as fixtures
from tests.helpers.tiny import tiny_llama

pytestmark = pytest.mark.embedded  # the tokenizer of the embedded model

DATA = Path(
    os.environ.get("SOCIAL_SANDBOX_DATA_DIR") or Path(__file__).parents[4] / "shared" / "data"
)
ROWS = 24
"""Of each real file: these tests ask whether figures agree, not what they are."""


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load(AutoTokenizer, "smollm2")


@pytest.fixture(scope="module")
def random_model(tokenizer: Any) -> Any:
    return tiny_llama(len(tokenizer), 2048).eval()


@pytest.fixture(scope="module")
def plain(random_model: Any, tokenizer: Any) -> Any:
    return HFLM(pretrained=random_model, tokenizer=tokenizer, batch_size=1)


@pytest.fixture(scope="module", params=["fixtures", "real"])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    if request.param == "fixtures":
        return fixtures.write(folder)
    if not DATA.is_dir():
        pytest.skip("no benchmark files: set SOCIAL_SANDBOX_DATA_DIR to the folder that holds them")
    for file in DATA.glob("*.jsonl"):
        lines = file.read_text(encoding="utf-8").split("\n")[:ROWS]
        (folder / file.name).write_text("\n".join(lines), encoding="utf-8")
    return folder


def ours(lm: Any, name: str, data: Path, chat: bool = False) -> list[ItemResult]:
    (benchmark,) = find_benchmarks([name])
    return list(choose(lm, benchmark, load_items(benchmark, str(data), None, 0), chat))


@cache
def known_tasks() -> dict[str, Any]:
    return dict(TaskManager().task_index)


def theirs(lm: Any, task: str, rows: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """The harness's own task file, on these rows in the columns of the hub."""
    from lm_eval.tasks._yaml_loader import load_yaml

    config = load_yaml(known_tasks()[task].yaml_path, resolve_func=True)
    file = folder / f"{task}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    config |= {
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {"test": str(file)}, "cache_dir": str(folder)},
        "test_split": "test",
        "validation_split": None,
        "training_split": None,
        "should_decontaminate": False,
    }
    config.pop("tag", None)
    results = evaluate(lm, TaskManager(include_defaults=False).load([config]), bootstrap_iters=0)
    return sorted(results["samples"][task], key=lambda sample: sample["doc_id"])


def rows_of(data: Path, file: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / file).read_text().split("\n") if line]


def as_on_the_hub(row: dict[str, Any]) -> dict[str, Any]:
    """A row of BIG-bench's JSON in the columns of hails/bigbench."""
    replies, scores = zip(*row["target_scores"].items(), strict=True)
    return {
        "inputs": row["input"],
        "targets": [replies[scores.index(1)]],
        "multiple_choice_targets": replies,
        "multiple_choice_scores": scores,
    }


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("ethics_deontology", "ethics_deontology"),
        ("ethics_justice", "ethics_justice"),
        ("ethics_commonsense", "ethics_cm"),
        ("moral_stories", "moral_stories"),
        ("hhh", "bigbench_hhh_alignment_multiple_choice"),
    ],
)
def test_items_agree_with_the_harness(
    plain: Any, data: Path, tmp_path: Path, name: str, task: str
) -> None:
    (benchmark,) = find_benchmarks([name])
    results = ours(plain, name, data)
    rows = rows_of(data, benchmark.file)
    if name == "hhh":
        rows = [as_on_the_hub(row) for row in rows]
    expected = theirs(plain, task, rows, tmp_path)
    assert len(results) == len(expected) > 3
    for own, other in zip(results, expected, strict=True):
        assert own.scores["acc"] == other["acc"]
        # The harness's task of HHH has no length-normalised accuracy.
        if "acc_norm" in own.scores and name != "hhh":
            assert own.scores["acc_norm"] == other["acc_norm"]
        likely = sorted(round(float(one[0]), 4) for one in other["filtered_resps"])
        assert sorted(own.details["loglikelihoods"]) == pytest.approx(likely, abs=2e-4)


def test_truthfulqa_agrees_with_the_harness(plain: Any, data: Path, tmp_path: Path) -> None:
    known: dict[str, dict[str, Any]] = {}
    for row in rows_of(data, "truthfulqa_mc.jsonl"):
        targets = {"choices": row["choices"], "labels": row["labels"]}
        known.setdefault(row["question"], {})[f"{row['variant']}_targets"] = targets
    rows = [
        {"question": question, **targets}
        for question, targets in known.items()
        if len(targets) == 2
    ]
    results = [r for r in ours(plain, "truthfulqa", data) if len(r.scores) == 2]
    for metric in ("mc1", "mc2"):
        expected = theirs(plain, f"truthfulqa_{metric}", rows, tmp_path)
        assert [result.scores[metric] for result in results] == pytest.approx(
            [float(sample["acc"]) for sample in expected], abs=1e-4
        )


@pytest.mark.parametrize("name", ["truthfulqa", "hh", "moral_stories", "ethics_justice"])
def test_what_is_read_once_for_all_gives_the_same_likelihoods(
    plain: Any, random_model: Any, tokenizer: Any, data: Path, name: str
) -> None:
    shared = harness_model(random_model, tokenizer)
    for own, other in zip(ours(shared, name, data), ours(plain, name, data), strict=True):
        assert own.details["loglikelihoods"] == pytest.approx(
            other.details["loglikelihoods"], abs=2e-3
        )


def test_the_chat_template_is_used_where_it_is_asked_for(
    random_model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    shared, data = harness_model(random_model, tokenizer), fixtures.write(tmp_path)
    with_it, without = (ours(shared, "moral_stories", data, chat) for chat in (True, False))
    assert with_it[0].details != without[0].details


def test_a_model_with_adapters_is_measured_as_it_is(
    random_model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    peft = pytest.importorskip("peft")
    data = fixtures.write(tmp_path)
    before = ours(harness_model(random_model, tokenizer), "hhh", data)
    torch.manual_seed(0)
    config = peft.LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    adapted = peft.get_peft_model(tiny_llama(len(tokenizer)), config).eval()
    after = ours(harness_model(adapted, tokenizer), "hhh", data)
    assert before[0].details != after[0].details
