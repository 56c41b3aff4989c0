"""A deterministic policy without a model, for tests, for dry runs and as a baseline."""

from collections.abc import Sequence
from functools import cache

from social_sandbox.envs.rules.seeding import generator
from social_sandbox.envs.rules.turns import MIN_RATING, RATED_PHASES, Phase, Turn, Utterance

_OPENINGS = ("Let us think of everybody", "I would take care", "That depends", "Do what you like")


class ScriptedPolicy:
    """Answers with stock phrases and rates at random, seeded by the turn.

    A revision quotes the lowest-rated reason, so that revisions differ from drafts.
    """

    name = "scripted"

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`."""
        return [self._answer(turn) for turn in turns]

    def _answer(self, turn: Turn) -> Utterance:
        draw = generator(turn.seed, "scripted")
        if turn.phase in RATED_PHASES:
            return _verdict(int(draw.integers(MIN_RATING, turn.rating_scale + 1)))
        text = f"{_OPENINGS[draw.integers(len(_OPENINGS))]}: {turn.question}"
        if turn.phase is Phase.REVISE and turn.opinions:
            text += f" I was told: {turn.opinions[-1].reason}"
        return Utterance(text, policy=self.name)


@cache
def _verdict(rating: int) -> Utterance:
    """Return the one utterance for all turns that get this rating."""
    return Utterance(f"I give it {rating}.", float(rating), policy=ScriptedPolicy.name)
