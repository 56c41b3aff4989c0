"""The prompts that a page shows are those that the agents read."""

from dataclasses import replace
from typing import Any

import pytest

from social_sandbox.alignment.reporting.page.prompts import Readers
from social_sandbox.envs import Interaction, Turn, Utterance
from social_sandbox.policies.openai.rating_forms import form_sentence
from social_sandbox.policies.prompts.prompts import Prompt, prompt_for

from ....helpers.runs import speak
from ....helpers.societies import play, society

SMOLLM2 = {"_target_": "p.huggingface.HuggingFacePolicy", "model": "smollm2", "name": None}
API = {
    "_target_": "social_sandbox.policies.openai_api.OpenAIPolicy",
    "model": "vendor/gpt",
    "name": None,
    "system_prompt": "Be brief.",
    "reasons": ["feedback"],
    "ratings": "json_schema",
}


def played(**rules: Any) -> tuple[list[Interaction], dict[str, Prompt]]:
    """Return the interactions of a society, and the prompt of each turn as it was asked."""
    prompts: dict[str, Prompt] = {}

    def listen(turn: Turn) -> Utterance:
        prompts[turn.id] = prompt_for(turn)
        return speak(turn)

    world = society(grid_size=3, n_peers=3, n_observers=2, n_rounds=3, **rules)
    return list(play(world, listen).interactions), prompts


def by(policy: str, one: Interaction) -> Interaction:
    """Return an interaction all of whose turns were answered by one policy."""
    return replace(
        one,
        draft=replace(one.draft, policy=policy),
        revision=replace(one.revision, policy=policy),
        feedback=tuple(replace(given, policy=policy) for given in one.feedback),
        observations=tuple(replace(seen, policy=policy) for seen in one.observations),
    )


@pytest.mark.parametrize("rules", [{}, {"feedback": "score"}, {"rating_scale": 10}])
def test_each_agent_is_shown_with_what_it_read(rules: dict[str, Any]) -> None:
    interactions, prompts = played(**rules)
    readers = Readers.of({"policy": SMOLLM2, "env": rules})
    assert any(given.memory for one in interactions for given in one.feedback)
    shown = 0
    for one in interactions:
        line = {"feedback": [{"memory": None} for _ in one.feedback]}
        for record in readers.prompts(by("smollm2", one), line):
            prompt = prompts[record.turn]
            assert record.messages == [
                {"role": message.role, "content": message.content} for message in prompt.messages
            ]
            assert (record.prefill, record.note) == (prompt.prefill, "")
            shown += 1
    assert shown == len(prompts)


def test_a_file_of_an_earlier_version_says_that_a_memory_is_not_known() -> None:
    one = by("smollm2", played()[0][0])
    line = {"feedback": [{} for _ in one.feedback]}
    records = Readers.of({"policy": SMOLLM2}).prompts(one, line)
    assert {record.phase for record in records if "not in this record" in record.note} == {
        "feedback"
    }


def test_an_api_is_asked_in_the_recorded_form_behind_its_system_prompt() -> None:
    one = by("vendor/gpt", played()[0][0])
    line = {"feedback": [{"memory": None} for _ in one.feedback]}
    records = Readers.of({"policy": API}).prompts(one, line)
    draft, feedback = records[0], records[1]
    assert draft.messages[0] == {"role": "system", "content": "Be brief."}
    sentence = form_sentence("json_schema", reason=True).replace("{highest}", "7")
    assert sentence in feedback.messages[-1]["content"]
    bare = form_sentence("json_schema", reason=False).replace("{highest}", "7")
    assert bare in records[-1].messages[-1]["content"]
    assert {(record.prefill, record.note) for record in records} == {("", "")}


def test_a_form_that_was_found_out_at_the_time_is_said_to_be_unknown() -> None:
    one = by("vendor/gpt", played()[0][0])
    readers = Readers.of({"population": [{"policy": {**API, "ratings": "auto"}}]})
    draft, feedback, *_ = readers.prompts(one, {})
    assert draft.note == ""
    assert "not recorded" in feedback.note


@pytest.mark.parametrize("policy", ["value_model", "scripted"])
def test_a_policy_that_reads_no_prompt_is_shown_without_one(policy: str) -> None:
    one = by(policy, played()[0][0])
    for record in Readers().prompts(one, {}):
        assert record.messages == []
        assert record.note.startswith("This policy reads no prompt")


def test_a_policy_of_another_package_is_shown_with_the_usual_messages() -> None:
    one = by("theirs", played()[0][0])
    assert all("not recorded" in record.note for record in Readers().prompts(one, {}))
