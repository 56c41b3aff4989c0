import pytest
import torch

from social_sandbox.envs import UserError
from social_sandbox.policies import AttentivePolicy, Population, rollout
from social_sandbox.policies.huggingface import InMemoryPolicy

from ...helpers.speakers import tiny_speaker
from ..conftest import society


def test_a_model_in_memory_plays_a_society() -> None:
    speaker = tiny_speaker(positions=2048)
    interactions = rollout([society(n_rounds=1)], Population(speaker, AttentivePolicy()))
    assert {one.draft.policy for one in interactions} == {"learner"}
    assert all(one.mean_rating is not None for one in interactions)


def test_it_speaks_by_the_weights_of_the_moment() -> None:
    speaker = tiny_speaker(temperature=0.0)
    row = speaker.tokenizer("how are you ?")["input_ids"]
    (before,) = speaker([row], [0])
    with torch.no_grad():
        speaker.model.lm_head.weight.copy_(speaker.model.lm_head.weight.flip(0))
    (after,) = speaker([row], [0])
    assert before.ids != after.ids


@pytest.mark.parametrize("settings", [{"temperature": 0.0}, {"temperature": 0.7}, {"top_k": 5}])
def test_generations_carry_the_log_probability_of_each_token(settings: dict[str, float]) -> None:
    speaker = tiny_speaker(**settings)
    row = speaker.tokenizer("how are you ?")["input_ids"]
    for said in speaker([row, row[:2]], [1, 2]):
        assert len(said.ids) == len(said.logprobs) > 0
        assert all(value <= 0 for value in said.logprobs)
    # A seed gives a text, in any batch.
    assert speaker([row], [1])[0].ids == speaker([row[:2], row], [5, 1])[1].ids


def test_the_token_that_ends_a_text_belongs_to_it() -> None:
    speaker = tiny_speaker(max_new_tokens=200)
    end = speaker.tokenizer.eos_token_id
    row = speaker.tokenizer("how are you ?")["input_ids"]
    for said in speaker([row] * 4, range(4)):
        assert (said.ids[-1] == end) != said.cut_off
        assert end not in said.ids[:-1]


def test_a_tokenizer_that_cannot_end_a_text_is_refused() -> None:
    speaker = tiny_speaker()
    speaker.tokenizer.eos_token = speaker.tokenizer.pad_token = None
    with pytest.raises(UserError, match="no token that ends a text"):
        InMemoryPolicy(speaker.model, speaker.tokenizer)
