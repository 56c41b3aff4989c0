from pathlib import Path

from social_sandbox.alignment.evaluation.spread import norm_spread
from social_sandbox.alignment.reporting import histograms
from social_sandbox.alignment.reporting.drawn import read_drawn
from social_sandbox.envs.rules.interactions import write_interactions
from social_sandbox.policies.norms.recipes import norms_of
from tests.helpers.villages import Village


def test_figures_need_neither_memories_nor_feedback(tmp_path: Path) -> None:
    from social_sandbox.policies.society.rollout import rollout

    village = Village()
    interactions = rollout(village.worlds(), village.population())
    write_interactions(tmp_path / "interactions.jsonl", interactions)
    norms = norms_of({"_target_": "social_sandbox.policies.norms.NormsPolicy", "norms": ["brief"]})
    assert norms
    for texts in (True, False):
        drawn = read_drawn(tmp_path / "interactions.jsonl", texts=texts)
        assert histograms.of_society(drawn, 7) == histograms.of_society(interactions, 7)
        assert [(one.round, one.position) for one in drawn] == [
            (one.round, one.position) for one in interactions
        ]
    with_texts = read_drawn(tmp_path / "interactions.jsonl", texts=True)
    assert norm_spread(with_texts, norms) == norm_spread(interactions, norms)
