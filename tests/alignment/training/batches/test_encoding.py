"""Which tokens carry loss, token by token, for the templates of three tokenizers."""

from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.decoders import ByteLevel
from transformers import PreTrainedTokenizerFast

from social_sandbox.alignment.data.groups import Candidate
from social_sandbox.alignment.training.batches.batching import IGNORED
from social_sandbox.alignment.training.batches.encoding import encode
from social_sandbox.alignment.training.trl import prompt_and_responses
from social_sandbox.envs import UserError
from social_sandbox.envs.text.messages import Message
from social_sandbox.policies.huggingface.text.chat_template import use_template
from tests.helpers.tokenizers import with_bos

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ALPACA = (
    "{% for m in messages %}"
    "{% if m.role == 'system' %}{{ m.content }}\n\n"
    "{% elif m.role == 'user' %}### Instruction:\n{{ m.content }}\n\n"
    "{% else %}### Response:\n{{ m.content }}{{ eos_token }}\n\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}### Response:\n{% endif %}"
)
TALK = (
    Message("system", "Be kind."),
    Message("user", "Hi"),
    Message("assistant", "Hello."),
    Message("user", "May I?"),
)
# Read at once with what is before it, it makes one token with the newline of a template.
ANSWER = " :) No.\n"


def byte_level(eos: str, template: str, bos: str | None = None) -> Any:
    """A byte-level BPE whose one merge makes a token of a newline and a space behind it.

    Not trained: of equally frequent pairs a training takes another one each time.
    """
    tokens = [token for token in (eos, bos, "<|im_start|>") if token]
    tokens += [*sorted(pre_tokenizers.ByteLevel.alphabet()), "ĊĠ"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[("Ċ", "Ġ")]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token=eos,
        bos_token=bos,
        additional_special_tokens=["<|im_start|>"],
        chat_template=template,
    )


def check(tokenizer: Any, prompt: str, eos: str) -> None:
    """Every token of the prompt is masked; every token of the answer and its end is learnt."""
    row = encode(tokenizer, TALK, ANSWER, 4096)
    prompt_ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    answer = tokenizer(ANSWER, add_special_tokens=False)["input_ids"]
    end = tokenizer.convert_tokens_to_ids(eos)
    assert tokenizer.eos_token_id == end
    expected = [(token, IGNORED) for token in prompt_ids]
    expected += [(token, token) for token in (*answer, end)]
    assert list(zip(row.input_ids, row.labels, strict=True)) == expected
    assert tokenizer.decode(row.input_ids) == f"{prompt}{ANSWER}{eos}"
    assert tokenizer.decode([t for t in row.labels if t != IGNORED]) == f"{ANSWER}{eos}"


def test_chatml() -> None:
    tokenizer = byte_level("<|im_end|>", CHATML)
    prompt = (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nMay I?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    check(tokenizer, prompt, "<|im_end|>")
    # Read at once, the border is not where it is: the test would see it.
    whole = tokenizer(prompt + ANSWER, add_special_tokens=False)["input_ids"]
    apart = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    assert whole[: len(apart)] != apart


def test_alpaca_with_another_end_and_a_beginning_of_its_own() -> None:
    tokenizer = byte_level("</s>", ALPACA, bos="<s>")
    prompt = (
        "Be kind.\n\n### Instruction:\nHi\n\n### Response:\nHello.</s>\n\n"
        "### Instruction:\nMay I?\n\n### Response:\n"
    )
    check(tokenizer, prompt, "</s>")


@pytest.mark.embedded
def test_the_embedded_model() -> None:
    from transformers import AutoTokenizer

    from social_sandbox.policies.huggingface.smollm2 import resolve_model

    prompt = (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nMay I?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    check(AutoTokenizer.from_pretrained(resolve_model("smollm2")), prompt, "<|im_end|>")


def test_a_configured_template_takes_the_place_of_the_own(tmp_path: Path) -> None:
    tokenizer = byte_level("</s>", CHATML)
    path = tmp_path / "alpaca.jinja"
    path.write_text(ALPACA)
    use_template(tokenizer, path)
    row = encode(tokenizer, (Message("user", "May I?"),), "No.", 4096)
    rendered = "### Instruction:\nMay I?\n\n### Response:\nNo.</s>"
    assert tokenizer.decode(row.input_ids) == rendered
    tokenizer.save_pretrained(tmp_path / "model")
    again = PreTrainedTokenizerFast.from_pretrained(tmp_path / "model")
    assert again.chat_template == ALPACA


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{% for m in messages %}\n{{ m.content }", "broken.jinja, line 2: "),
        ("{{ messages[0].content.nothing.at_all }}", "broken.jinja: "),
        ("hello", "leaves out what the messages say"),
        (None, "cannot read .*broken.jinja: No such file"),
    ],
)
def test_a_broken_template_is_named(tmp_path: Path, template: str | None, problem: str) -> None:
    path = tmp_path / "broken.jinja"
    if template is not None:
        path.write_text(template)
    with pytest.raises(UserError, match=f"chat_template: .*{problem}"):
        use_template(byte_level("</s>", CHATML), path)


@pytest.mark.parametrize("length", [400, 24])
def test_bos_begins_a_prompt_that_is_cut_to_fit(length: int) -> None:
    tokenizer = with_bos()
    row = encode(tokenizer, TALK, "No.", length)
    assert row.truncated == (length == 24)
    assert row.input_ids.count(tokenizer.bos_token_id) == 1
    assert row.input_ids[0] == tokenizer.bos_token_id
    prompt, _ = prompt_and_responses(
        tokenizer, TALK, [Candidate("No.", 1.0), Candidate("N" * 9, 2.0)], length
    )
    assert prompt.count(tokenizer.bos_token_id) == 1
    assert prompt[0] == tokenizer.bos_token_id


def test_an_answer_is_learnt_behind_the_thought_that_a_template_opens() -> None:
    tokenizer = byte_level("<|im_end|>", CHATML.replace("assistant\n{%", "assistant\n<think>{%"))
    row = encode(tokenizer, TALK, "No.", 4096)
    assert tokenizer.decode(row.input_ids).endswith("<think>\n\n</think>\n\nNo.<|im_end|>")
