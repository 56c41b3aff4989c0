import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Gemma2Config, Gemma2ForCausalLM

from social_sandbox.alignment.data.groups import RatedGroup
from social_sandbox.alignment.training.batches.batching import GroupCollator, pad_token_id
from social_sandbox.alignment.training.batches.encoding import EncodedGroup, encode
from social_sandbox.alignment.training.batches.packing import COST, Packing, allowed
from social_sandbox.alignment.training.loss.chunked_nll import chunked_nll
from social_sandbox.alignment.training.loss.losses import token_nll
from social_sandbox.alignment.training.loss.response_likelihood import ResponseLikelihood
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.messages import Message
from tests.helpers.tiny import rated, rated_groups, tiny_llama


def encoded(
    tokenizer: Any, groups: list[RatedGroup], length: int = 64, asked: str | None = None
) -> list[EncodedGroup]:
    return [
        EncodedGroup(
            tuple(
                encode(
                    tokenizer,
                    group.prompt if asked is None else (Message("user", asked),),
                    candidate.text,
                    length,
                )
                for candidate in group.candidates
            ),
            tuple(candidate.rating for candidate in group.candidates),
        )
        for group in groups
    ]


def collated(tokenizer: Any, groups: list[RatedGroup], packing: Packing, **how: Any) -> Any:
    return GroupCollator(pad_token_id(tokenizer), packing)(encoded(tokenizer, groups, **how))


def value_and_gradients(model: Any, batch: Any, chunk: int | None) -> tuple[Any, list[Any]]:
    """A loss that weighs every candidate differently, and the gradient of every weight."""
    model.zero_grad(set_to_none=True)
    read = ResponseLikelihood(model, chunk)(model, batch)
    weights = torch.arange(1, len(read.nll) + 1, dtype=read.nll.dtype)
    (read.nll * weights).sum().backward()
    return read, [p.grad for p in model.parameters()]


def assert_same(one: Any, two: Any, **tolerance: float) -> None:
    for name in ("nll", "count", "per_token"):
        torch.testing.assert_close(getattr(one[0], name), getattr(two[0], name), **tolerance)
    for a, b in zip(one[1], two[1], strict=True):
        torch.testing.assert_close(a, b, **tolerance)


@pytest.mark.parametrize("chunk", [1, 3, 1000])
@pytest.mark.parametrize("bias", [False, True])
def test_likelihoods_in_chunks_have_the_value_and_the_gradient_of_all_logits(
    chunk: int, bias: bool
) -> None:
    torch.manual_seed(1)
    hidden = torch.randn(10, 6, dtype=torch.double, requires_grad=True)
    weight = torch.randn(11, 6, dtype=torch.double, requires_grad=True)
    offset = torch.randn(11, dtype=torch.double, requires_grad=True) if bias else None
    targets = torch.randint(0, 11, (10,))
    logits = torch.nn.functional.linear(hidden, weight, offset)
    torch.testing.assert_close(
        chunked_nll(hidden, weight, offset, targets, chunk), token_nll(logits, targets)
    )
    inputs = [x for x in (hidden, weight, offset) if x is not None]
    grad = torch.randn(10, dtype=torch.double)
    wanted = torch.autograd.grad(token_nll(logits, targets), inputs, grad)
    found = torch.autograd.grad(chunked_nll(hidden, weight, offset, targets, chunk), inputs, grad)
    torch.testing.assert_close(found, wanted)


