import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from social_sandbox.alignment.data.config import DataConfig, SourceConfig
from social_sandbox.alignment.data.export import ExportConfig, export_groups
from social_sandbox.alignment.data.groups import RatedGroup, write_groups
from social_sandbox.alignment.data.sources import read_sources
from social_sandbox.alignment.data.storage import on_disk, stored
from social_sandbox.alignment.data.storage.on_disk import (
    Bundles,
    Distinct,
    Shelf,
    ranks,
    room_on_disk,
)
from social_sandbox.alignment.data.storage.stored import Joined, StoredGroups, made_of
from social_sandbox.alignment.methods.chain_of_hindsight import ChainOfHindsight
from social_sandbox.alignment.methods.dpo import Dpo
from social_sandbox.alignment.methods.kto import Kto
from social_sandbox.alignment.methods.rlhf import Rlhf
from social_sandbox.alignment.methods.rrhf import Rrhf
from social_sandbox.alignment.methods.sft import Sft
from social_sandbox.alignment.training.batches.encoding import encode
from social_sandbox.alignment.training.trl import dataset, in_order, language_modelling
from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.messages import Message
from tests.helpers.memory import growth
from tests.helpers.tiny import rated_groups, tiny_tokenizer


def test_contents_are_told_apart() -> None:
    seen = Distinct()
    assert [seen.add(content) for content in (b"a", b"b", b"a", b"")] == [True, True, False, True]


def test_bundles_come_in_the_order_of_their_first_items() -> None:
    bundles = Bundles()
    for name, item in ((b"y", b"1"), (b"x", b"2"), (b"y", b"3")):
        assert bundles.add(name, b"head of " + name + item[:0], item) == b"head of " + name
    assert bundles.add(b"y", b"another head", b"4") == b"head of y"
    assert list(bundles) == [(b"head of y", [b"1", b"3", b"4"]), (b"head of x", [b"2"])]


def test_texts_are_ranked_as_python_sorts_them() -> None:
    texts = ["b", "a\x00", "a", "é", "b", "\U0001f600", "\uffff", ""]
    places = {text: place for place, text in enumerate(sorted(set(texts)))}
    assert list(ranks(texts)) == [places[text] for text in texts]


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_shelf_keeps_low_ranks_sorted_by_place(
    in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "IN_MEMORY", 2**20 if in_memory else 0)
    shelf, draw = Shelf(), random.Random(0)
    numbered = [(group, n % 3, draw.randrange(5), draw.randrange(5)) for n, group in _many(40)]
    for group, pile, rank, place in numbered:
        shelf.add(group, pile=pile, rank=rank, place=place)
    most = {0: 4, 2: 100}
    expected = []
    for pile, count in most.items():
        expected += sorted((e for e in numbered if e[1] == pile), key=lambda e: e[2])[:count]
    expected.sort(key=lambda e: e[3])
    groups = shelf.kept(most)
    assert isinstance(groups, list) == in_memory
    assert list(groups) == [group for group, *_ in expected]
    assert [groups[n] for n in range(len(groups))] == list(groups)
    assert groups[-1] == list(groups)[-1]
    assert list(groups[2:5]) == list(groups)[2:5]
    with pytest.raises(IndexError):
        groups[len(groups)]


def test_a_full_disk_is_one_line() -> None:
    shelf = Shelf()
    shelf._base.execute("PRAGMA max_page_count = 10")

    def fill() -> None:
        with room_on_disk("data"):
            for _, group in _many(10_000):
                shelf.add(group, pile=0, rank=0, place=0)

    with pytest.raises(UserError, match=r"^data: cannot keep data in .* TMPDIR$"):
        fill()


