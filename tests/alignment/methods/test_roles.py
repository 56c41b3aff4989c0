"""An adapter for each role, in the society and from recordings."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, TrainerCallback

from social_sandbox.alignment.data.groups import Candidate, RatedGroup, Source
from social_sandbox.alignment.methods.dpo import Dpo, DpoConfig
from social_sandbox.alignment.methods.sft import Sft, SftConfig
from social_sandbox.alignment.methods.society_grpo import SocietyGrpo
from social_sandbox.alignment.methods.stable_alignment import (
    StableAlignment,
    StableAlignmentConfig,
)
from social_sandbox.alignment.training.config import LoraConfig
from social_sandbox.alignment.training.method import Society
from social_sandbox.alignment.training.roles.config import read_roles
from social_sandbox.alignment.training.roles.data import groups_of_roles
from social_sandbox.alignment.training.train import train
from social_sandbox.envs import UserError
from social_sandbox.envs.text.messages import Message
from social_sandbox.policies import Population

from .test_society_grpo import QUICK, RULES, Polite, StopAt, questions, roomy_llama, rows_of

pytest.importorskip("trl")

BOTH = read_roles({"social": "speaker", "critic": "judge"})
LORA = LoraConfig(rank=2)
IN_SOCIETY = dataclasses.replace(QUICK, lora=LORA, roles=BOTH, rewards=["revision", "rise"])


class Weights(TrainerCallback):
    """Keeps the weights of each adapter before the first and after every step."""

    def __init__(self) -> None:
        self.after: list[dict[str, torch.Tensor]] = []

    def on_train_begin(self, *_: Any, model: Any, **__: Any) -> None:
        self.after.append(by_adapter(model))

    def on_step_end(self, *_: Any, model: Any, **__: Any) -> None:
        self.after.append(by_adapter(model))

    def changed(self) -> list[set[str]]:
        """Return the adapters that each step has changed."""
        return [
            {name for name, weights in after.items() if not torch.equal(weights, before[name])}
            for before, after in zip(self.after, self.after[1:], strict=False)
        ]


def by_adapter(model: Any) -> dict[str, torch.Tensor]:
    found: dict[str, list[torch.Tensor]] = {}
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            found.setdefault(name.split(".")[-2], []).append(parameter.detach().flatten().clone())
    return {name: torch.cat(parts) for name, parts in found.items()}


@pytest.fixture
def reinforce(tokenizer: Any, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that trains roles in a society, and returns the summary."""

    def run(folder: str = "run", callbacks: Sequence[Any] = (), **changes: Any) -> Any:
        return train(
            roomy_llama(tokenizer),
            tokenizer,
            questions(),
            SocietyGrpo(dataclasses.replace(IN_SOCIETY, **changes)),
            tmp_path / folder,
            callbacks,
            progress=False,
            society=Society(RULES, Population(social=listening, observer=by_length)),
        )

    return run


def listening(turn: Any) -> str | float:
    """Revise into what the peers said."""
    if turn.phase == "feedback":
        return 4.0
    return "i am fine" + "".join(each.reason for each in turn.opinions)


def by_length(turn: Any) -> float:
    return 1.0 + len(turn.answer) % 6


