"""What was asked in a recorded interaction: its turns, rebuilt in their order."""

from collections.abc import Iterator, Mapping

from social_sandbox.envs.rules.interactions import Interaction
from social_sandbox.envs.rules.turns import Aspect, Judged, Phase, Turn


def turns_of(one: Interaction, reasons: bool = True) -> Iterator[tuple[Turn, str]]:
    """Yield the turns of an interaction with the policies that answered them.

    Args:
        one: The interaction.
        reasons: Whether peers were asked for reasons.
    """

    def turn(agent: str, phase: Phase, *parts: str, **fields: object) -> Turn:
        return Turn(
            id="/".join((str(one.round), one.agent, phase.value, *parts)),
            world=one.world,
            round=one.round,
            agent=agent,
            subject=one.agent,
            phase=phase,
            question=one.question,
            seed=0,
            reason=reasons or phase is not Phase.FEEDBACK,
            rating_scale=one.rating_scale,
            **fields,  # type: ignore[arg-type]
        )

    draft, revision = one.draft, one.revision
    yield turn(one.agent, Phase.DRAFT, memory=one.memory), draft.policy
    for given in one.feedback:
        peer = given.peer
        yield turn(peer, Phase.FEEDBACK, peer, answer=draft.text, memory=given.memory), given.policy
    revise = turn(
        one.agent,
        Phase.REVISE,
        answer=draft.text,
        opinions=one.opinions,
        mean_rating=one.mean_rating,
        memory=one.memory,
    )
    yield revise, revision.policy
    texts: Mapping[Judged, str] = {"draft": draft.text, "revision": revision.text}
    for seen in one.observations:
        judged, aspect = seen.judged, seen.aspect
        parts = (seen.observer, judged, aspect)
        fields: dict[str, str | Judged | Aspect] = {"judged": judged, "aspect": aspect}
        observe = turn(seen.observer, Phase.OBSERVE, *parts, answer=texts[judged], **fields)
        yield observe, seen.policy
