"""Errors as one line."""

import errno
import os

import pytest

from social_sandbox.alignment.cli.messages import file_problem


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "cannot write out/file: No space left on device"),
        (errno.EROFS, "cannot write out/file: Read-only file system"),
        (errno.EACCES, "cannot access out/file: Permission denied"),
    ],
)
def test_a_problem_of_a_file_is_named(number: int, message: str) -> None:
    assert file_problem(OSError(number, os.strerror(number), "out/file")) == message


def test_an_error_of_the_program_is_no_problem_of_a_file() -> None:
    assert file_problem(OSError(errno.EPIPE, "Broken pipe")) is None
