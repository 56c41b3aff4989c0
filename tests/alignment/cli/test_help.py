"""`social-sandbox COMMAND --help`: every setting that a command reads, and what it means."""

import ast
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from io import StringIO
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from annotated_types import BaseMetadata, Ge, Gt, Le, Lt
from omegaconf import DictConfig
from rich.console import Console

from social_sandbox.alignment.cli import main
from social_sandbox.alignment.cli.help import READS, print_help, settings_markdown
from social_sandbox.alignment.cli.setting_texts import (
    GROUPS,
    Section,
    Setting,
    choice,
    choices,
    main_sections,
)
from social_sandbox.alignment.methods import METHODS, config_class
from social_sandbox.envs.errors import UserError
from tests.alignment.stages.test_defaults import SECTIONS
from tests.helpers.small_job import composed

CHOICES = [(group, name) for group in GROUPS for name in choices(group)]


def help_on(command: str, *words: str, width: int = 80) -> str:
    output = StringIO()
    print_help(command, "do it", words, Console(file=output, width=width))
    return output.getvalue()


def all_sections() -> list[Section]:
    return [*main_sections(), *(choice(*place) for place in CHOICES)]


def names_in(config: DictConfig) -> list[str]:
    """Return the settings of a composed configuration by their full names."""
    names = []
    for name, value in config.items_ex(resolve=False):
        section = isinstance(value, DictConfig) and name in {*SECTIONS, *GROUPS}
        names += [f"{name}.{each}" for each in value] if section else [str(name)]
    return names


@pytest.mark.parametrize("section", all_sections(), ids=lambda section: section.name or "general")
def test_every_setting_has_a_help_text_in_whole_phrases(section: Section) -> None:
    for setting in section.all_settings():
        assert setting.text[:1].isupper() or setting.text.startswith("`"), setting.name
        assert setting.text.endswith("."), setting.name
    if section.name:
        assert section.text.endswith("."), section.name


@pytest.mark.parametrize(("group", "name"), CHOICES)
def test_the_settings_are_those_of_the_composed_configuration(group: str, name: str) -> None:
    listed = [each for part in main_sections() for each in part.settings]
    for other in GROUPS:
        chosen = name if other == group else next(iter(choices(other)))
        listed += choice(other, chosen).all_settings()
    overrides = [
        f"{other}={name if other == group else next(iter(choices(other)))}" for other in GROUPS
    ]
    given = {each for each in names_in(composed(overrides)) if not each.endswith("._target_")}
    given -= {"engine.name", "method.name"}
    assert {each.name for each in listed} - {f"{o}._target_" for o in GROUPS} == given


BOUNDS: dict[type[BaseMetadata], str] = {
    Ge: "at least {ge}",
    Gt: "above {gt}",
    Le: "at most {le}",
    Lt: "below {lt}",
}


def wanted_words(annotation: Any) -> set[str]:
    """Return the choices and bounds of a field's type, as a help text has to name them."""
    words = set()
    for part in getattr(annotation, "__metadata__", ()):
        for bound in getattr(part, "metadata", [part]):
            if type(bound) in BOUNDS:
                words.add(BOUNDS[type(bound)].format(**vars_of(bound)))
    if get_origin(annotation) is Literal:
        words |= set(map(str, get_args(annotation)))
    elif get_origin(annotation) is not None:
        for part in get_args(annotation):
            words |= wanted_words(part)
    return words


def vars_of(bound: BaseMetadata) -> dict[str, Any]:
    return {each.name: getattr(bound, each.name) for each in fields(bound)}  # type: ignore[arg-type]


@pytest.mark.parametrize("section", [*SECTIONS, *(f"method={name}" for name in METHODS)])
def test_bounds_and_choices_are_named_in_the_text(section: str) -> None:
    group, _, name = section.partition("=")
    kind = config_class(METHODS[name]) if name else SECTIONS[group]
    assert is_dataclass(kind)
    [declared] = [
        each
        for each in (
            *main_sections(),
            choice("engine", "ray"),
            choice("wandb", "auto"),
            choice("method", name or "sft"),
        )
        if each.name in (section, f"{section}=auto", f"{section}=ray")
    ]
    texts = {setting.name.partition(".")[2]: setting.text for setting in declared.all_settings()}
    for name, annotation in get_type_hints(kind, include_extras=True).items():
        if section == "engine" and name == "name":
            continue  # the choice itself
        for words in wanted_words(annotation):
            assert words in texts[name], f"{section}.{name}"


