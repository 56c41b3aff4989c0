import json
import os
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.data.config import DataConfig, SourceConfig
from social_sandbox.alignment.data.from_interactions import build_groups
from social_sandbox.alignment.data.groups import RatedGroup, write_groups
from social_sandbox.alignment.data.sources import SourceReport, read_sources
from social_sandbox.envs import Interaction, UserError
from social_sandbox.envs.rules.interactions import write_interactions
from tests.helpers.tiny import rated

from .test_from_interactions import interaction

DATA = Path(os.environ.get("SOCIAL_SANDBOX_DATA_DIR") or Path(__file__).parents[3] / "shared/data")
HARMLESS = DATA / "hh_harmless.jsonl"


def pairs(path: Path, count: int) -> str:
    rows = [
        {"prompt": f"\n\nHuman: q{n}\n\nAssistant:", "chosen": " a", "rejected": " b"}
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def talk(count: int) -> list[Interaction]:
    return [replace(interaction(n), question=f"question {n}") for n in range(count)]


def read(
    *sources: dict[str, Any], own: Path | None = None, **settings: Any
) -> tuple[list[RatedGroup], list[SourceReport]]:
    config = DataConfig(sources=tuple(SourceConfig(**s) for s in sources), **settings)
    return read_sources(config, own)


def test_the_own_interactions_give_what_they_gave_without_sources(tmp_path: Path) -> None:
    own = tmp_path / "interactions.jsonl"
    write_interactions(own, talk(30))
    groups, (report,) = read({"kind": "interactions"}, own=own, seed=3)
    assert groups == build_groups(talk(30), DataConfig(seed=3))
    assert (report.read, report.kept) == (len(groups), len(groups))
    assert report.dropped["of kind self_critic left out for data.mix"] == 24


def test_a_pattern_reads_the_interactions_of_many_runs(tmp_path: Path) -> None:
    for run, text in (("a", "draft"), ("b", "other draft")):
        interactions = [replace(i, draft=replace(i.draft, text=f"{text} {i.id}")) for i in talk(3)]
        write_interactions(tmp_path / run / "interactions.jsonl", interactions)
    source = {"kind": "interactions", "path": str(tmp_path / "*/interactions.jsonl")}
    groups, (report,) = read(source, mix={"imitation": 1, "self_critic": 1})
    assert report.files == [str(tmp_path / f"{run}/interactions.jsonl") for run in "ab"]
    imitation = [group for group in groups if group.kind == "imitation"]
    # Runs that were asked the same fill the same groups.
    assert [len(group.candidates) for group in imitation] == [3, 3, 3]
    assert len({group.id for group in groups}) == len(groups)


def test_an_interaction_that_is_given_twice_counts_once(tmp_path: Path) -> None:
    for run in "ab":
        write_interactions(tmp_path / run / "interactions.jsonl", talk(3))
    groups, (report,) = read({"kind": "interactions", "path": str(tmp_path / "*/*.jsonl")})
    assert report.dropped["the same interaction twice"] == 3
    assert groups == build_groups(talk(3), DataConfig())


def test_the_number_of_interactions_keeps_their_order(tmp_path: Path) -> None:
    own = tmp_path / "interactions.jsonl"
    # Worlds follow each other in a file, so that rounds begin again.
    spoken = [replace(each, round=number % 2) for number, each in enumerate(talk(8))]
    write_interactions(own, spoken)
    every = {"imitation": 1, "self_critic": 1, "realignment": 1}

    def groups(n: int | None) -> list[RatedGroup]:
        return read({"kind": "interactions"}, own=own, mix=every, n_interactions=n)[0]

    assert groups(8) == groups(None)
    assert groups(4) == build_groups(spoken[::2], DataConfig(mix=every))


def test_without_weights_everything_is_kept(tmp_path: Path) -> None:
    write_groups(tmp_path / "groups.jsonl", [rated("g", ("a", 3.0))])
    groups, reports = read(
        {"kind": "hh", "path": pairs(tmp_path / "hh.jsonl", 5)},
        {"kind": "groups", "path": str(tmp_path / "groups.jsonl")},
    )
    assert Counter(group.kind for group in groups) == {"hh": 5, "test": 1}
    assert [report.kept for report in reports] == [5, 1]


@pytest.mark.parametrize(
    ("weights", "kept"),
    [((1, 1), (10, 10)), ((5, 1), (40, 8)), ((1, 3), (3, 10)), ((1, 0), (40, 0))],
)
def test_weights_are_shares_of_the_groups(
    tmp_path: Path, weights: tuple[float, float], kept: tuple[int, int]
) -> None:
    write_groups(tmp_path / "groups.jsonl", [rated(f"g{n}", (f"a{n}", 3.0)) for n in range(10)])
    sources: list[dict[str, Any]] = [
        {"kind": "hh", "path": pairs(tmp_path / "hh.jsonl", 40), "weight": weights[0]},
        {"kind": "groups", "path": str(tmp_path / "groups.jsonl"), "weight": weights[1]},
    ]
    groups, reports = read(*sources)
    assert tuple(report.kept for report in reports) == kept
    assert read(*sources)[0] == groups
    ids = [group.id for group in groups]
    assert [group.id for group in read(*sources, seed=1)[0]] != ids
    assert len(set(ids)) == sum(kept)


def test_a_part_of_a_data_set_of_the_hub_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(hub_id: str, **how: str) -> list[dict[str, Any]]:
        asked.append((hub_id, how))
        return [asdict(rated("g", ("a", 3.0)))]

    monkeypatch.setattr("datasets.load_dataset", load)
    part = {"name": "default", "data_dir": "harmless-base", "revision": "v1"}
    groups, _ = read({"kind": "groups", "path": "some/groups", "split": "test", **part})
    assert [group.id for group in groups] == ["g"]
    assert asked == [("some/groups", {"split": "test", **part})]


def test_a_folder_made_before_parts_could_be_named_is_still_the_same() -> None:
    (plain,) = DataConfig(sources=(SourceConfig(kind="hh", path="a"),)).made_with()["sources"]
    assert set(plain) == {"kind", "path", "weight", "gap", "rating_scale", "rater", "split"}


def test_a_repeated_group_is_left_out_and_a_repeated_id_is_told_apart(tmp_path: Path) -> None:
    write_groups(tmp_path / "one.jsonl", [rated("g", ("a", 3.0)), rated("h", ("b", 3.0))])
    write_groups(tmp_path / "two.jsonl", [rated("g", ("a", 3.0)), rated("h", ("c", 3.0))])
    groups, reports = read(
        *({"kind": "groups", "path": str(tmp_path / f"{name}.jsonl")} for name in ("one", "two"))
    )
    assert sorted(group.id for group in groups) == ["g", "h", "h#2"]
    assert reports[1].dropped == {"the same as an earlier group": 1}


def test_ratings_of_two_scales_are_not_mixed(tmp_path: Path) -> None:
    hh = {"kind": "hh", "path": pairs(tmp_path / "hh.jsonl", 2)}
    write_groups(tmp_path / "ten.jsonl", [replace(rated("g", ("a", 3.0)), rating_scale=10)])
    ten = {"kind": "groups", "path": str(tmp_path / "ten.jsonl")}
    with pytest.raises(UserError, match=r"sources\.0 \(hh\) is rated on 1..7 and .*1 \(groups\)"):
        read(hh, ten)
    assert len(read({**hh, "rating_scale": 10}, ten)[0]) == 3


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({"kind": "hh", "path": "none.jsonl"}, r"data\.sources\.0\.path: cannot read none\.jsonl"),
        ({"kind": "interactions", "path": "runs/*.jsonl"}, "no file matches runs"),
        ({"kind": "groups", "path": "folder"}, "folder is a folder: name its files"),
        (
            {"kind": "hh", "path": "same.jsonl", "data_dir": "harmless-base"},
            r"data\.sources\.0\.data_dir: is for data sets of the hub, not same\.jsonl",
        ),
        ({"kind": "authors", "path": "empty.jsonl"}, "empty.jsonl yields no training data"),
        ({"kind": "hh", "path": "same.jsonl"}, "no training data; 1 x chosen and rejected are"),
        ({"kind": "groups", "path": "same.jsonl"}, r"same\.jsonl, line 1: "),
        ({"kind": "interactions", "path": "same.jsonl"}, r"same\.jsonl, line 1: "),
    ],
)
def test_what_is_wrong_with_a_source_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: dict[str, str], problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.jsonl").write_text("\n")
    row = {"prompt": "\n\nHuman: q\n\nAssistant:", "chosen": "a", "rejected": "a"}
    (tmp_path / "same.jsonl").write_text(json.dumps(row))
    with pytest.raises(UserError, match=problem):
        read(source)


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        ([], ": must have at least one source"),
        ([{"kind": "hh"}], ": hh needs a path"),
        ([{"kind": "hh", "path": "a", "weight": -1}], r"\.weight: must be at least 0, got -1"),
        (
            [{"kind": "hh", "path": "a", "weight": 0.0}],
            "the weight of at least one source must be above 0",
        ),
        (
            [{"kind": "hh", "path": "a", "gap": 7}],
            r"\.gap: must be at most 6 with rating_scale 7, got 7",
        ),
        (
            [{"kind": "hh", "path": "a", "rating_scale": 5}],
            r"\.rating_scale: must be 7 or 10, got 5",
        ),
        (
            [{"kind": "hh", "path": "a", "weight": 1}, {"kind": "interactions"}],
            ": either every source has a weight, or none",
        ),
    ],
)
def test_settings_that_make_no_sense_are_named(sources: list[Any], problem: str) -> None:
    with pytest.raises(UserError, match=f"data.sources.*{problem}"):
        read(*sources)


@pytest.mark.skipif(not HARMLESS.exists(), reason=f"{HARMLESS} is not here")
def test_real_preferences_are_read_whole() -> None:
    groups, (report,) = read({"kind": "hh", "path": str(HARMLESS)})
    assert report.read + sum(report.dropped.values()) == len(HARMLESS.read_text().splitlines())
    assert report.read > 1100
    assert all(group.prompt[-1].role == "user" for group in groups)
    assert any(len(group.prompt) > 2 for group in groups)
