"""A file of another kind than its name says is named as what it is."""

import gzip
from pathlib import Path

import pytest

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.rules.questions import read_questions

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"
QUESTION = b'{"question": "May I lie?"}\n'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (POINTER, "is a Git LFS pointer and not the file itself: git lfs pull"),
        (b"/annex/objects/MD5E-s1--ab.jsonl\n", "is a git-annex pointer"),
        (b"\n<!DOCTYPE html><html></html>", "is a web page"),
        (b"PK\x03\x04rest", "is a ZIP archive"),
        (b"PAR1rest", "is a Parquet file"),
        (gzip.compress(POINTER, mtime=0), "is a Git LFS pointer"),
        (gzip.compress(QUESTION, mtime=0)[:-9], "cannot read"),
        (gzip.compress(b"\xff\xfe\n", mtime=0), "is not UTF-8 text"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_bytes(content)
    with pytest.raises(UserError, match=words) as error:
        read_questions(str(file), "questions")
    assert str(error.value).startswith("questions: ")
    assert "\n" not in str(error.value)


def test_a_file_that_gzip_has_compressed_is_read(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl.gz"
    file.write_bytes(gzip.compress(QUESTION, mtime=0))
    assert [question.text for question in read_questions(str(file), "questions")] == ["May I lie?"]