def test_nothing_is_left_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(on_disk, "CACHE", 2**10)
    shelf = Shelf()
    for _, group in _many(500):
        shelf.add(group, pile=0, rank=0, place=0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("to", ["preference", "groups"])
def test_many_groups_give_the_same_files_as_few(
    to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_groups(tmp_path / "a.jsonl", [group for _, group in _many(30)])
    others = [replace(group, prompt=(Message("user", "who ?"),)) for _, group in _many(50)]
    write_groups(tmp_path / "b.jsonl", others)
    sources = tuple(
        SourceConfig(kind="groups", path=str(tmp_path / name), weight=weight)
        for name, weight in (("a.jsonl", 1.0), ("b.jsonl", 2.0))
    )
    written = []
    for limit in (2**20, 0):
        monkeypatch.setattr(stored, "IN_MEMORY", limit)
        groups, reports = read_sources(DataConfig(sources=sources))
        folder = tmp_path / str(limit)
        write_groups(folder / "groups.jsonl", groups)
        config = ExportConfig(to=to, format="parquet", test_share=0.3)  # type: ignore[arg-type]
        export_groups(stored.open_groups(folder / "groups.jsonl"), config, folder / "x", "groups")
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        written.append(([path.read_bytes() for path in files], [r.summary() for r in reports]))
    assert written[0] == written[1]


@pytest.mark.parametrize("method", [Dpo(), Kto(), Sft(), Rrhf(), ChainOfHindsight(), Rlhf()])
def test_a_method_takes_the_same_examples_from_a_file(method: object, tmp_path: Path) -> None:
    groups = [group for _, group in _many(30)]
    write_groups(tmp_path / "groups.jsonl", groups)
    inside = method.select(groups)  # type: ignore[attr-defined]
    outside = method.select(StoredGroups(tmp_path / "groups.jsonl"))  # type: ignore[attr-defined]
    assert list(outside.examples) == list(inside.examples)
    assert list(outside.groups) == list(inside.groups)
    examples = [outside.examples[n] for n in range(len(outside.examples))]
    assert examples == list(inside.examples)


def test_rows_of_trl_are_the_same_from_memory_and_from_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokenizer = tiny_tokenizer()
    encoded = [
        encode(tokenizer, group.prompt, group.candidates[0].text, limit)
        for limit in (64, 1)
        for _, group in _many(9)
    ]
    both = []
    for limit in (2**20, 0):
        monkeypatch.setattr(stored, "IN_MEMORY", limit)
        rows = language_modelling(iter(encoded), [3, 0, 3, 17])
        both.append(rows.to_list())
    assert both[0] == both[1]
    assert dataset([]) is None
    mapped = dataset({"label": n % 2 == 0, "ids": [n] * n} for n in range(4))
    assert in_order(mapped, [2, 2])[1] == {"label": True, "ids": [2, 2]}


def test_two_sequences_are_joined() -> None:
    joined = Joined("ab", "cde")
    assert list(joined) == [joined[n] for n in range(5)] == list("abcde")
    assert (joined[-1], joined[-4], list(joined[1:3])) == ("e", "b", ["b", "c"])
    with pytest.raises(IndexError):
        joined[5]


def test_groups_of_which_nothing_is_made_are_left_out() -> None:
    groups = tuple(group for _, group in _many(6))
    values, used = made_of(groups, lambda group: group.id if group.id != "g2" else "")
    assert "".join(values) == "g0g1g3g4g5"
    assert [group.id for group in used] == ["g0", "g1", "g3", "g4", "g5"]
    assert np.array_equal([len(values)], [10])


def _many(count: int) -> Iterator[tuple[int, RatedGroup]]:
    """Return groups of several kinds, with a few prompts."""
    kinds = ("imitation", "self_critic", "realignment")
    for number, group in enumerate(rated_groups(count)):
        yield number, replace(group, id=f"g{number}", kind=kinds[number % 3])


@pytest.mark.slow
def test_ten_times_as_many_groups_need_no_more_memory(tmp_path: Path) -> None:
    """The peak is of a process of its own, from a file of groups to the rows of a trainer."""
    # The text of these groups alone is 14 MB more, and their objects several times that.
    assert growth("tests.helpers.programs.sort_many", 1_000, 10_000, tmp_path) < 6 * 2**20
