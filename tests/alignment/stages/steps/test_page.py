"""The page that a job writes at its end."""

from io import StringIO
from pathlib import Path

import pytest

from social_sandbox.alignment.stages import Context, compose_settings
from social_sandbox.alignment.stages.steps.page import write_page_of
from social_sandbox.policies.terminal import Terminal

from ....helpers.runs import interactions, write_run


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """Return the context of a run whose console writes to a text."""
    folder = write_run(tmp_path / "one", interactions(rounds=1))
    settings = compose_settings(f"output_dir={folder}")
    return Context(settings, Terminal(file=StringIO(), width=200))


def printed(context: Context) -> str:
    assert isinstance(context.console.file, StringIO)
    return context.console.file.getvalue()


def test_the_path_of_the_page_is_printed(context: Context) -> None:
    write_page_of(context)
    index = context.output_dir / "page" / "index.html"
    assert index.exists()
    assert printed(context) == f"page: {index}\n"


def test_a_page_that_cannot_be_written_is_a_warning_and_no_error(context: Context) -> None:
    (context.output_dir / "page").write_text("in the way")
    write_page_of(context)
    line = printed(context)
    assert line.startswith("page: not written: ")
    assert f"social-sandbox view {context.output_dir} tries again" in line
    assert line.count("\n") == 1
