import json
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.alignment.data.formats.rows import is_hub_id, read_rows
from social_sandbox.envs import UserError

ROWS = [{"a": "x"}, {"a": "\u2028 line separator"}]


def places(path: Path) -> list[str]:
    return [place for place, _ in read_rows(str(path), "data")]


def test_lines_an_array_and_parquet_hold_the_same_rows(tmp_path: Path) -> None:
    from pyarrow import Table, parquet

    lines, array, columns = (tmp_path / f"rows.{s}" for s in ("jsonl", "json", "parquet"))
    lines.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in ROWS), encoding="utf-8")
    array.write_text(json.dumps(ROWS))
    parquet.write_table(Table.from_pylist(ROWS), columns)
    for path in (lines, array, columns):
        assert [row for _, row in read_rows(str(path), "data")] == ROWS


def test_a_row_is_known_by_its_line_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('\n{"a": 1}\n\n{"a": 2}\n')
    assert places(path) == [f"data: {path}, line 2", f"data: {path}, line 4"]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("rows.jsonl", b'{"a": 1}\n{"a": \n', "line 2: Invalid JSON"),
        ("rows.jsonl", b'{"a": 1}\n[3]\n', "line 2"),
        ("rows.jsonl", b'{"a": 1}\n\n{"a": "\xff"}\n', r"is not UTF-8 text \(line 3\)"),
        ("rows.json", b'[{"a": 1},\n 3}', "line 2: not JSON"),
        ("rows.json", b"[3]", "row 1: not an object"),
        ("rows.parquet", b"no parquet at all", "cannot read .*rows.parquet"),
    ],
)
def test_what_is_broken_is_named(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"data: .*{problem}") as raised:
        places(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder: name its files"):
        places(tmp_path)
    for missing in ("none.jsonl", "none.parquet"):
        with pytest.raises(UserError, match=f"cannot read .*{missing}: No such file"):
            places(tmp_path / missing)


def test_the_hub_is_asked_for_ids_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def load(name: str, split: str) -> list[dict[str, str]]:
        asked.append((name, split))
        return ROWS

    monkeypatch.setattr("datasets.load_dataset", load)
    assert list(read_rows("some/pairs", "data", "test"))[1][0] == "data: some/pairs, row 2"
    assert asked == [("some/pairs", "test")]
    for name in ("./some/pairs", "/some", "runs/*", "some/file.jsonl", "a/b/c", "file"):
        assert not is_hub_id(name)


def test_what_the_hub_says_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, split: str) -> None:
        raise ConnectionError("no network\nand more")

    monkeypatch.setattr("datasets.load_dataset", load)
    with pytest.raises(UserError, match=r"cannot load some/pairs from the hub: no network$"):
        list(read_rows("some/pairs", "data"))
