"""A script runs the job of the command line, stage by stage."""

from pathlib import Path

import pytest
from rich.console import Console

from social_sandbox.alignment.stages import (
    Context,
    align,
    compose_settings,
    draw_figures,
    evaluate,
    export,
    make_data,
    run_all,
    simulate,
)
from social_sandbox.envs.rules.interactions import read_interactions
from tests.helpers.small_job import small_job


def small_context(folder: Path, *overrides: str) -> Context:
    settings = compose_settings(*small_job(folder), f"output_dir={folder / 'out'}", *overrides)
    return Context(settings, Console(quiet=True))


def test_a_script_runs_the_stages_one_after_the_other(tmp_path: Path) -> None:
    # `small_job` has a tiny base model and scripted agents.
    overrides = [*small_job(tmp_path), f"output_dir={tmp_path / 'mine'}", "env.n_rounds=2"]
    context = Context(compose_settings(*overrides), Console(quiet=True))

    simulation = simulate(context)
    assert {interaction.round for interaction in simulation.interactions} == {0, 1}

    data = make_data(context, simulation)
    assert {group.kind for group in data.groups} == {"imitation", "self_critic", "realignment"}
    assert export(context, data)["rows"]["train"] > 0

    alignment = align(context, data)
    assert (alignment.model / "model.safetensors").exists()
    assert [row["step"] for row in alignment.log if "loss" in row] == [1, 2]

    evaluation = evaluate(context, alignment)
    assert evaluation.summary["table"]["alignment"]["base"] is not None
    assert len(evaluation.answers) == 3

    pictures = draw_figures(context, simulation, alignment, evaluation)["figures"]
    assert all(Path(picture).exists() for picture in pictures)


def test_what_a_stage_returns_is_what_it_wrote(tmp_path: Path) -> None:
    context = small_context(tmp_path)
    simulation = simulate(context)
    assert simulation.interactions == read_interactions(simulation.path)
    data = make_data(context, simulation)
    # A stage that is complete is not repeated; what it made is read.
    assert simulate(context) == simulation
    assert make_data(context).groups == data.groups


def test_no_stage_reads_what_the_stage_before_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from social_sandbox.alignment.data import sources
    from social_sandbox.alignment.stages import data_checks
    from social_sandbox.alignment.stages.steps import alignment, simulation, training_data

    for module, name in (
        (simulation, "read_interactions"),
        (sources, "iter_interactions"),
        (training_data, "open_groups"),
        (training_data, "read_json"),
    ):
        monkeypatch.setattr(module, name, None)
    checks, measurements = [], []
    check, measure = data_checks.check_groups, data_checks.measure_lengths
    monkeypatch.setattr(
        data_checks, "check_groups", lambda *args: checks.append(args) or check(*args)
    )
    for module in (data_checks, alignment):
        monkeypatch.setattr(
            module, "measure_lengths", lambda *args: measurements.append(args) or measure(*args)
        )
    run_all(small_context(tmp_path))
    assert len(checks) == len(measurements) == 1
