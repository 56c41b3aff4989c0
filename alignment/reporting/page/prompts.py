"""What each agent of an interaction read, rebuilt from the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.rules.turns import RATED_PHASES, Phase, Turn
from social_sandbox.policies.prompts.control_tokens import defused
from social_sandbox.policies.prompts.prompts import Prompt, prompt_for
from social_sandbox.policies.prompts.recorded import turns_of

from .records import PromptRecord

_NO_MEMORY = "What the peer remembered is not in this record, which an earlier version wrote."
_KINDS = {
    "HuggingFacePolicy": "",
    "OpenAIPolicy": "",
    "ValueModelPolicy": (
        "This policy reads no prompt: it rates the embeddings of the question and of the answer."
    ),
    "ScriptedPolicy": "This policy reads no prompt: it answers by its seed.",
    "NormsPolicy": "This policy reads no prompt: rules check the answer.",
    "HumanPolicy": "A person read this in other words.",
}
_NO_PROMPT = ("ValueModelPolicy", "ScriptedPolicy", "NormsPolicy")
_NAMES = {
    "value_model": "ValueModelPolicy",
    "scripted": "ScriptedPolicy",
    "norms": "NormsPolicy",
    "human": "HumanPolicy",
}
_UNKNOWN = "How this policy asks its model is not recorded: these are the usual messages."


@dataclass(frozen=True)
class Readers:
    """How the policies of a run ask their models.

    Attributes:
        recipes: Recorded settings of a policy, by its name in the interactions.
        reasons: Whether peers were asked for reasons.
        revise: Whether agents revised; otherwise a draft is recorded as its own revision.
    """

    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reasons: bool = True
    revise: bool = True

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Readers":
        """Return the readers of a simulation with these recorded settings."""
        players: Sequence[Mapping[str, Any]] = [
            *(settings.get("population") or ()),
            *(settings[name] for name in ("policy", "observer") if settings.get(name)),
        ]
        recipes: dict[str, Mapping[str, Any]] = {}
        for player in players:
            # An entry of a population names a policy, or holds a recipe, beside changed settings.
            recipe = player.get("policy", player)
            if isinstance(recipe, str):
                recipe = {"_target_": _TARGETS.get(recipe, recipe)}
            merged = {**recipe, **{name: v for name, v in player.items() if name != "policy"}}
            recipes.setdefault(_name(merged), merged)
        env = settings.get("env") or {}
        reasons = env.get("feedback", "reason") == "reason"
        return cls(recipes, reasons, bool(env.get("revise", True)))

    def prompts(self, one: Interaction, line: Mapping[str, Any]) -> list[PromptRecord]:
        """Return the prompt of each turn, in the order of the turns.

        Args:
            one: The interaction.
            line: Its line, which says whether the memory of a peer was recorded.
        """
        records = [
            self._record(turn, policy)
            for turn, policy in turns_of(one, self.reasons)
            if self.revise or (turn.phase is not Phase.REVISE and turn.judged != "revision")
        ]
        feedback = line.get("feedback") or ()
        for number, given in enumerate(feedback, start=1):
            if "memory" not in given and records[number].messages:
                record = records[number]
                records[number] = _noted(record, _NO_MEMORY)
        return records

    def _record(self, turn: Turn, policy: str) -> PromptRecord:
        # Behind the name of an adapter stands a hash of its content.
        recipe = self.recipes.get(policy) or self.recipes.get(policy.rpartition("-")[0], {})
        kind = str(recipe.get("_target_", "")).rpartition(".")[2] or _NAMES.get(policy, "")
        if kind in _NO_PROMPT:
            return PromptRecord(turn.id, turn.agent, turn.phase.value, policy, [], "", _KINDS[kind])
        note = _KINDS.get(kind, _UNKNOWN)
        prompt = prompt_for(turn)
        messages = [{"role": m.role, "content": m.content} for m in prompt.messages]
        if kind == "OpenAIPolicy":
            prompt, note = _asked_by_api(turn, recipe)
            messages = _as_sent(prompt, recipe.get("system_prompt"))
        return PromptRecord(
            turn.id, turn.agent, turn.phase.value, policy, messages, prompt.prefill, note
        )


_TARGETS = {
    "huggingface": "HuggingFacePolicy",
    "openai": "OpenAIPolicy",
    "value_model": "ValueModelPolicy",
    "scripted": "ScriptedPolicy",
    "norms": "NormsPolicy",
    "human": "HumanPolicy",
}


def _name(recipe: Mapping[str, Any]) -> str:
    """Return the name of a policy in the interactions, by its settings."""
    kind = str(recipe.get("_target_", "")).rpartition(".")[2]
    given = recipe.get("name")
    if given:
        return str(given)
    if kind == "HuggingFacePolicy":
        return Path(str(recipe.get("adapter") or recipe.get("model"))).name
    if kind == "OpenAIPolicy":
        folder = Path(str(recipe.get("adapter") or "")).name
        return str(recipe.get("adapter_name") or folder or recipe.get("model"))
    return next((name for name, known in _NAMES.items() if known == kind), kind)


def _asked_by_api(turn: Turn, recipe: Mapping[str, Any]) -> tuple[Prompt, str]:
    if turn.phase not in RATED_PHASES:
        return Prompt(prompt_for(turn).messages), ""
    # Only now: the client of the API takes a second to import.
    from social_sandbox.policies.openai.rating_forms import FORMS, Form, form_sentence

    ratings = recipe.get("ratings", "auto")
    form: Form = ratings if ratings in FORMS else FORMS[0]
    reason = turn.reason and turn.phase.value in (recipe.get("reasons") or ())
    note = (
        ""
        if ratings in FORMS
        else (f"The form of ratings was found out at the time and is not recorded; this is {form}.")
    )
    return Prompt(prompt_for(turn, form_sentence(form, reason=reason)).messages), note


def _as_sent(prompt: Prompt, system: str | None) -> list[dict[str, str]]:
    """Return messages as an API gets them: with the system prompt, without control tokens."""
    messages = [(message.role, message.content) for message in prompt.messages]
    if system and messages and messages[0][0] == "system":
        messages[0] = ("system", f"{system}\n\n{messages[0][1]}")
    elif system:
        messages.insert(0, ("system", system))
    return [{"role": role, "content": defused(content)} for role, content in messages]


def _noted(record: PromptRecord, note: str) -> PromptRecord:
    return PromptRecord(
        record.turn,
        record.agent,
        record.phase,
        record.policy,
        record.messages,
        record.prefill,
        " ".join(filter(None, (record.note, note))),
    )