def test_roles_take_turns_and_each_step_trains_the_adapter_of_its_role(
    reinforce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, weights = rows_of(monkeypatch), Weights()
    summary = reinforce(callbacks=[weights], max_steps=4, batch_size=8)
    phases = [{span.phase.value for row in rows[n : n + 8] for span in row.spans} for n in (0, 8)]
    assert phases == [{"draft", "revise"}, {"feedback"}]
    changed = weights.changed()
    assert set(weights.after[0]) == {"speaker", "judge"}
    assert all(c <= {name} for c, name in zip(changed, ["speaker", "judge"] * 2, strict=True))
    assert set().union(*changed) == {"speaker", "judge"}
    first, second, *_ = [row for row in summary.log if "reward" in row]
    assert "roles/social/reward" in first
    assert "rewards/revision/mean" in first
    assert "roles/critic/reward" in second
    assert "rewards/revision/mean" not in second


def test_the_others_are_played_by_the_adapters_of_their_roles(
    reinforce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(monkeypatch)
    reinforce(max_steps=2, others="learner")
    for row in rows:
        assert row.interaction.draft.policy == row.interaction.revision.policy == "speaker"
        assert {each.policy for each in row.interaction.feedback} == {"judge"}


def test_adapters_are_exported_and_the_model_has_that_of_who_answers(
    reinforce: Any, tokenizer: Any, tmp_path: Path
) -> None:
    reinforce(max_steps=4, batch_size=8)
    words = torch.tensor([tokenizer("how are you")["input_ids"]])
    said = {}
    for name in ("speaker", "judge"):
        folder = tmp_path / "run" / "adapters" / name
        model = PeftModel.from_pretrained(roomy_llama(tokenizer), str(folder)).eval()
        said[name] = model(words).logits
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "model").eval()
    torch.testing.assert_close(whole(words).logits, said["speaker"], atol=1e-4, rtol=1e-3)
    assert not torch.allclose(said["speaker"], said["judge"], atol=1e-4)


def test_an_interrupted_run_of_roles_goes_on_as_if_nothing_had_happened(
    reinforce: Any, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    reinforce("whole", max_steps=4)
    with pytest.raises(KeyboardInterrupt):
        reinforce("parts", max_steps=4, callbacks=[StopAt(3)])
    assert reinforce("parts", max_steps=4).steps == 4
    for name in ("speaker", "judge"):
        file = Path("adapters") / name / "adapter_model.safetensors"
        whole, parts = (load_file(tmp_path / run / file) for run in ("whole", "parts"))
        for key, weight in whole.items():
            torch.testing.assert_close(parts[key], weight, msg=key)


def test_a_role_is_a_part_of_the_grid_or_a_phase(
    reinforce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(monkeypatch)
    roles = {
        "south": {"adapter": "south", "rows": [1, 1], "phases": ["draft"]},
        "reviser": {"adapter": "reviser", "select": "social_0", "phases": ["revise"]},
        "north": {"adapter": "north", "rows": [0, 0], "phases": ["feedback"]},
    }
    reinforce(max_steps=3, roles=read_roles(roles), beta=0.1)
    south, reviser, north = rows[:4], rows[4:8], rows[8:]
    assert {row.interaction.agent for row in south} <= {"social_2", "social_3"}
    assert {span.phase.value for row in south for span in row.spans} == {"draft"}
    # What came before the revision is the same for the whole group.
    assert {row.interaction.agent for row in reviser} == {"social_0"}
    assert len({row.token_ids[: row.n_prompt] for row in reviser}) == 1
    assert {span.phase.value for row in reviser for span in row.spans} == {"revise"}
    peers = {
        each.peer for row in north for each in row.interaction.feedback if each.policy == "north"
    }
    assert peers
    assert peers <= {"social_0", "social_1"}


def test_two_roles_may_share_an_adapter(reinforce: Any) -> None:
    weights = Weights()
    roles = read_roles({"social": "shared", "critic": "shared"})
    reinforce(callbacks=[weights], max_steps=2, batch_size=8, roles=roles)
    assert set(weights.after[0]) == {"shared"}


def said(kind: str, name: str, phase: str, *texts: str) -> RatedGroup:
    return RatedGroup(
        id=f"{kind}:{name}",
        kind=kind,
        prompt=(Message("user", f"how are you {name} ?"),),
        candidates=tuple(
            Candidate(text, 2.0 + 3 * number, "o", source=Source(name, f"social_{number}", phase))
            for number, text in enumerate(texts)
        ),
    )


RECORDED = [
    said("imitation", "a", "draft", "go away", "i am fine"),
    said("imitation", "b", "draft", "never", "yes please"),
    said("self_critic", "c", "feedback", "no", "this is of course fine"),
    said("realignment", "d", "revise", "thank you", "i am fine thank you"),
]


def test_each_role_learns_what_its_prompts_ask_for() -> None:
    parts = groups_of_roles(RECORDED, BOTH)
    assert [group.kind for group in parts["speaker"]] == ["imitation", "imitation", "realignment"]
    assert [group.kind for group in parts["judge"]] == ["self_critic"]


def test_each_role_learns_what_its_agents_said() -> None:
    roles = read_roles({n: {"adapter": f"a{n}", "select": f"social_{n}"} for n in "01"})
    parts = groups_of_roles(RECORDED, roles)
    assert [[c.text for c in group.candidates] for group in parts["a0"]][:2] == [
        ["go away"],
        ["never"],
    ]
    assert len(parts["a1"]) == 4


def test_a_role_without_data_is_named() -> None:
    with pytest.raises(UserError, match=r"method\.roles\.critic: none of the 1 groups"):
        groups_of_roles(RECORDED[:1], BOTH)


OFFLINE = {
    "device": "cpu",
    "bf16": False,
    "max_length": 64,
    "epochs": 4.0,
    "batch_size": 2,
    "learning_rate": 1e-2,
    "save_steps": 1,
    "logging_steps": 1,
    "lora": LORA,
    "roles": BOTH,
}


@pytest.mark.parametrize(
    "method",
    [
        Sft(SftConfig(**OFFLINE)),
        Dpo(DpoConfig(**OFFLINE)),
        StableAlignment(StableAlignmentConfig(**OFFLINE)),
    ],
    ids=["sft", "dpo", "stable_alignment"],
)
def test_one_set_of_interactions_trains_an_adapter_for_each_role(
    method: Any, tokenizer: Any, tmp_path: Path
) -> None:
    model = roomy_llama(tokenizer)
    before = {name: each.clone() for name, each in model.state_dict().items()}
    groups = [g for g in RECORDED if g.kind != "realignment"]
    summary = train(model, tokenizer, groups, method, tmp_path, progress=False)
    by_name = {}
    for name in ("speaker", "judge"):
        loaded = PeftModel.from_pretrained(
            roomy_llama(tokenizer), str(tmp_path / "adapters" / name)
        )
        by_name[name] = by_adapter(loaded)["default"]
        base = {k: v for k, v in loaded.unload().state_dict().items()}
        assert all(torch.equal(base[key], value) for key, value in before.items())
    assert not torch.equal(by_name["speaker"], by_name["judge"])
    AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    steps = [row["step"] for row in summary.log if "loss" in row]
    assert steps == sorted(set(steps))
    assert steps[-1] == summary.steps
    assert any("judge/loss" in row for row in summary.log)


def test_an_interrupted_training_of_roles_keeps_the_adapters_that_are_complete(
    tokenizer: Any, tmp_path: Path
) -> None:
    method = Sft(SftConfig(**OFFLINE))

    def run(folder: str, *callbacks: Any) -> Any:
        model = roomy_llama(tokenizer)
        where = tmp_path / folder
        return train(model, tokenizer, RECORDED, method, where, callbacks, progress=False)

    run("whole")
    begun: list[str] = []

    class StopSecond(TrainerCallback):
        def begin_adapter(self, name: str, steps: int) -> None:
            begun.append(name)

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if begun[-1] == "judge" and state.global_step == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("parts", StopSecond())
    run("parts")
    for name in ("speaker", "judge"):
        file = Path("adapters") / name / "adapter_model.safetensors"
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "parts" / file).read_bytes()


def test_steps_and_tokens_are_those_of_all_adapters(tokenizer: Any, tmp_path: Path) -> None:
    method = Sft(dataclasses.replace(SftConfig(**OFFLINE), max_steps=4))
    model = roomy_llama(tokenizer)
    assert train(model, tokenizer, RECORDED, method, tmp_path, progress=False).steps == 4


def test_wrong_roles_are_named() -> None:
    wrong: list[tuple[Any, str]] = [
        (
            {"referee": "a"},
            r"method\.roles\.referee: no role of this name; social and critic are known",
        ),
        ({"social": 3}, r"method\.roles\.social: must be the name of an adapter"),
        ({"social": "a/b"}, "'a/b' cannot name an adapter"),
        ({"social": "default"}, "'default' cannot name an adapter: peft and TRL"),
        ({"top": {"rows": [0, 1]}}, r"method\.roles\.top\.adapter: is missing"),
        ({"top": {"adapter": "a", "row": 1}}, r"method\.roles\.top\.row: no such setting"),
        ({"top": {"adapter": "a", "phases": ["observe"]}}, "observers learn by a command"),
        ({"top": {"adapter": "a", "phases": ["speak"]}}, "phases.0: must be 'draft|phases.0: must"),
        ({}, "names no role"),
    ]
    for roles, message in wrong:
        with pytest.raises(UserError, match=message):
            dataclasses.replace(QUICK, lora=LORA, roles=roles)
    with pytest.raises(UserError, match=r"needs method\.lora"):
        dataclasses.replace(QUICK, roles=BOTH)
    with pytest.raises(UserError, match=r"with method\.roles, these say who learns"):
        dataclasses.replace(QUICK, lora=LORA, roles=BOTH, role="critic")


def test_roles_that_nobody_can_play_are_named() -> None:
    wrong: list[tuple[Any, dict[str, Any], str]] = [
        ({"a": {"adapter": "a", "select": "social_9"}}, {}, "select 'social_9' chooses nobody"),
        ({"a": {"adapter": "a", "share": 0.1}}, {}, "with share 0.1 chooses nobody of 4 agents"),
        ({"social": "a", "b": {"adapter": "b", "rows": [0, 0]}}, {}, "is claimed twice"),
        ({"critic": "a"}, {"rewards": ["draft"]}, "none of draft is for the role critic"),
        ({"social": "a"}, {"rewards": ["agreement"]}, "none of agreement is for the role social"),
    ]
    society = Society(RULES, Population(social=Polite()))
    for roles, changes, message in wrong:
        config = dataclasses.replace(QUICK, lora=LORA, roles=roles, **changes)
        with pytest.raises(UserError, match=message):
            SocietyGrpo(config).check_society(society)
