"""What each agent of an interaction read, rebuilt from the record."""

from collections.abc import Iterator, Mapping

from social_sandbox.envs.interactions import Interaction
from social_sandbox.envs.turns import Opinion, Phase, Turn
from social_sandbox.policies.prompts.prompts import prompt_for

from .records import PromptRecord


def prompts_of(one: Interaction) -> list[PromptRecord]:
    """Return the prompt of each turn, in the order of the turns."""
    return [_record(turn, policy) for turn, policy in _turns(one)]


def _record(turn: Turn, policy: str) -> PromptRecord:
    prompt = prompt_for(turn)
    return PromptRecord(
        turn=turn.id,
        agent=turn.agent,
        phase=turn.phase.value,
        policy=policy,
        messages=[{"role": m.role, "content": m.content} for m in prompt.messages],
        prefill=prompt.prefill,
    )


def _turns(one: Interaction) -> Iterator[tuple[Turn, str]]:
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
            rating_scale=one.rating_scale,
            **fields,  # type: ignore[arg-type]
        )

    draft, revision = one.draft, one.revision
    yield turn(one.agent, Phase.DRAFT, memory=one.memory), draft.policy
    for given in one.feedback:
        yield turn(given.peer, Phase.FEEDBACK, given.peer, answer=draft.text), given.policy
    opinions = tuple(Opinion(given.peer, given.rating, given.reason) for given in one.feedback)
    yield (
        turn(
            one.agent,
            Phase.REVISE,
            answer=draft.text,
            opinions=opinions,
            mean_rating=one.mean_rating,
            memory=one.memory,
        ),
        revision.policy,
    )
    texts: Mapping[str, str] = {"draft": draft.text, "revision": revision.text}
    for seen in one.observations:
        yield (
            turn(
                seen.observer,
                Phase.OBSERVE,
                seen.observer,
                seen.judged,
                seen.aspect,
                answer=texts[seen.judged],
                judged=seen.judged,
                aspect=seen.aspect,
            ),
            seen.policy,
        )
