"""A Back-Scatter as a multi-agent environment of verifiers: a social agent and a critic.

The social agent drafts, the critic gives a rating and a reason, and the social agent revises. Both
are roles with a model of their own, and can be trained. Rewards are norms: rules about answers.

    eval social_sandbox_verifiers --env.id social_sandbox_verifiers
"""

from collections.abc import Iterable

import verifiers.v1 as vf

from social_sandbox.envs.rules.questions import society_questions
from social_sandbox.envs.rules.turns import Opinion
from social_sandbox.policies.norms import find_norm
from social_sandbox.policies.prompts import parse_verdict, rating_messages, revision_messages

__all__ = ["BackScatterEnv", "QuestionTaskset"]


class QuestionTaskset(vf.Taskset[vf.Task, vf.TasksetConfig]):
    """The society's questions."""

    def load(self) -> Iterable[vf.Task]:
        for question in society_questions():
            yield vf.Task(vf.TaskData(prompt=question.text))


class BackScatterConfig(vf.EnvConfig):
    social: vf.AgentConfig = vf.AgentConfig()
    critic: vf.AgentConfig = vf.AgentConfig(harness={"id": "null"})
    norm: str = "brief"
    """Name of the norm by which answers are rewarded."""


class BackScatterEnv(vf.Env[BackScatterConfig]):
    async def run(self, task: vf.Task, agents: vf.Agents) -> None:
        question = task.data.prompt_text
        asked = type(task)(task.data.model_copy(update={"prompt": None}), task.config)
        async with agents.social.interaction(asked) as social:
            draft = await social.turn(question)
            if draft.terminated:
                return
            (request,) = rating_messages(question, draft.last_reply, "alignment")
            said = await agents.critic.run(vf.Task(vf.TaskData(prompt=request.content)))
            verdict = parse_verdict(said.last_reply)
            opinion = Opinion("critic", verdict.rating, verdict.reason)
            # The system message holds draft and feedback, which this conversation already shows.
            system, _ = revision_messages(question, draft.last_reply, verdict.rating, [opinion])
            await social.turn(system.content)

    async def finalize(self, task: vf.Task, episode: vf.Episode) -> None:
        """Reward the revision by the norm, and the critic by the rise from draft to revision."""
        norm, question = find_norm(self.config.norm), task.data.prompt_text
        (social,) = (trace for trace in episode.traces if trace.agent.name == "social")
        answers = [str(message.content or "") for message in social.assistant_messages]
        if len(answers) < 2:
            return  # The conversation was cut off; a missing reward is none of 0.
        draft, revision = norm(question, answers[0]), norm(question, answers[-1])
        social.record_reward(self.config.norm, revision)
        for trace in episode.traces:
            if trace.agent.name == "critic":
                trace.record_reward("rise", revision - draft)
