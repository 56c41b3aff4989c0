"""Help on settings: `social-sandbox COMMAND --help [WORD ...]`, and the documentation's page.

`python -m social_sandbox.alignment.cli.help` prints the page, see `settings_markdown`.
"""

import inspect
import json
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_type_hints

from rich.console import Console
from rich.text import Text

from social_sandbox.envs.errors import UserError
from social_sandbox.policies import registry

from .messages import nearest
from .overrides import unprefixed_settings
from .setting_texts import (
    GROUPS,
    Section,
    Setting,
    choice,
    choices,
    default_choice,
    main_sections,
    setting_names,
)

GENERAL = ("seed", "output_dir", "overwrite", "progress", "wandb")
"""What every command reads."""

_SIMULATION = ("questions", "priors", "population", "budget", "n_worlds", "env")
_PLAYERS = ("policy", "observer", "embedder")
_DATA = ("interactions", "data", "embedder")
_TRAINING = ("base_model", "chat_template", "method", "observer")
_DURING = ("evaluate.during", "evaluate.during_steps", "evaluate.data_dir", "evaluate.limit")

READS: dict[str, tuple[str, ...]] = {
    "run": (
        *(*GENERAL, *_SIMULATION, *_PLAYERS, "interactions", "data", "groups"),
        *(*_TRAINING, "evaluate"),
    ),
    "simulate": (*GENERAL, *_SIMULATION, *_PLAYERS),
    "data": (*GENERAL, *_DATA),
    "export": (*GENERAL, "export", "groups", *_DATA),
    "align": (*GENERAL, "groups", *_TRAINING, *_DURING, *_DATA),
    "evaluate": (*GENERAL, "evaluate", "base_model", "observer", "policy"),
    "figures": GENERAL,
    "online": (
        *(*GENERAL, "cycles", *_SIMULATION, *_PLAYERS, "data"),
        *(*_TRAINING, "evaluate"),
    ),
}
"""The settings, sections and groups that each command reads."""

METHODS_GROUP = "social_sandbox.methods"
"""The same as `methods.registry.GROUP`; importing that module imports torch."""


def print_help(command: str, description: str, words: Sequence[str], console: Console) -> None:
    """Print the settings that a command reads, with their defaults and what they mean.

    Args:
        command: One of `READS`.
        description: What the command does.
        words: Narrow the list: a section (`env`), a group (`policy`), a choice (`method=dpo`), a
            setting, or a word that a setting's name or help text contains. Empty: all.
        console: Where to print.

    Raises:
        UserError: A word matches nothing; the message has a near match.
    """
    sections = list(_sections_of(command))
    if words:
        for word in words:
            for section in _matches(word, command, sections):
                _print_section(section, console)
        return
    console.print(Text(f"social-sandbox {command} [setting=value ...]", style="bold"))
    named = [section.name for section in sections if section.name]
    examples = [named[0], next(name for name in reversed(named) if "=" in name), "rating"]
    introduction = [
        f"{description[:1].upper()}{description[1:]}.",
        "Each setting is shown with its default; ${name} means the value of another setting. "
        "Narrow this list by a section, a choice or a word, such as",
        *(f"  social-sandbox {command} --help {word}" for word in examples),
    ]
    short = unprefixed_settings(command)
    if short:
        [section] = (each for each in sections if each.name == command)
        names = [setting.name for setting in section.settings]
        long = [name for name in names if name.partition(".")[2] not in short]
        introduction.append(
            f"Settings of {command} can be written without `{command}.`, such as "
            f"{short[0]}=VALUE, except {' and '.join(long)}."
        )
    _print_wrapped("\n".join(introduction), 0, console)
    console.print()
    for section in sections:
        _print_section(section, console)


def settings_markdown() -> str:
    """Return a Markdown page of every setting with its default and its help text.

    The page has a heading of the second level for each section (`env`), each choice of a group
    (`policy=openai`) and the settings that methods share; it has no title of its own.
    """
    shared = [choice("training", name) for name in choices("training")]
    options = [choice(group, name) for group in GROUPS for name in choices(group)]
    return "\n".join(line for each in (*main_sections(), *shared, *options) for line in _page(each))


def _sections_of(command: str) -> Iterator[Section]:
    """Yield what a command reads; of each group, the default choice and the names of all."""
    reads = READS[command]
    for section in main_sections():
        if section.name in reads:
            yield section
        else:
            kept = tuple(setting for setting in section.settings if setting.name in reads)
            if kept:
                yield replace(section, settings=kept)
    for group in GROUPS:
        if group in reads:
            yield _with_choices(group)


def _with_choices(group: str) -> Section:
    """Return the default choice of a group, with all choices in its text."""
    section = choice(group, default_choice(group))
    listed = [f"{group}={name}: {choice(group, name).text}" for name in choices(group)]
    listed += [
        f"{group}={point.name}: {point.value}, of {point.dist.name if point.dist else 'a package'}"
        for point in _entry_points(group)
    ]
    text = f"{section.text} This is the default; the choices are:\n" + "\n".join(listed)
    return replace(section, text=text)


