"""The Markdown file of an experiment: its table, its figure, and the text around them."""

from pathlib import Path
from shutil import copyfile

from social_sandbox.envs.errors import UserError
from social_sandbox.envs.text.jsonl import write_whole

BEGIN = "<!-- Written by social-sandbox reproduce. Text outside these two lines is kept. -->"
END = "<!-- End of what social-sandbox reproduce has written. -->"


def check_document(path: Path, overwrite: bool) -> None:
    """Raise UserError if the file cannot be written, or would lose text that people wrote.

    Args:
        path: The Markdown file.
        overwrite: Whether a file without the two lines may be replaced.
    """
    if not path.parent.is_dir():
        raise UserError(f"markdown: there is no folder {path.parent}")
    if path.exists() and not overwrite and _around(path) is None:
        raise UserError(
            f"markdown: {path} exists and was not written by this command; name another file, or "
            "replace it with overwrite=true"
        )


def write_document(path: Path, name: str, table: str, figure: Path) -> None:
    """Write the table and the figure, and keep the text around those of an earlier run.

    Args:
        path: The Markdown file; the figure is copied beside it.
        name: Name of the experiment.
        table: The table in Markdown, with its title.
        figure: The figure that is copied.
    """
    beside = path.with_suffix(figure.suffix)
    before, after = _around(path) or ("", "")
    made = f"{BEGIN}\n\n{table}\n![{name}]({beside.name})\n\n{END}\n"
    write_whole(path, before + made + after)
    copyfile(figure, beside)


def _around(path: Path) -> tuple[str, str] | None:
    """Return the text before and behind what an earlier run has written, or None without one."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    before, begin, rest = text.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(f"{END}\n")
    return (before, after) if begin and end else None
