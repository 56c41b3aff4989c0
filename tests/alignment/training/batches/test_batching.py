import math
from typing import Any

import pytest

from social_sandbox.alignment.data.groups import Candidate, trainable
from social_sandbox.alignment.training.batches.batching import (
    FILLER,
    GroupCollator,
    GroupDataset,
    pad_token_id,
)
from social_sandbox.alignment.training.batches.encoding import Encoded, EncodedGroup, encode
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.messages import Message
from tests.helpers.tiny import rated, tiny_tokenizer

ASKED = (Message("user", "how are you ?"),)


def words(tokenizer: Any, ids: tuple[int, ...]) -> str:
    return " ".join(tokenizer.convert_ids_to_tokens([i for i in ids if i != -100]))


def test_prompt_response_and_end_of_turn_are_joined_and_only_the_latter_two_are_learnt(
    tokenizer: Any,
) -> None:
    row = encode(tokenizer, ASKED, "i am fine", 64)
    prompt = "<|start|> user how are you ? <|end|> <|start|> assistant"
    assert words(tokenizer, row.input_ids) == f"{prompt} i am fine <|end|>"
    assert words(tokenizer, row.labels) == "i am fine <|end|>"
    assert len(row.input_ids) == len(row.labels)
    assert (row.n_response, row.truncated) == (4, False)


def test_without_a_chat_template_the_roles_are_headings() -> None:
    plain = tiny_tokenizer()
    plain.chat_template = None
    row = encode(plain, ASKED, "fine", 64)
    assert words(plain, row.input_ids) == "### User how are you ? ### Assistant fine <|end|>"


def test_a_text_that_a_limit_cut_off_is_no_example_of_where_to_stop(tokenizer: Any) -> None:
    whole, cut = (encode(tokenizer, ASKED, "i am fine", 64, ends=ends) for ends in (True, False))
    assert whole.input_ids == (*cut.input_ids, tokenizer.eos_token_id)
    assert whole.labels[:-1] == cut.labels


def test_a_long_prompt_loses_its_beginning_first(tokenizer: Any) -> None:
    row = encode(tokenizer, ASKED, "i am fine", 8)
    assert words(tokenizer, row.input_ids) == "? <|end|> <|start|> assistant i am fine <|end|>"
    assert words(tokenizer, row.labels) == "i am fine <|end|>"
    assert row.truncated


def test_then_the_response_loses_its_end_and_is_no_example_of_where_to_stop(
    tokenizer: Any,
) -> None:
    row = encode(tokenizer, ASKED, "i am fine thank you please help me", 8)
    assert words(tokenizer, row.input_ids) == "<|start|> assistant i am fine thank you please"
    assert words(tokenizer, row.labels) == "i am fine thank you please"
    assert row.truncated


def test_no_response_token_is_left_only_where_the_prompt_may_fill_everything(
    tokenizer: Any,
) -> None:
    row = encode(tokenizer, ASKED, "i am fine", 8, min_prompt=8)
    assert (row.n_response, len(row.input_ids), row.truncated) == (0, 8, True)


def test_an_empty_response_teaches_nothing(tokenizer: Any) -> None:
    assert encode(tokenizer, ASKED, " ", 64).n_response == 0


def test_a_tokenizer_without_an_end_of_turn_is_refused() -> None:
    endless = tiny_tokenizer()
    endless.eos_token = None
    with pytest.raises(UserError, match="eos_token"):
        encode(endless, ASKED, "fine", 64)


def test_a_token_is_never_made_of_prompt_and_response() -> None:
    tight = tiny_tokenizer()
    tight.chat_template = "{{ messages[0].content }} assistant"
    # Read at once, "assistantfine" would be one unknown word.
    row = encode(tight, ASKED, "fine", 64)
    assert words(tight, row.input_ids) == "how are you ? assistant fine <|end|>"


def test_a_batch_is_padded_on_the_right_and_keeps_groups_and_ratings_apart() -> None:
    short, long = Encoded((5, 6), (-100, 6), False), Encoded((5, 6, 7), (-100, 6, 7), True)
    batch = GroupCollator(pad_token_id=1)(
        [
            EncodedGroup((short,), (4.5,), rating_scale=10),
            EncodedGroup((), ()),
            EncodedGroup((long, short), (7, None)),
        ]
    )
    assert batch["input_ids"].tolist() == [[5, 6, 1], [5, 6, 7], [5, 6, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1], [1, 1, 0]]
    assert batch["predicts"].tolist() == [[1, 0, 0], [1, 1, 0], [1, 0, 0]]
    assert batch["targets"].tolist() == [6, 6, 7, 6]
    assert batch["prediction"].tolist() == [0, 1, 2, 3]
    assert batch["candidate"].tolist() == [0, 1, 1, 2]
    assert batch["group"].tolist() == [0, 2, 2]
    assert batch["rating"][:2].tolist() == [4.5, 7.0]
    assert math.isnan(batch["rating"][2])
    assert batch["rating_scale"].tolist() == [10, 7, 7]
    assert batch["n_truncated"] == 1
    assert (batch["n_groups"], batch["n_valid_groups"]) == (3, 2)


def test_padding_uses_the_end_of_turn_where_there_is_no_padding_token() -> None:
    unpadded = tiny_tokenizer()
    assert pad_token_id(unpadded) == 1
    unpadded.pad_token = None
    assert pad_token_id(unpadded) == unpadded.eos_token_id


def test_what_is_invalid_unrated_or_blank_is_not_trained_on() -> None:
    assert trainable(Candidate("fine", 1.0))
    assert not trainable(Candidate("fine", None))
    assert not trainable(Candidate("fine", math.nan))
    assert not trainable(Candidate(" \n", 7.0))
    assert not trainable(Candidate("fine", 7.0, valid=False))


def test_a_data_set_answers_by_number_with_the_contrasted_candidates(tokenizer: Any) -> None:
    groups = [rated("g", ("no", 3.0), ("yes", 7.0), ("of course", 7.0), ("go away", None))]
    data = GroupDataset(groups, tokenizer, max_length=64)
    assert len(data) == 1
    item = data[0]
    assert item.ratings == (3.0, 7.0)
    assert item.candidates == tuple(encode(tokenizer, ASKED, t, 64) for t in ("no", "yes"))
    assert data.best(0).candidates == (encode(tokenizer, ASKED, "yes", 64),)
    assert data[FILLER].is_filler


@pytest.mark.embedded
def test_the_embedded_tokenizer_token_by_token() -> None:
    from transformers import AutoTokenizer

    from social_sandbox.policies.huggingface.smollm2 import resolve_model

    smollm2 = AutoTokenizer.from_pretrained(resolve_model("smollm2"))
    # Read at once, the newline of the template and the smile could make one token.
    row = encode(smollm2, (Message("system", "Be kind."), Message("user", "Hi")), ":) sure", 64)
    assert smollm2.convert_ids_to_tokens(row.input_ids) == [
        *("<|im_start|>", "system", "Ċ", "Be", "Ġkind", ".", "<|im_end|>", "Ċ"),
        *("<|im_start|>", "user", "Ċ", "Hi", "<|im_end|>", "Ċ"),
        *("<|im_start|>", "ass", "istant", "Ċ"),
        *(":", ")", "Ġsure", "<|im_end|>"),
    ]
    assert smollm2.decode([i for i in row.labels if i != -100]) == ":) sure<|im_end|>"
