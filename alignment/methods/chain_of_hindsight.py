"""Chain of Hindsight (Liu, Sferrazza, Abbeel 2023, arXiv 2302.02676): TRL's SFTTrainer on chains.

A chain shows several answers to one prompt, each after the verdict on it, in one turn of the
assistant: "A worse answer: ... A better answer: ...". Verdicts are read and not learnt. The paper's
random masking of past tokens and its mixture with pretraining data are not done.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Annotated, Any, Literal

from pydantic import Field

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.settings import settings_dataclass

from ..data.groups import Candidate, RatedGroup, demonstration
from ..data.parts import contrasted, in_parts
from ..data.storage.stored import Joined, made_of
from ..training.batches.encoding import Encoded, encode_parts
from ..training.method import Job, Method, Selection
from ..training.trl import by_length, import_trl, language_modelling
from .offline import OfflineConfig, make_plan

_Verdict = Annotated[str, Field(pattern=r"\S")]


@settings_dataclass("method")
class ChainOfHindsightConfig(OfflineConfig):
    """Settings of Chain of Hindsight."""

    candidates_per_group: Annotated[int, Field(ge=2)] = 2
    order: Literal["worse_first", "better_first"] = "worse_first"
    better: _Verdict = "A better answer:"
    worse: _Verdict = "A worse answer:"
    plain: bool = True


@dataclass(frozen=True)
class ChainOfHindsight(Method):
    """Read several answers with verdicts in one turn, and learn the answers."""

    config: ChainOfHindsightConfig = field(default_factory=ChainOfHindsightConfig)

    def check_installed(self) -> None:
        """Raise UserError if TRL or PEFT is needed and not installed."""
        super().check_installed()
        import_trl("chain_of_hindsight")

    def select(self, groups: Sequence[RatedGroup]) -> Selection:
        """Return (group, answers) of the chains and, if `plain`, of single best answers.

        The answers of a chain are sorted by rating, the worst first.
        """

        def ranked(group: RatedGroup) -> list[_Chain]:
            parts = in_parts([group], self.config.candidates_per_group, self.config.seed)
            return [(part, _ranked(contrasted(part.candidates))) for part in parts]

        def chains_of(group: RatedGroup) -> list[_Chain]:
            return [(part, answers) for part, answers in ranked(group) if len(answers) > 1]

        def single(group: RatedGroup) -> list[_Chain]:
            return [(part, answers[-1:]) for part, answers in ranked(group) if demonstration(part)]

        chains, _ = made_of(groups, chains_of)
        if not chains:
            raise UserError(
                f"groups: none of the {len(groups)} groups has candidates with different ratings"
            )
        if not self.config.plain:
            return Selection(chains, _parts_of(chains))
        alone, _ = made_of(groups, single)
        return Selection(Joined(chains, alone), _parts_of(alone))

    def make_trainer(self, job: Job) -> Any:
        """Return TRL's SFTTrainer on chains of token ids."""
        trl = import_trl("chain_of_hindsight")
        plan = make_plan(self.config, job.examples, itemgetter(0))

        def rows(examples: Iterable[Any]) -> Iterator[Encoded]:
            return (self._encoded(job.tokenizer, *example) for example in examples)

        return by_length(trl.SFTTrainer)(
            model=job.model,
            args=plan.arguments(job, kind=trl.SFTConfig, max_length=None),
            train_dataset=language_modelling(rows(plan.learnt), plan.order),
            eval_dataset=language_modelling(rows(plan.held_out)),
            processing_class=job.tokenizer,
            callbacks=[*plan.callbacks, *job.callbacks],
            peft_config=job.peft_config,
        )

    def _encoded(self, tokenizer: Any, group: RatedGroup, answers: Sequence[Candidate]) -> Encoded:
        """Encode one answer, or a chain without the worst answers that do not fit."""
        alone = len(answers) == 1
        while True:
            row = encode_parts(
                tokenizer,
                group.prompt,
                [(answers[0].text, True)] if alone else self.parts(answers),
                self.config.max_length,
                ends=self._last(answers).ends,
            )
            # Truncation cuts the end of a chain, which may be its best answer.
            if len(answers) == 1 or not row.truncated:
                return row
            answers = answers[1:]

    def parts(self, answers: Sequence[Candidate]) -> list[tuple[str, bool]]:
        """Return the texts of a chain, each with whether it is learnt.

        Args:
            answers: From the worst to the best.
        """
        verdicts = [self.config.worse] * (len(answers) - 1) + [self.config.better]
        entries = list(zip(verdicts, answers, strict=True))
        if self.config.order == "better_first":
            entries.reverse()
        parts = []
        for number, (verdict, answer) in enumerate(entries):
            gap = "\n\n" if number else ""
            parts += [(f"{gap}{verdict}", False), (f" {answer.text}", True)]
        return parts

    def _last(self, answers: Sequence[Candidate]) -> Candidate:
        return answers[0 if self.config.order == "better_first" else -1]


_Chain = tuple[RatedGroup, Sequence[Candidate]]
"""A part of a group, and the answers that are read."""


def _parts_of(chains: Sequence[_Chain]) -> Sequence[RatedGroup]:
    """Return the part of each chain."""
    return made_of(chains, lambda chain: [chain[0]])[0]


def _ranked(answers: Sequence[Candidate]) -> list[Candidate]:
    return sorted(answers, key=lambda c: c.rating or 0.0)
