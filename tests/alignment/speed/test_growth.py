import json
from pathlib import Path

import pytest

from social_sandbox.alignment.speed import growth
from social_sandbox.alignment.speed.growth import Cost
from social_sandbox.alignment.speed.measure import Measurement, Missing


def test_every_stage_reads_what_those_before_it_have_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage in growth.STAGES:
        growth.main(stage, str(tmp_path), "100")
        cost = json.loads(capsys.readouterr().out.strip().split("\n")[-1])
        assert cost["seconds"] > 0
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"simulation", "data", "export", "figures", "page"}


def test_what_a_further_interaction_costs_leaves_out_every_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def costs(size: int, say: object) -> dict[str, Cost]:
        return dict.fromkeys(growth.STAGES, Cost(5 + size * 1e-3, 10**8 + size * 2048))

    monkeypatch.setattr(growth, "_costs", costs)
    rows = {row.name: row for row in growth.measurements(False, 100_000)}
    time = rows["resume, 100,000 interactions: time of one"]
    memory = rows["resume, 100,000 interactions: memory of one"]
    ratio = rows["resume: time of one of 100,000 / of 10,000"]
    million = rows["resume: a million utterances, from 100,000 interactions"]
    for row, value in ((time, 1.0), (memory, 2.0), (ratio, 1.0), (million, 100.0)):
        assert isinstance(row, Measurement)
        assert row.value == pytest.approx(value)
    assert million.verdict == "MISSED"
    assert memory.verdict == ratio.verdict == "met"


def test_a_stage_that_takes_no_time_has_no_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    def costs(size: int, say: object) -> dict[str, Cost]:
        return dict.fromkeys(growth.STAGES, Cost(0.9 - size * 1e-8, 10**8))

    monkeypatch.setattr(growth, "_costs", costs)
    rows = {row.name: row for row in growth.measurements(False, 100_000)}
    ratio = rows["export: time of one of 100,000 / of 10,000"]
    assert isinstance(ratio, Missing)
    assert ratio.why == "one of 10,000 takes less than 10 microseconds"
