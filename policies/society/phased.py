"""Agents that are played by one policy in some phases, and by others in the rest."""

from collections.abc import Iterable, Mapping, Sequence

from social_sandbox.envs.rules.turns import Phase, Turn, Utterance

from ..adapt import to_utterances
from ..policy import Policy


class ByPhase:
    """Answers each turn by the policy of its phase.

    A rollout asks these policies themselves, so that the turns of many agents are one batch.

    Attributes:
        name: Name in the records, such as `a (draft, revise), b (feedback)`.
        players: The policy of each phase.
    """

    def __init__(self, players: Mapping[Phase, Policy]) -> None:
        """Create the policy of some phases."""
        self.players = dict(players)
        phases: dict[str, list[str]] = {}
        for phase, policy in self.players.items():
            phases.setdefault(policy.name, []).append(phase.value)
        self.name = ", ".join(f"{name} ({', '.join(of)})" for name, of in phases.items())

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`."""
        said: dict[str, Utterance] = {}
        for policy in distinct(self.players.values()):
            batch = [turn for turn in turns if self.players[turn.phase] is policy]
            answers = to_utterances(policy.act(batch), batch, policy.name) if batch else []
            said |= {turn.id: each for turn, each in zip(batch, answers, strict=True)}
        return [said[turn.id] for turn in turns]


def in_phases(players: Mapping[Phase, Policy]) -> Policy:
    """Return the policy of an agent, given that of each phase: one policy if all are the same."""
    policies = distinct(players.values())
    return policies[0] if len(policies) == 1 else ByPhase(players)


def player_of(policy: Policy, turn: Turn) -> Policy:
    """Return the policy that answers a turn of an agent."""
    return policy.players[turn.phase] if isinstance(policy, ByPhase) else policy


def distinct(policies: Iterable[Policy]) -> list[Policy]:
    """Return each policy once, with those of the phases in the place of a `ByPhase`."""
    found: dict[int, Policy] = {}
    for policy in policies:
        parts = policy.players.values() if isinstance(policy, ByPhase) else [policy]
        found |= {id(part): part for part in parts}
    return list(found.values())
