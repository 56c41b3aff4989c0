from typing import Any

import pytest
import torch

from social_sandbox.alignment.evaluation.continuation_likelihoods import mean_nll
from social_sandbox.alignment.training.batches.encoding import encode
from social_sandbox.envs.text.messages import Message

PROMPT = [Message("user", "how are you ?")]


def test_the_likelihood_is_that_of_the_response_and_its_end(model: Any, tokenizer: Any) -> None:
    (nll,) = mean_nll(model, tokenizer, [(PROMPT, "i am fine")], max_length=64)
    row = encode(tokenizer, PROMPT, "i am fine", 64)
    with torch.inference_mode():
        logits = model(torch.tensor([row.input_ids])).logits[0].log_softmax(-1)
    learnt = [place for place, label in enumerate(row.labels) if label != -100]
    assert len(learnt) == 4
    slow = -sum(logits[place - 1, row.labels[place]].item() for place in learnt) / len(learnt)
    assert nll == pytest.approx(slow, abs=1e-5)


def test_it_does_not_depend_on_the_batch(model: Any, tokenizer: Any) -> None:
    texts = ["no", "i am fine thank you", "go away", "yes of course please help me"]
    pairs = [(PROMPT * (n + 1), text) for n, text in enumerate(texts)]
    together = mean_nll(model, tokenizer, pairs, max_length=64)
    alone = [mean_nll(model, tokenizer, [pair], max_length=64)[0] for pair in pairs]
    assert together == pytest.approx(alone, abs=1e-5)
