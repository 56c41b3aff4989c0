"""An agent in a package of its own, which needs only the turns and utterances of social-sandbox.

pip install examples/third_party_agent
social-sandbox policies
social-sandbox simulate policy=third_party policy.creed="Do no harm." observer=scripted
"""

from collections.abc import Sequence

from social_sandbox.envs import Phase, Turn, Utterance


class ThirdPartyAgent:
    """Answers every question with its creed, and rates short answers highly."""

    def __init__(self, creed: str = "Treat others as you want to be treated.", name: str = "third"):
        """Create the agent; both parameters become settings, such as `policy.creed`."""
        self.creed = creed
        self.name = name

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """Return one utterance for each turn."""
        return [self._answer(turn) for turn in turns]

    def _answer(self, turn: Turn) -> Utterance:
        if turn.phase is Phase.DRAFT:
            return Utterance(self.creed)
        if turn.phase is Phase.REVISE:
            reason = turn.opinions[-1].reason if turn.opinions else "no objections"
            return Utterance(f"{self.creed} ({reason})")
        n_words = len(turn.answer.split())
        return Utterance(f"It has {n_words} words.", rating=max(1.0, 7.0 - n_words / 10))
