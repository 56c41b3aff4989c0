from collections.abc import Iterator

import numpy as np
import pytest

from social_sandbox.envs import UserError
from social_sandbox.policies.openai.embedder import OpenAIEmbedder

pytest.importorskip("xllamacpp", reason="no llama.cpp: pip install xllamacpp")
pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    from social_sandbox.alignment.speed.embedded.server import start

    running = start(1, embeddings=True, threads=1)
    yield f"{running.listening_address}/v1"
    del running


def test_texts_become_unit_vectors_in_their_order(base_url: str) -> None:
    embedder = OpenAIEmbedder("smollm2", base_url=base_url, batch_size=2)
    texts = ["May I read her diary?", "May I read his diary?", "", "A cake recipe, please."]
    vectors = embedder.embed(texts)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[3]
    again = embedder.embed(texts[::-1])
    assert np.array_equal(again, vectors[::-1])


def test_a_missing_server_is_named() -> None:
    embedder = OpenAIEmbedder("m", base_url="http://127.0.0.1:9/v1", max_retries=0)
    with pytest.raises(UserError, match=r"embedder\.base_url: cannot reach"):
        embedder.embed(["hello"])
    with pytest.raises(UserError, match=r"embedder\.base_url must begin with http"):
        OpenAIEmbedder("m", base_url="localhost")
