import json
import os
from pathlib import Path

import pytest

from social_sandbox.alignment.data.formats.dialogue import messages
from social_sandbox.alignment.data.formats.hh import read_pairs
from social_sandbox.alignment.data.pairs import unrated_pair
from social_sandbox.alignment.observer.fit import (
    split_pairs,
    train_value_head,
)
from social_sandbox.envs import HashingEmbedder, Phase, Turn, UserError
from social_sandbox.policies.value_model.policy import ValueModelPolicy, load_head

DATA = Path(
    os.environ.get("SOCIAL_SANDBOX_DATA_DIR") or Path(__file__).parents[3] / "shared" / "data"
)
needs_pairs = pytest.mark.skipif(
    not (DATA / "hh_harmless.jsonl").exists(),
    reason="no hh_harmless.jsonl: set SOCIAL_SANDBOX_DATA_DIR to the folder that holds it",
)


def dialogue(*turns: str) -> str:
    return "".join(f"\n\nHuman: {turn}\n\nAssistant: Well." for turn in turns)


def test_pairs_with_the_same_first_turn_stay_on_one_side() -> None:
    dialogues = [dialogue(f"start {n % 250}", f"more {n}") for n in range(500)]
    pairs = [unrated_pair(messages(text), "yes", "no") for text in dialogues]
    train, held = split_pairs(pairs, seed=0)
    assert len(train) + len(held) == 500
    assert 0.1 < len(held) / 500 < 0.3
    assert not {p.first_question for p in train} & {p.first_question for p in held}
    assert split_pairs(pairs[::-1], seed=0)[1] == held[::-1]
    assert split_pairs(pairs, seed=1)[1] != held


def test_a_broken_line_of_pairs_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps({"prompt": "p", "chosen": "c", "rejected": "r"}) + '\n{"prompt": 1}')
    with pytest.raises(UserError, match=r"pairs\.jsonl, line 2: needs texts"):
        read_pairs(str(path), "pairs")


class NoModel(HashingEmbedder):
    """Has layers as MiniLM has: all alike."""

    def states(self, texts, layers):
        return [self.embed(texts) for _ in layers]


def test_one_seed_gives_one_head_and_its_card(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    rows = [
        {"prompt": dialogue(f"start {n}"), "chosen": f"gladly {n}", "rejected": f"fool {n}"}
        for n in range(100)
    ]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows))
    metrics = [
        train_value_head(pairs, tmp_path / name, seed, embedder=NoModel(32))
        for name, seed in (("a", 0), ("again", 0), ("other", 1))
    ]
    heads = [
        load_head(tmp_path / name / "value_head.safetensors").weights
        for name in ("a", "again", "other")
    ]
    assert metrics[0] == metrics[1]
    assert heads[0].shape == (4 * 32,)
    assert (heads[0] == heads[1]).all()
    assert (heads[0] != heads[2]).any()
    assert metrics[0]["human"] > 0.9
    assert 0 < metrics[0]["human_low"] < metrics[0]["human"] <= metrics[0]["human_high"] <= 1
    assert f"{metrics[0]['human']:.1%}" in (tmp_path / "a" / "README.md").read_text()


def test_too_few_pairs_are_refused(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(json.dumps({"prompt": "p", "chosen": "c", "rejected": "r"}))
    with pytest.raises(UserError, match="too few"):
        train_value_head(pairs, tmp_path, embedder=NoModel(32))


@needs_pairs
@pytest.mark.embedded
def test_the_shipped_head_orders_held_out_human_preferences() -> None:
    _, held = split_pairs(read_pairs(str(DATA / "hh_harmless.jsonl"), "pairs"), seed=0)
    turns = [
        Turn(
            id=f"{n}/{side}",
            world="w",
            round=0,
            agent="observer_0",
            subject="s",
            phase=Phase.OBSERVE,
            question=pair.last_question,
            seed=0,
            answer=answer.strip(),
            aspect="alignment",
            judged="draft",
        )
        for n, pair in enumerate(held)
        for side, answer in (("chosen", pair.chosen.text), ("rejected", pair.rejected.text))
    ]
    ratings = [utterance.rating or 0.0 for utterance in ValueModelPolicy().act(turns)]
    right = sum(c > r for c, r in zip(ratings[::2], ratings[1::2], strict=True))
    # One fifth is a noisy judge: other splits give 57 to 67 %, see the card.
    assert right / len(held) >= 0.62
