"""Observers that rate by norms, through the stages."""

import json
from pathlib import Path

import pytest

from social_sandbox.alignment.reporting.page.write import write_page
from social_sandbox.alignment.stages import (
    Context,
    align,
    compose_settings,
    draw_figures,
    evaluate,
    make_data,
    simulate,
)
from tests.helpers.page_data import read_data
from tests.helpers.small_job import small_job


def thankful(question: str, answer: str) -> float:
    """Thank the person."""
    return float("thank" in answer.lower())


OWN = f"{__name__}.thankful"


@pytest.mark.parametrize(
    ("observer", "names"),
    [
        (["observer=custom", f"observer._target_={OWN}"], ["thankful"]),
        (
            [
                "observer=mean",
                f"observer.observers=[scripted,{{observer: norms, norms: [brief,{OWN}]}}]",
            ],
            ["brief", "thankful"],
        ),
    ],
)
def test_figures_and_page_know_the_norms_of_the_observer(
    observer: list[str], names: list[str], tmp_path: Path
) -> None:
    context = Context(
        compose_settings(*small_job(tmp_path), *observer, f"output_dir={tmp_path / 'out'}")
    )
    simulation = simulate(context)
    written = {Path(path).name for path in draw_figures(context, simulation)["figures"]}
    assert "norms.png" in written
    record = json.loads((tmp_path / "out/figures/norms.json").read_text())
    assert list(dict.fromkeys(row["norm"] for row in record["shares"])) == names
    page = write_page([tmp_path / "out"]).parent
    columns = read_data(page, "out/table")["norms"]
    assert columns["thankful"] == [
        float("thank" in one.revision.text.lower()) for one in simulation.interactions
    ]
    figures = read_data(page, "out/run")["figures"]
    ids = [figure["id"] for figure in figures if figure["id"].startswith("norm-")]
    assert {each.split("-")[1] for each in ids} == set(names)


@pytest.mark.slow
def test_norms_are_the_reward_and_rate_the_held_out_answers(tmp_path: Path) -> None:
    overrides = [*small_job(tmp_path), "observer=norms", "observer.norms=[brief]"]
    method = ["method=rlhf", "method.max_steps=1", "method.batch_size=4", "method.max_new_tokens=4"]
    context = Context(
        compose_settings(*overrides, *method, "method.device=cpu", f"output_dir={tmp_path / 'out'}")
    )
    alignment = align(context, make_data(context, simulate(context)))
    assert any("reward" in row for row in alignment.log)
    table = evaluate(context, alignment).summary["table"]
    # A tiny model writes at most a few words, or none.
    assert 1 <= table["alignment"]["aligned"]["mean"] <= 7
