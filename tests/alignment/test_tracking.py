from dataclasses import replace

from social_sandbox.alignment.society import simulation_summary
from social_sandbox.alignment.tracking import live_costs, log_simulation
from social_sandbox.envs import Turn, Utterance, World, WorldConfig
from social_sandbox.envs.turns import Tokens
from social_sandbox.policies import ScriptedPolicy, rollout
from social_sandbox.policies.adapt import as_policy


class Rows:
    """Stands for a wandb run: keeps what is logged."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def log(self, row: dict[str, float]) -> None:
        self.rows.append(row)


def costly(turn: Turn) -> Utterance:
    return replace(ScriptedPolicy().act([turn])[0], tokens=Tokens(3, 2, requests=1, usd=0.5))


def society() -> World:
    return World(WorldConfig(grid_size=2, n_rounds=1), seed=0)


def test_costs_are_told_while_a_society_is_played() -> None:
    run = Rows()
    done = rollout([society()], as_policy(costly), on_interaction=live_costs(run, seconds=0))
    assert len(run.rows) == len(done) == 4
    spent = [row["spent/costly/usd"] for row in run.rows]
    assert spent == sorted(spent)
    assert spent[-1] == 0.5 * run.rows[-1]["spent/costly/requests"]


def test_costs_are_not_told_more_often_than_wanted() -> None:
    run = Rows()
    rollout([society()], as_policy(costly), on_interaction=live_costs(run, seconds=1e6))
    assert len(run.rows) == 1


def test_the_last_row_has_the_costs_of_the_whole_simulation() -> None:
    run = Rows()
    done = rollout([society()], as_policy(costly))
    log_simulation(run, done, simulation_summary(done))
    *ratings, costs = run.rows
    assert [row["env/round"] for row in ratings] == [0]
    everything = sum(2 + len(d.feedback) + len(d.observations) for d in done)
    assert costs["spent/costly/requests"] == everything
