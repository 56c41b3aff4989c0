"""Files with one JSON object a line."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from social_sandbox.envs import UserError
from social_sandbox.envs.text.jsonl import OBJECT, JsonlLog, read_jsonl, write_jsonl, write_objects

SEPARATORS = "one\u2028two\u2029three\x85four\x0b\x0c\x1cfive\r\nsix"
"""Every character at which `str.splitlines` ends a line."""


def log_of(path: Path) -> JsonlLog[dict[str, int]]:
    return JsonlLog(path, TypeAdapter(dict[str, int]), "log")


@pytest.mark.parametrize("typed", [True, False])
def test_texts_with_line_separators_stay_whole(tmp_path: Path, typed: bool) -> None:
    path, rows = tmp_path / "rows.jsonl", [{"text": SEPARATORS}, {"text": "plain"}]
    write_jsonl(path, rows, OBJECT) if typed else write_objects(path, rows)
    assert path.read_bytes().count(b"\n") == 2
    assert list(read_jsonl(path, OBJECT, "rows")) == rows


def test_a_log_keeps_texts_with_line_separators_whole(tmp_path: Path) -> None:
    log = JsonlLog(tmp_path / "log.jsonl", OBJECT, "log")
    for _ in range(2):
        log.append([{"text": SEPARATORS}])
    assert log.read() == [{"text": SEPARATORS}] * 2


def test_a_log_without_a_file_is_empty(tmp_path: Path) -> None:
    assert log_of(tmp_path / "log.jsonl").read() == []


@pytest.mark.parametrize("torn", ['{"a": ', '{"a": 3}', "x" * 10_000])
def test_a_torn_last_line_is_passed_over_and_replaced(tmp_path: Path, torn: str) -> None:
    log = log_of(tmp_path / "log.jsonl")
    log.append([{"a": 1}, {"a": 2}])
    with log.path.open("a") as file:
        file.write(torn)
    assert log.read() == [{"a": 1}, {"a": 2}]
    log.append([{"a": 4}])
    assert log.read() == [{"a": 1}, {"a": 2}, {"a": 4}]


def test_a_log_that_is_one_torn_line_begins_anew(tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl")
    log.path.write_text('{"a"')
    log.append([{"a": 1}])
    assert log.path.read_text() == '{"a":1}\n'


def test_a_damaged_line_in_the_middle_of_a_log_is_named(tmp_path: Path) -> None:
    log = log_of(tmp_path / "log.jsonl")
    log.path.write_text('{"a": 1}\n{"a": \n{"a": 2}\n')
    with pytest.raises(UserError, match=r"^log: .*log\.jsonl, line 2: "):
        log.read()


def test_an_earlier_file_stays_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_objects(path, [{"a": 1}])
    with pytest.raises(TypeError):
        write_objects(path, [{"a": 2}, {"a": object()}])
    assert list(read_jsonl(path, OBJECT, "rows")) == [{"a": 1}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_are_read_as_editors_on_windows_save_them(
    tmp_path: Path, encoding: str, end: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(f'{{"a": "é\u2028"}}{end}{{"a": "\\u0000"}}{end}'.encode(encoding))
    assert list(read_jsonl(path, OBJECT, "rows")) == [{"a": "é\u2028"}, {"a": "\0"}]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\uD83D", "\ufffd"),
        (r"a\ude00b", "a\ufffdb"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
        (r"\\ud83d", "\\ud83d"),
        (r"\\\ud83d", "\\\ufffd"),
        (r"\ud83d\\ude00", "\ufffd\\ude00"),
        (r"\ud83d\ude00\ude00", "\U0001f600\ufffd"),
    ],
)
def test_half_a_character_in_a_file_becomes_the_replacement_character(
    tmp_path: Path, written: str, read: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"a": "{written}"}}\n')
    assert list(read_jsonl(path, OBJECT, "rows")) == [{"a": read}]
