"""Every setting with its default and its help text, as the files of `configs` declare them.

The comment above a setting is its help text, and the first comment of a file, or the comment above
a section, describes the choice or the section. Hydra composes the same files; here they are only
read, which takes milliseconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import yaml

GROUPS = ("policy", "observer", "embedder", "engine", "method", "wandb")
"""The groups of choices, such as `policy=openai`; each is a folder of `configs`."""


@dataclass(frozen=True)
class Setting:
    """One setting: its full name, its default as YAML, and its help text in one line."""

    name: str
    default: str
    text: str


@dataclass(frozen=True)
class Section:
    """Settings that belong together.

    Attributes:
        name: A section of config.yaml such as `env`, a choice such as `policy=openai`, or an empty
            text for the settings without a section.
        text: What the section or the choice is.
        settings: The settings that this section itself declares, in the order of the file.
        bases: Sections whose settings this one has as well, under its own prefix.
    """

    name: str
    text: str
    settings: tuple[Setting, ...]
    bases: tuple["Section", ...] = ()

    def all_settings(self) -> list[Setting]:
        """Return the section's own settings, and then those of its bases that it does not change.

        An own setting without a help text has the text of its base.
        """
        group = self.name.partition("=")[0]
        inherited = {
            f"{group}.{_last(setting)}": setting
            for base in self.bases
            for setting in base.all_settings()
        }
        own = [
            replace(setting, text=setting.text or inherited[setting.name].text)
            if setting.name in inherited
            else setting
            for setting in self.settings
        ]
        names = {setting.name for setting in own}
        return own + [
            replace(setting, name=name) for name, setting in inherited.items() if name not in names
        ]


@cache
def main_sections() -> tuple[Section, ...]:
    """Return the settings of config.yaml without a section, and then its sections."""
    general: list[Setting] = []
    sections = []
    text = _text_of("config")
    lines = text.splitlines()
    for key, value in _pairs(text):
        if key.value in ("defaults", "hydra"):
            continue
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            prefix = f"{key.value}."
            settings = tuple(
                _setting(prefix, name, each, text, lines) for name, each in value.value
            )
            sections.append(Section(key.value, _comment_above(lines, key), settings))
        else:
            general.append(_setting("", key, value, text, lines))
    return (Section("", "", tuple(general)), *sections)


@cache
def setting_names() -> frozenset[str]:
    """Return the names of all groups, of all sections and of the settings in config.yaml."""
    sections = main_sections()
    settings = {setting.name for section in sections for setting in section.settings}
    return frozenset({section.name for section in sections if section.name} | settings | {*GROUPS})


@cache
def choices(group: str) -> tuple[str, ...]:
    """Return the names of this project's choices of a group, sorted."""
    names = (file.name for file in (files("social_sandbox.configs") / group).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@cache
def choice(group: str, name: str) -> Section:
    """Return a choice such as `policy=openai`, or a part of choices such as `training=on_data`."""
    text = _text_of(f"{group}/{name}")
    lines = text.splitlines()
    # What is in the folder `training` is a part of methods.
    prefix = "method." if group == "training" else f"{group}."
    bases: list[Section] = []
    settings = []
    for key, value in _pairs(text):
        if key.value == "defaults":
            bases = [choice(*place) for place in _defaults(group, value)]
        elif not _names_the_choice(group, key, value):
            settings.append(_setting(prefix, key, value, text, lines))
    head = [line.removeprefix("#").strip() for line in _head(lines)]
    return Section(f"{group}={name}", " ".join(head), tuple(settings), tuple(bases))


@cache
def default_choice(group: str) -> str:
    """Return the choice of a group that a command line without it has."""
    for key, value in _pairs(_text_of("config")):
        if key.value == "defaults":
            for entry in value.value:
                if isinstance(entry, yaml.MappingNode) and entry.value[0][0].value == group:
                    return str(entry.value[0][1].value)
    raise KeyError(group)


def _text_of(name: str) -> str:
    return (files("social_sandbox.configs") / f"{name}.yaml").read_text("utf-8")


def _pairs(text: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode)
    yield from node.value


def _setting(
    prefix: str, key: yaml.ScalarNode, value: yaml.Node, text: str, lines: list[str]
) -> Setting:
    default = text[value.start_mark.index : value.end_mark.index].strip()
    return Setting(f"{prefix}{key.value}", default, _comment_above(lines, key))


def _names_the_choice(group: str, key: yaml.ScalarNode, value: yaml.Node) -> bool:
    """Return whether this says which class or method the choice is, and nobody would change it."""
    return (key.value == "_target_" and value.value != "???") or (
        group in ("engine", "method") and key.value == "name"
    )


def _defaults(group: str, node: yaml.Node) -> Iterator[tuple[str, str]]:
    """Yield (group, choice) of each entry of a defaults list, such as `/policy@_here_: openai`."""
    for entry in node.value:
        if isinstance(entry, yaml.MappingNode):
            [(key, value)] = entry.value
            yield key.value.removeprefix("/").partition("@")[0], value.value
        elif entry.value != "_self_":
            yield group, entry.value


def _comment_above(lines: list[str], key: yaml.Node) -> str:
    """Return the comment that ends on the line before a key, as one line."""
    comment: list[str] = []
    number = key.start_mark.line - 1
    while number >= 0 and lines[number].lstrip().startswith("#"):
        comment.insert(0, lines[number].strip().removeprefix("#").strip())
        number -= 1
    return " ".join(comment)


def _head(lines: list[str]) -> Iterator[str]:
    """Yield the comment at the beginning of a file."""
    for line in lines:
        if not line.startswith("#"):
            return
        yield line


def _last(setting: Setting) -> str:
    return setting.name.partition(".")[2]
