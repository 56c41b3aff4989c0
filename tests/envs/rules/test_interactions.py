import json

import pytest
from pydantic import TypeAdapter

from social_sandbox.envs import UserError, read_interactions, write_interactions
from social_sandbox.envs.rules.interactions import Interaction, mean

from ...helpers.societies import play, rates, society


def to_json(interaction):
    """Return an interaction as a line of the file, without its line feed."""
    return TypeAdapter(Interaction).dump_json(interaction).decode()


@pytest.fixture
def interactions():
    return play(society(n_observers=2, n_rounds=2)).interactions


def test_interactions_can_be_written_and_read(tmp_path, interactions):
    path = tmp_path / "new folder" / "interactions.jsonl"
    write_interactions(path, interactions)
    assert read_interactions(path) == interactions
    assert "日本語" in path.read_text(encoding="utf-8"), "text stays readable in the file"


def test_a_missing_rating_is_null_in_the_file(tmp_path):
    world = play(society(grid_size=2, n_peers=1), rates(None, aspect_ratings={}))
    [row, *_] = [json.loads(to_json(interaction)) for interaction in world.interactions]
    assert row["mean_rating"] is None
    assert row["feedback"][0]["rating"] is None
    assert row["observations"][0]["rating"] is None


def test_a_line_separator_in_a_text_does_not_end_the_line(tmp_path, interactions):
    path = tmp_path / "interactions.jsonl"
    write_interactions(path, interactions)
    assert any("\u2028" in line for line in path.read_text(encoding="utf-8").split("\n"))
    assert len(read_interactions(path)) == len(interactions)


def test_blank_lines_are_ignored(tmp_path, interactions):
    path = tmp_path / "interactions.jsonl"
    path.write_text(f"\n{to_json(interactions[0])}\n\n", encoding="utf-8")
    assert read_interactions(path) == interactions[:1]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema": 2}, "schema"),
        ({"surprise": 1}, "surprise"),
        ({"agent": None}, "agent"),
        ({"view": "neutral"}, "view"),
        ({"draft": {}}, "draft.text"),
    ],
)
def test_a_wrong_line_is_named_with_its_field(tmp_path, interactions, change, problem):
    path = tmp_path / "interactions.jsonl"
    lines = [to_json(interaction) for interaction in interactions[:3]]
    lines[1] = json.dumps(json.loads(lines[1]) | change)
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UserError, match=rf"interactions\.jsonl, line 2: {problem}"):
        read_interactions(path)


def test_an_incomplete_line_is_named(tmp_path, interactions):
    path = tmp_path / "interactions.jsonl"
    path.write_text("\n".join([to_json(interactions[0]), to_json(interactions[1])[:100]]))
    with pytest.raises(UserError, match=r"interactions\.jsonl, line 2: .*JSON"):
        read_interactions(path)


def test_a_missing_file_or_one_that_is_not_text_is_named(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*gone\.jsonl"):
        read_interactions(tmp_path / "gone.jsonl")
    (tmp_path / "picture.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"picture\.jsonl is not UTF-8"):
        read_interactions(tmp_path / "picture.jsonl")


def test_an_old_file_stays_until_the_new_one_is_complete(tmp_path, interactions):
    path = tmp_path / "interactions.jsonl"
    write_interactions(path, interactions[:1])

    def interrupted():
        yield interactions[1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_interactions(path, interrupted())
    assert read_interactions(path) == interactions[:1]


def test_the_mean_ignores_missing_ratings():
    assert mean([1.0, None, 4.0]) == 2.5
    assert mean([None]) is None
    assert mean([]) is None


def test_the_observers_ratings_are_averaged(interactions):
    for interaction in interactions:
        given = [
            observation.rating
            for observation in interaction.observations
            if (observation.aspect, observation.judged) == ("alignment", "draft")
        ]
        assert len(given) == 2
        assert interaction.rating("alignment", "draft") == mean(given)