def _matches(word: str, command: str, sections: Sequence[Section]) -> list[Section]:
    """Return the sections, or parts of them, that a word of the user means."""
    group, equals, name = word.partition("=")
    if equals and group in GROUPS and group in READS[command]:
        return [_choice_or_error(group, name)]
    # A setting with a value is a setting.
    word = group
    for section in sections:
        if word and word in (section.name, section.name.partition("=")[0]):
            return [section]
    searched = [
        *(section for section in sections if "=" not in section.name),
        *(
            choice(group, name)
            for group in GROUPS
            if group in READS[command]
            for name in choices(group)
        ),
    ]
    exact = [
        replace(section, settings=(setting,), bases=())
        for section in searched
        for setting in section.all_settings()
        if setting.name == word
    ]
    # A choice that only takes over a setting of another choice says nothing new.
    if exact:
        return _without_repetitions(exact)
    if word in setting_names():
        raise UserError(f"{command} does not read {word!r}: social-sandbox run --help {word}")
    pattern = re.compile(re.escape(word), re.IGNORECASE)
    parts = []
    for section in searched:
        matches = [
            setting
            for setting in section.all_settings()
            if pattern.search(setting.name) or pattern.search(setting.text)
        ]
        if word and word == section.name.partition("=")[2]:
            parts.append(section)
        elif matches:
            parts.append(replace(section, settings=tuple(matches), bases=()))
    if not parts:
        raise UserError(f"{command} --help: nothing about {word!r}{_near(word, searched)}")
    return _without_repetitions(parts)


def _without_repetitions(sections: Iterable[Section]) -> list[Section]:
    """Return sections without the settings that an earlier one has in the same words."""
    seen: set[Setting] = set()
    kept = []
    for section in sections:
        new = tuple(setting for setting in section.settings if setting not in seen)
        seen |= set(new)
        if new:
            kept.append(replace(section, settings=new))
    return kept


def _near(word: str, sections: Sequence[Section]) -> str:
    """Return a hint at the likeliest name, or an empty text."""
    names: dict[str, str] = {}
    for section in sections:
        names |= {section.name: section.name, section.name.partition("=")[2]: section.name}
        for setting in section.all_settings():
            names.setdefault(setting.name, setting.name)
            names.setdefault(setting.name.rpartition(".")[2], setting.name)
    near = get_close_matches(word, names, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {names[near[0]]!r}?"
    listed = [section.name for section in sections if section.name and "=" not in section.name]
    return f"; there are {', '.join([*listed, *GROUPS])}"


def _choice_or_error(group: str, name: str) -> Section:
    if name in choices(group):
        return choice(group, name)
    points = {point.name: point for point in _entry_points(group)}
    if name in points:
        return _choice_of_package(group, points[name])
    known = [*choices(group), *points]
    raise UserError(f"{group}: no choice {name!r}{nearest(name, known)}")


def _choice_of_package(group: str, point: EntryPoint) -> Section:
    """Return a policy or a method of another package: its settings, with what their types say."""
    if group == "method":
        return _method_of_package(point)
    recipe = registry.recipe(point.name)
    del recipe["_target_"]
    kind = point.load()
    parameters = inspect.signature(kind).parameters
    settings = tuple(
        Setting(f"{group}.{name}", _as_yaml(default), _type_text(parameters[name].annotation))
        for name, default in recipe.items()
    )
    return Section(f"{group}={point.name}", _first_paragraph(kind), settings)


def _method_of_package(point: EntryPoint) -> Section:
    """Return a method of another package; settings that all methods have keep their texts."""
    # This imports torch, which no other help needs.
    from ..methods.registry import config_class, default_settings, find_method

    kind = find_method(point.name)
    config = config_class(kind)
    types = get_type_hints(config)
    shared = {each.name: each.text for each in choice("training", "on_data").all_settings()}
    settings = tuple(
        Setting(
            f"method.{name}",
            _as_yaml(default),
            shared.get(f"training.{name}") or _type_text(types[name]),
        )
        for name, default in default_settings(config).items()
    )
    return Section(f"method={point.name}", _first_paragraph(kind), settings)


def _as_yaml(default: object) -> str:
    """Return a default as it is written in YAML; a text without quotation marks."""
    if isinstance(default, str) and default:
        return default
    return json.dumps(default, default=str)


def _type_text(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    return f"Of type {inspect.formatannotation(annotation)}."


def _first_paragraph(kind: Any) -> str:
    return " ".join((inspect.getdoc(kind) or kind.__name__).partition("\n\n")[0].split())


def _entry_points(group: str) -> list[EntryPoint]:
    names = {"policy": registry.GROUP, "observer": registry.GROUP, "method": METHODS_GROUP}
    return sorted(entry_points(group=names[group])) if group in names else []


def _print_section(section: Section, console: Console) -> None:
    if section.name:
        console.print(Text(section.name, style="bold underline"))
    if section.text:
        _print_wrapped(section.text, 2, console)
    if section.name or section.text:
        console.print()
    for setting in section.all_settings():
        line = Text("  ").append(setting.name, style="bold").append(f"={setting.default}")
        console.print(line, soft_wrap=True)
        if setting.text:
            _print_wrapped(setting.text, 6, console)
    console.print()


def _print_wrapped(text: str, indent: int, console: Console) -> None:
    """Print each line of a text indented, in at most as many columns as can be read easily."""
    margin, width = " " * indent, min(console.width, 110)
    for line in text.splitlines():
        wrapped = textwrap.fill(
            line, width, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
        )
        console.print(Text(wrapped), soft_wrap=True)


def _page(section: Section) -> Iterator[str]:
    """Yield the lines of a section in Markdown."""
    yield f"## {section.name or 'General'}\n"
    if section.text:
        yield f"{section.text}\n"
    texts = {setting.name: setting.text for setting in section.all_settings()}
    for base in section.bases:
        # Anchors are what Markdown makes of the headings.
        yield f"With the settings of [{base.name}](#{base.name.replace('=', '')}), and:\n"
    for setting in section.settings:
        yield f"`{setting.name}={setting.default}`\n:   {texts[setting.name]}\n"


def main() -> None:
    """Print the documentation's page of settings."""
    sys.stdout.write(settings_markdown())


if __name__ == "__main__":
    main()
