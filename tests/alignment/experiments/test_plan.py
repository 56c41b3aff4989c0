"""The parts of every experiment, composed as their commands would be."""

import shlex
from pathlib import Path

import pytest

from social_sandbox.alignment.cli.reproduce import plan_of
from social_sandbox.alignment.experiments.experiment import SCALES, Scale
from social_sandbox.alignment.experiments.plan import Part, Plan
from social_sandbox.alignment.experiments.registry import EXPERIMENTS
from social_sandbox.alignment.stages import compose_settings
from social_sandbox.envs.errors import UserError


def plan(name: str, *words: str) -> Plan:
    return plan_of([name, *words])


def shapes(whole: Plan) -> list[Part]:
    """The first society of each kind, and the first cell, a middle one and the last."""
    societies = {part.name.rpartition("/")[0]: part for part in reversed(whole.societies)}
    cells = whole.cells[: len(whole.settings)]
    return [*societies.values(), cells[0], cells[len(cells) // 2], cells[-1]]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_parts_have_settings_that_exist(name: str, scale: Scale) -> None:
    whole = plan(name, f"scale={scale}")
    assert len(whole.cells) == len(whole.settings) * len(whole.seeds) * max(1, len(whole.norms))
    assert len({part.name for part in whole.parts}) == len(whole.parts)
    for part in shapes(whole):
        settings = compose_settings(*part.overrides)
        assert settings.output_dir == whole.output_dir / part.name
        assert settings.seed == part.seed
        if scale == "paper":
            assert settings.env.grid_size**2 == 100
            assert settings.env.n_rounds == 50
            assert settings.base_model != "smollm2"
        else:
            assert settings.observer["_target_"].endswith("NormsPolicy")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_cells_of_equal_seeds_share_a_society(name: str) -> None:
    whole = plan(name)
    if whole.experiment.takes is None:
        return
    societies = {part.name for part in whole.societies}
    for cell in whole.cells:
        assert cell.society in societies
        assert cell.society.endswith(f"seed_{cell.seed}")
        assert any(
            o.startswith(f"{whole.experiment.takes}={whole.output_dir}") for o in cell.overrides
        )


def test_choices_of_norms_have_societies_of_their_own() -> None:
    whole = plan("methods", "norms=[asks_back,brief+no_lists]", "seeds=[4]", "values=[50]")
    assert [part.name for part in whole.societies] == [
        "societies/asks_back/seed_4",
        "societies/brief+no_lists/seed_4",
    ]
    assert "observer.norms=[brief,no_lists]" in whole.societies[1].overrides


def test_settings_are_chosen_by_patterns() -> None:
    chosen = plan("methods", "values=[2000,8000]", "settings=[*-8000, sft-*]").settings
    assert {setting.x for setting in chosen if setting.series != "sft"} == {8000}
    assert {setting.x for setting in chosen if setting.series == "sft"} == {2000, 8000}


def test_another_observer_rates_by_no_norms() -> None:
    assert plan("methods", "observer=scripted").norms == ()
    assert plan("methods", "scale=paper").norms == ()


def test_the_lines_of_a_part_are_commands_of_their_own() -> None:
    cell = plan("loss", "method.batch_size=2").cells[0]
    for line, command in zip(cell.lines(), ("align", "evaluate"), strict=True):
        program, given, *overrides = shlex.split(line)
        assert (program, given) == ("social-sandbox", command)
        assert overrides == list(cell.overrides)
        assert "method.batch_size=2" in overrides


def test_keys_are_written_nowhere() -> None:
    whole = plan("methods", "policy=openai", "policy.model=m", "+policy.extra.api_key=sk-abc123")
    written = [line for part in whole.parts for line in part.lines()]
    assert "sk-abc123" not in str(written)
    assert "sk-abc123" not in str(whole.made_with())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["method"], "no experiment 'method'; there are methods"),
        ([], "name an experiment"),
        (["methods", "loss"], "'loss' is too much"),
        (["methods", "scale=large"], "scale: must be small or paper, got 'large'"),
        (["methods", "seeds=[]"], "seeds: must be a list of whole numbers"),
        (["methods", "seeds=[a]"], "seeds: must be a list of whole numbers"),
        (["methods", "seeds=[1,1]"], "seeds: a seed is named twice"),
        (["methods", "seeds=[1"], "seeds: cannot read '[1'"),
        (["methods", "settings=[sfd*]"], "settings: methods has no 'sfd*'; there are stable_"),
        (["methods", "values=[many]"], "values: must be numbers of tokens such as"),
        (["loss", "values=[1]"], "values: loss has none"),
        (["methods", "norms=[polite]"], "norms: no norm 'polite'"),
        (["methods", "seed=1"], "seed: seeds=[0,1] names the seeds"),
        (["methods", "method=dpo"], "method: methods sets it itself"),
        (["loss", "method.margin=3"], "method.margin: loss sets it itself"),
        (["methods", "method.learning_rte=3"], "learning_rte"),
        (["methods", "jobs=0"], "jobs: must be a whole number of at least 1, got 0"),
        (["methods", "part=cells/x"], "part: no part 'cells/x'"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from social_sandbox.alignment import cli

    monkeypatch.chdir(tmp_path)
    assert cli.main(["reproduce", *words]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert not list(tmp_path.glob("runs/**/*.jsonl"))


def test_an_unknown_experiment_is_an_error_in_python_too() -> None:
    with pytest.raises(UserError, match="no experiment"):
        plan("nothing")
