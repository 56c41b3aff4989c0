"""What README, tutorials and guides show runs.

Python blocks of a page run one after the other in one namespace. Commands `social-sandbox ...`
run with the settings of the comment `<!-- test: ... -->` above them, which make them quick. A
block with a title is a file. Commands of other programs, such as `vllm serve`, are not run.
"""

import importlib.util
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from social_sandbox.alignment.cli import main

from .helpers.tiny import save_tiny_model

ROOT = Path(__file__).parents[1]
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))
GUIDES = [
    file for file in sorted((ROOT / "docs/guides").glob("*.md")) if "```python" in file.read_text()
]
BLOCK = re.compile(
    r'(?:<!-- test: (?P<test>.*?) -->\n)?```(?P<language>\w+)(?: title="(?P<title>.*?)")?\n'
    r"(?P<code>.*?)```",
    re.DOTALL,
)
QUESTIONS = [
    {"question": "how are you ?", "good": "i am fine", "bad": "go away"},
    {"question": "please help me", "good": "yes of course", "bad": "no never"},
]


def commands(code: str) -> Iterator[list[str]]:
    """Split a shell block into commands; quotes may span lines."""
    pending = ""
    for line in code.splitlines():
        pending += line + "\n"
        try:
            words = shlex.split(pending, comments=True)
        except ValueError:
            continue
        if words:
            yield words
        pending = ""
    assert not pending.strip(), pending


@pytest.fixture(scope="module")
def server() -> str:
    """Start the server of `examples/by_wire.py`, which answers as a model would."""
    spec = importlib.util.spec_from_file_location("by_wire", ROOT / "examples/by_wire.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    address: str = module.serve()
    return address


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Make what the comments name: a tiny model, and questions."""
    folder = tmp_path_factory.mktemp("places")
    questions = folder / "questions.jsonl"
    questions.write_text("".join(json.dumps(question) + "\n" for question in QUESTIONS))
    return {"tiny": str(save_tiny_model(folder / "tiny")), "questions": str(questions)}


def run_page(page: Path, places: dict[str, str], server: str, *, shell: bool) -> int:
    """Run the blocks of a page in the working folder; return how many there were.

    Without `shell`, commands run only where a comment makes them quick.
    """
    namespace: dict[str, object] = {}
    count = 0
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        code = block["code"].replace("http://localhost:8000/v1", server)
        if block["title"]:
            Path(block["title"]).write_text(code, encoding="utf-8")
        elif block["language"] == "python":
            exec(compile(code, str(page), "exec"), namespace)
        elif block["language"] == "sh" and (shell or block["test"]):
            overrides = shlex.split((block["test"] or "").format(**places))
            for words in commands(code):
                if words[0] == "social-sandbox":
                    assert main([*words[1:], *overrides]) == 0, words
        else:
            continue
        count += 1
    return count


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_runs(
    page: Path,
    places: dict[str, str],
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert run_page(page, places, server, shell=True)


@pytest.mark.parametrize("page", [ROOT / "README.md", *GUIDES], ids=lambda page: page.stem)
def test_python_in_readme_and_guides_runs(
    page: Path,
    places: dict[str, str],
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    # As in a terminal, modules of the current folder are found, and forgotten with it.
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert run_page(page, places, server, shell=False)


def test_readme_fits_on_two_screens() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert len(text) <= 9000


def test_paths_in_readme_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    paths = [path for path in re.findall(r"\]\((.*?)\)", text) if "://" not in path]
    assert paths
    missing = [path for path in paths if not (ROOT / path.partition("#")[0]).exists()]
    assert not missing


def shown_commands() -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of stages that README, guides and results show, with their file."""
    files = (ROOT / "README.md", *(ROOT / "docs").glob("*/*.md"))
    for file in files:
        for block in BLOCK.finditer(file.read_text(encoding="utf-8")):
            if block["language"] != "sh":
                continue
            for words in commands(re.sub(r" \\\n", " ", block["code"])):
                if words[0] == "social-sandbox" and words[1] in STAGES and "--help" not in words:
                    yield str(file.relative_to(ROOT)), words[1:]


STAGES = ("run", "simulate", "data", "export", "align", "evaluate", "figures", "online")


@pytest.mark.parametrize(("file", "words"), list(shown_commands()))
def test_settings_of_shown_commands_exist(
    file: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    if "--multirun" in words:
        # The first point of the sweep.
        words = [re.sub(r"^([\w.]+=[\w.-]+),.*", r"\1", word) for word in words]
        words.remove("--multirun")
    assert main([*words, "--cfg", "job"]) == 0, capsys.readouterr().err