def test_gradients_of_chunks_are_summed_in_float32() -> None:
    """In bfloat16 the 256th of equal parts, and all after it, would be rounded away."""
    hidden, weight = torch.ones(600, 1), torch.zeros(2, 1, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        nll = chunked_nll(hidden, weight, None, torch.zeros(600, dtype=torch.long), 1)
    nll.sum().backward()
    assert nll.dtype == weight.grad.dtype == torch.float32
    assert weight.grad[:, 0].tolist() == [-300, 300]


def test_no_more_logits_than_a_chunk_are_made(
    tokenizer: Any, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = 0
    original = torch.nn.functional.linear

    def linear(read: Any, weight: Any, bias: Any = None) -> Any:
        nonlocal largest
        made = original(read, weight, bias)
        if made.shape[-1] == len(tokenizer):
            largest = max(largest, made.numel() // made.shape[-1])
        return made

    monkeypatch.setattr(torch.nn.functional, "linear", linear)
    value_and_gradients(model, collated(tokenizer, rated_groups(6), False), 4)
    assert largest == 4


@pytest.mark.parametrize("packing", [False, True])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_model_read_in_chunks_packed_or_checkpointed_gives_the_same(
    tokenizer: Any, packing: Packing, checkpointing: bool
) -> None:
    model = tiny_llama(len(tokenizer)).double().train()
    groups = rated_groups(8)
    wanted = value_and_gradients(model, collated(tokenizer, groups, False), None)
    if checkpointing:
        model.gradient_checkpointing_enable()
    for chunk in (None, 5):
        found = value_and_gradients(model, collated(tokenizer, groups, packing), chunk)
        # Norms are computed in float32 whatever the weights are.
        assert_same(found, wanted, rtol=1e-4, atol=1e-5)


def test_the_model_is_as_it_was_afterwards(tokenizer: Any, model: Any) -> None:
    before = copy.deepcopy(model.state_dict())
    batch = collated(tokenizer, rated_groups(4), False)
    value_and_gradients(model, batch, 4)
    assert "forward" not in model.lm_head.__dict__
    assert model.state_dict().keys() == before.keys()
    logits = model(input_ids=batch["input_ids"]).logits
    assert logits.shape[-1] == len(tokenizer)


def test_a_model_that_bends_its_logits_is_read_whole(tokenizer: Any) -> None:
    torch.manual_seed(0)
    model = Gemma2ForCausalLM(
        Gemma2Config(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            final_logit_softcapping=0.5,
        )
    )
    batch = collated(tokenizer, rated_groups(4), False)
    wanted = value_and_gradients(model, batch, None)
    assert_same(value_and_gradients(model, batch, 3), wanted)
    # Its layers see a window of the prompt only.
    assert allowed("auto", model) is False
    with pytest.raises(UserError, match="packing is true, but not all layers"):
        allowed(True, model)


def test_a_packed_batch_has_each_prompt_once(tokenizer: Any) -> None:
    groups = [rated("a", ("i am fine", 7.0), ("no", 1.0)), rated("b", ("yes", 4.0))]
    apart = collated(tokenizer, groups, False)
    packed = collated(tokenizer, groups, True)
    rows = encoded(tokenizer, groups)
    prompt = rows[0].candidates[0].n_prompt
    assert packed["segment"].tolist() == [
        [0] * prompt + [1] * 4 + [2] * 2,
        [0] * prompt + [3] * 2 + [-1] * 4,
    ]
    assert packed["position_ids"][0].tolist() == [*range(prompt + 4), prompt, prompt + 1]
    assert packed["attention_mask"].sum(1).tolist() == [prompt + 6, prompt + 2]
    for batch in (packed, apart):
        assert batch["candidate"].bincount().tolist() == [4, 2, 2]
        assert batch["targets"].equal(apart["targets"])
    # The first tokens of both responses to a prompt are predicted at its last token.
    assert packed["prediction"].tolist() == [0, 1, 2, 3, 0, 4, 5, 6]
    assert apart["prediction"].tolist() == [*range(8)]


def test_prompts_are_packed_where_they_are_long(tokenizer: Any) -> None:
    group = rated("a", ("i am fine", 7.0), ("no no no", 1.0))
    for words, worth in ((1, False), (40, True)):
        batch = collated(tokenizer, [group], "auto", asked=" ".join(["help"] * words))
        assert ("segment" in batch) == worth
        apart = collated(tokenizer, [group], False, asked=" ".join(["help"] * words))
        together = collated(tokenizer, [group], True, asked=" ".join(["help"] * words))
        cells = together["input_ids"].numel() * COST, apart["input_ids"].numel()
        assert (cells[0] < cells[1]) == worth


def test_prompts_cut_to_different_lengths_are_not_packed(tokenizer: Any) -> None:
    group = rated("a", ("i am fine thank you i am fine", 7.0), ("no", 1.0))
    assert "segment" not in collated(tokenizer, [group], True, length=10)


@pytest.mark.parametrize("packing", [True, "auto", False])
def test_a_model_with_full_attention_may_pack(model: Any, packing: Packing) -> None:
    assert allowed(packing, model) == packing


def test_adapters_are_read_in_chunks_too(tokenizer: Any) -> None:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM")
    model = peft.get_peft_model(tiny_llama(len(tokenizer)), config)
    batch = collated(tokenizer, rated_groups(6), True)
    assert ResponseLikelihood(model, 4).chunk == 4
    wanted = value_and_gradients(model, batch, None)
    found = value_and_gradients(model, batch, 4)
    torch.testing.assert_close(found[0].nll, wanted[0].nll)
    for a, b in zip(found[1], wanted[1], strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            torch.testing.assert_close(a, b)


@pytest.fixture
def smollm2() -> Callable[[], tuple[Any, Any]]:
    from social_sandbox.policies.huggingface.smollm2 import resolve_model

    def read() -> tuple[Any, Any]:
        folder = resolve_model("smollm2")
        return (
            AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
            AutoTokenizer.from_pretrained(folder),
        )

    return read


@pytest.mark.embedded
def test_the_embedded_model_packed_and_in_chunks_gives_the_same(
    smollm2: Callable[[], tuple[Any, Any]],
) -> None:
    model, tokenizer = smollm2()
    groups = rated_groups(5)[2:]
    wanted = value_and_gradients(model, collated(tokenizer, groups, False), None)
    found = value_and_gradients(model, collated(tokenizer, groups, True), 7)
    assert ResponseLikelihood(model, 7).chunk == 7
    torch.testing.assert_close(found[0].nll, wanted[0].nll, rtol=1e-4, atol=1e-4)
    for a, b in zip(found[1], wanted[1], strict=True):
        # Thirty layers in float32: measured 2e-4.
        assert (a - b).norm() <= 1e-3 * b.norm()
