"""The Markdown file of an experiment keeps what people wrote around the table."""

from pathlib import Path

import pytest

from social_sandbox.alignment.experiments.document import check_document, write_document
from social_sandbox.envs.errors import UserError


@pytest.fixture
def figure(tmp_path: Path) -> Path:
    path = tmp_path / "figure.png"
    path.write_bytes(b"first figure")
    return path


def test_text_around_an_earlier_table_is_kept(tmp_path: Path, figure: Path) -> None:
    document = tmp_path / "methods.md"
    write_document(document, "methods", "# Methods\n\nfirst table\n", figure)
    document.write_text(f"By hand.\n{document.read_text()}\nWhat this says.\n")
    figure.write_bytes(b"second figure")

    check_document(document, overwrite=False)
    write_document(document, "methods", "# Methods\n\nsecond table\n", figure)

    text = document.read_text()
    assert text.startswith("By hand.\n<!--")
    assert text.endswith("-->\n\nWhat this says.\n")
    assert "second table\n\n![methods](methods.png)" in text
    assert "first table" not in text
    assert (tmp_path / "methods.png").read_bytes() == b"second figure"


def test_a_file_of_another_origin_is_replaced_only_where_that_was_asked_for(
    tmp_path: Path, figure: Path
) -> None:
    document = tmp_path / "notes.md"
    document.write_text("my notes\n")
    with pytest.raises(UserError, match=r"markdown: .*notes\.md exists and was not written by"):
        check_document(document, overwrite=False)

    check_document(document, overwrite=True)
    write_document(document, "methods", "# Methods\n", figure)
    assert "my notes" not in document.read_text()


def test_a_document_needs_its_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="markdown: there is no folder"):
        check_document(tmp_path / "nowhere" / "methods.md", overwrite=True)
