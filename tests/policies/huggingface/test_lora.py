"""Several LoRA adapters on one base model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from social_sandbox.envs import Turn, UserError
from social_sandbox.policies import Player, Population, ScriptedPolicy, rollout
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.testing import example_turns

from ..conftest import society
from .test_policy import folder  # noqa: F401  (a fixture)

pytest.importorskip("peft", reason="no peft: pip install peft")
pytestmark = pytest.mark.usefixtures("sharing")

SETTINGS: dict[str, Any] = {
    "dtype": "float32",
    "device": "cpu",
    "max_new_tokens": 8,
    "reason_tokens": 4,
    "temperature": 0.0,
}


@pytest.fixture(scope="module")
def adapters(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:  # noqa: F811
    """Two adapters with large random weights, so that they change the answers."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    paths = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        base = AutoModelForCausalLM.from_pretrained(folder)
        config = LoraConfig(r=4, target_modules=["q_proj", "v_proj", "up_proj"])
        model = get_peft_model(base, config)
        for name, weight in model.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(weight, std=1.0)
        paths.append(str(tmp_path_factory.mktemp("adapter") / f"lora_{seed}"))
        model.save_pretrained(paths[-1])
    return paths


def merged(folder: Path, adapter: str) -> HuggingFacePolicy:  # noqa: F811
    """Return a policy whose weights are those of the base with the adapter merged in."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    target = Path(adapter).with_name(f"{Path(adapter).name}_merged")
    base = AutoModelForCausalLM.from_pretrained(folder)
    PeftModel.from_pretrained(base, adapter).merge_and_unload().save_pretrained(target)
    AutoTokenizer.from_pretrained(folder).save_pretrained(target)
    return HuggingFacePolicy(str(target), **SETTINGS)


def answers(policy: HuggingFacePolicy, turns: Sequence[Turn]) -> list[tuple[str, float | None]]:
    return [(u.text, u.rating and round(u.rating, 3)) for u in policy.act(turns)]


def test_adapters_share_weights_and_give_their_own_answers(
    folder: Path,  # noqa: F811
    adapters: list[str],
) -> None:
    turns = example_turns()
    base = HuggingFacePolicy(str(folder), **SETTINGS)
    before = answers(base, turns)
    players = [HuggingFacePolicy(str(folder), adapter=path, **SETTINGS) for path in adapters]
    adapted = [answers(player, turns) for player in players]
    assert adapted == [answers(merged(folder, path), turns) for path in adapters]
    assert answers(base, turns) == before
    assert before != adapted[0] != adapted[1]
    assert players[0].model is players[1].model is base.model
    assert [player.name for player in players] == ["lora_1", "lora_2"]
    inputs = torch.tensor([[1, 2, 3]])
    with torch.inference_mode():
        plain = HuggingFacePolicy(str(folder), **{**SETTINGS, "device": "cpu"}).model(inputs)
        from transformers import AutoModelForCausalLM

        alone = AutoModelForCausalLM.from_pretrained(folder).eval()(inputs)
    torch.testing.assert_close(plain.logits, alone.logits)


def test_one_batch_mixes_adapters(
    folder: Path,  # noqa: F811
    adapters: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = HuggingFacePolicy(str(folder), **SETTINGS)
    one, two = (HuggingFacePolicy(str(folder), adapter=path, **SETTINGS) for path in adapters)
    players = [Player(policy=one, select="social_1"), Player(policy=two, select="social_2")]
    population = Population(social=base, observer=ScriptedPolicy(), players=players)
    calls: list[int] = []
    together = HuggingFacePolicy.act_together

    def counted(self: Any, turns: Any, players: Any) -> Any:
        calls.append(len({id(player) for player in players}))
        return together(self, turns, players)

    monkeypatch.setattr(HuggingFacePolicy, "act_together", counted)
    mixed = rollout([society(n_rounds=1)], population)
    assert calls == [3, 3, 3]
    assert {one.agent: one.draft.policy for one in mixed} == {
        "social_0": folder.name,
        "social_1": "lora_1",
        "social_2": "lora_2",
        "social_3": folder.name,
    }
    # Policies with different settings do not share batches.
    apart = [
        HuggingFacePolicy(str(folder), adapter=p, **{**SETTINGS, "max_batch": 63 - n})
        for n, p in enumerate([None, *adapters])
    ]
    players = [Player(policy=p, select=f"social_{n}") for n, p in enumerate(apart) if n]
    alone = rollout(
        [society(n_rounds=1)],
        Population(social=apart[0], observer=ScriptedPolicy(), players=players),
    )
    texts = [
        sorted((one.id, one.draft.text, one.revision.text) for one in interactions)
        for interactions in (mixed, alone)
    ]
    assert texts[0] == texts[1]


def test_a_folder_without_an_adapter_is_named(folder: Path) -> None:  # noqa: F811
    with pytest.raises(UserError, match=r"policy\.adapter: no LoRA adapter .* in /nowhere"):
        HuggingFacePolicy(str(folder), adapter="/nowhere")
