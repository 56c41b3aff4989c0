import json
from pathlib import Path

import pytest
import torch

from social_sandbox.alignment.speed import main
from social_sandbox.alignment.speed.scale import generation, training
from social_sandbox.alignment.speed.scale.models import byte_tokenizer, random_model
from social_sandbox.alignment.training.memory.model_shape import SHAPES, shape_of

CPU = torch.device("cpu")
TINY = SHAPES["tiny"]
LITTLE = training.Load(groups=2, prompt=8, response=8, steps=1)


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_counts_the_parameters_of_the_model_that_it_describes(name: str) -> None:
    model = random_model(SHAPES[name], torch.device("meta"), torch.bfloat16)
    assert SHAPES[name].parameters == sum(each.numel() for each in model.parameters())
    assert shape_of(model.config) == SHAPES[name]


def test_a_shape_counts_the_parameters_of_adapters() -> None:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(random_model(TINY, CPU, torch.float32), config)
    trained = sum(each.numel() for each in model.parameters() if each.requires_grad)
    assert TINY.adapter_parameters(4) == trained


def test_a_shape_counts_the_operations_of_a_forward_pass() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    model = random_model(TINY, CPU, torch.float32)
    model.set_attn_implementation("eager")  # the counter knows no other attention of CPUs
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        model(input_ids=torch.zeros(3, 10, dtype=torch.long), logits_to_keep=4)
    # Attention is counted as if every position saw all ten.
    assert TINY.forward_operations(30, 10, 12) == counted.get_total_flops()


def test_the_tokenizer_has_a_token_for_each_byte_and_as_many_as_the_model_has_rows() -> None:
    tokenizer = byte_tokenizer(512)
    assert len(tokenizer) == 512
    assert len(tokenizer("Grüße!")["input_ids"]) == 8
    assert tokenizer.decode(tokenizer("Grüße!")["input_ids"]) == "Grüße!"


@pytest.mark.parametrize("method", ["stable_alignment", "dpo"])
@pytest.mark.parametrize("lora", [False, True])
def test_steps_are_timed_on_the_same_texts(method: str, lora: bool) -> None:
    if method == "dpo":
        pytest.importorskip("trl")
    way = training.Way(method, lora, checkpointing=lora)  # type: ignore[arg-type]
    done = training.measure(TINY, way, LITTLE, CPU)
    assert done.seconds > 0
    rows = 2 * (2 if method == "dpo" else 3)
    prompt, response = 8 + len("### User\n\n\n### Assistant\n"), 8 + 1
    assert done.tokens == rows * (prompt + response)
    assert done.operations > 0


def test_texts_are_written_below_the_bound_of_the_bandwidth() -> None:
    model = random_model(TINY, CPU, torch.float32)
    done = generation.measure(model, byte_tokenizer(512), TINY, 2, 8, 3, bandwidth=1e12)
    assert done.rows == 2
    assert 0 < done.a_second < done.bound


def test_the_section_is_measured_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "measure", lambda *_: training.Measured(2.0, 100, 1e9, 50, 2**20))
    file = tmp_path / "bench.json"
    main.main(["--quick", "--only", "scale", "--models", "tiny", "--output", str(file)])
    rows = {row["name"]: row for row in json.loads(file.read_text())["measurements"]}
    assert rows["tiny, stable_alignment, LoRA: tokens"]["value"] == 50
    assert rows["tiny, 4 texts at a time: tokens written"]["value"] > 0
    assert "tiny" in capsys.readouterr().out