def test_a_choice_has_the_texts_of_what_it_is_based_on() -> None:
    preset = {
        each.name: each for each in choice("method", "stable_alignment_readme").all_settings()
    }
    plain = {each.name: each for each in choice("method", "stable_alignment").all_settings()}
    assert preset["method.margin"] == Setting("method.margin", "10.0", plain["method.margin"].text)
    assert preset["method.seed"] == plain["method.seed"]


@pytest.mark.parametrize("command", READS)
@pytest.mark.parametrize("width", [80, 120])
def test_help_fits_the_terminal(command: str, width: int) -> None:
    lines = help_on(command, width=width).splitlines()
    texts = [line for line in lines if not re.match(r"  \S+=", line)]
    assert max(map(len, texts)) <= width
    assert not any(line.endswith(" ") for line in texts)


def test_a_command_shows_what_it_reads_alone() -> None:
    shown = help_on("simulate")
    assert "\n  env.grid_size=4\n" in shown
    assert "policy=openai: A model behind" in shown
    assert "method." not in shown.partition("\n  seed=")[2]
    assert "evaluate." not in shown
    assert "Settings of evaluate can be written without `evaluate.`" in " ".join(
        help_on("evaluate").split()
    )


@pytest.mark.parametrize(
    ("word", "has", "lacks"),
    [
        ("env", "env.n_rounds=3", "seed=0"),
        ("method", "method.margin=4.0", "method.beta"),
        ("method=dpo", "method.beta=0.1", "method.margin"),
        ("dpo", "method.beta=0.1", "method.margin"),
        ("policy=openai", "policy.base_url=null", "policy.device"),
        ("env.grid_size", "env.grid_size=4", "env.n_rounds"),
        ("env.grid_size=6", "env.grid_size=4", "env.n_rounds"),
        ("Euclidean", "env.radius=null", "env.n_rounds"),
        ("seed", "seed=0", "env.n_rounds"),
    ],
)
def test_a_word_narrows_the_help(word: str, has: str, lacks: str) -> None:
    shown = help_on("run", word)
    assert f"  {has}\n" in shown
    assert lacks not in shown


@pytest.mark.parametrize(
    ("command", "word", "message"),
    [
        (
            "run",
            "env.grid_sze",
            "run --help: nothing about 'env.grid_sze'; did you mean 'env.grid_size'?",
        ),
        ("run", "evn", "run --help: nothing about 'evn'; did you mean 'env'?"),
        ("run", "method=dop", "method: no choice 'dop'; did you mean 'dpo'?"),
        ("run", "qqqqqq", "run --help: nothing about 'qqqqqq'; there are budget, env, data, "),
        ("evaluate", "env", "evaluate does not read 'env': social-sandbox run --help env"),
    ],
)
def test_a_word_that_matches_nothing_gets_a_near_match(
    command: str, word: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        help_on(command, word)
    assert main([command, "--help", word]) == 2
    assert message in capsys.readouterr().err


def test_help_does_not_import_torch() -> None:
    code = (
        "import sys; from social_sandbox.alignment.cli import main; main(['run', '--help']);"
        "print({'torch', 'transformers', 'matplotlib'} & set(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert ast.literal_eval(shown.splitlines()[-1].replace("set()", "[]")) == []


def test_the_page_of_the_documentation_has_every_setting_and_its_text() -> None:
    page = settings_markdown()
    for section in all_sections():
        assert f"\n## {section.name or 'General'}\n" in f"\n{page}"
        for setting in section.settings:
            assert f"`{setting.name}={setting.default}`" in page
            assert setting.text in page
