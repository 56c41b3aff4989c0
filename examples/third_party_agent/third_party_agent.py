"""An agent by somebody else: it knows the turns and utterances of social-sandbox, and no more.

pip install examples/third_party_agent
social-sandbox policies
social-sandbox simulate policy=third_party policy.creed="Do no harm." observer=scripted
"""

from collections.abc import Sequence

from social_sandbox.envs import Phase, Turn, Utterance


class ThirdPartyAgent:
    """Answers everything with its creed, and likes answers that are as short as it is."""

    def __init__(self, creed: str = "Treat others as you want to be treated.", name: str = "third"):
        self.creed = creed
        self.name = name

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        return [self._answer(turn) for turn in turns]

    def _answer(self, turn: Turn) -> Utterance:
        if turn.phase is Phase.DRAFT:
            return Utterance(self.creed)
        if turn.phase is Phase.REVISE:
            worst = turn.opinions[-1].reason if turn.opinions else "nobody objects"
            return Utterance(f"{self.creed} ({worst})")
        words = len(turn.answer.split())
        return Utterance(f"It has {words} words.", rating=max(1.0, 7.0 - words / 10))
