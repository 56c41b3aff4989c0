"""The card of an exported data set: a header for `datasets`, and a description for people."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from social_sandbox.policies.prompts.control_tokens import CONTROL_TOKEN

from ..runtime.markdown import markdown_table, plain
from .groups import KINDS, RatedGroup, trainable

MARK = "made by `social-sandbox export`"
"""Words by which an earlier export is recognised."""

_DESCRIPTIONS = {
    "preference": "Preference pairs in TRL's format: a prompt, a better and a worse reply.",
    "prompt_completion": "Prompts with completions, in TRL's format.",
    "hh": "Preference pairs in the form of HH-RLHF: a dialogue and two replies to it.",
    "authors": "Questions with rated responses, in the format of Stable Alignment's authors.",
    "groups": "Rated groups: a prompt, and several candidates for the reply with their ratings.",
}

_ENDS_COLUMNS = {
    "preference": "chosen_ends` or `rejected_ends",
    "prompt_completion": "ends",
    "groups": "ends",
}
"""Columns that say whether a reply is complete."""


def card(
    groups: Sequence[RatedGroup],
    counts: Mapping[str, int],
    features: Any,
    export: Mapping[str, Any],
    source: str,
) -> str:
    """Return the README.md of a data set whose files are `data/SPLIT.FORMAT`.

    Args:
        groups: Groups that were exported.
        counts: Number of rows of each split.
        features: `datasets.Features` of the rows.
        export: Settings of the export.
        source: File that the groups come from.
    """
    made_of = _Contents.of(groups)
    of_kinds = sorted(made_of.kinds.items())
    listed = [
        f"- {len(groups)} rated groups ({', '.join(f'{n} {plain(k)}' for k, n in of_kinds)})",
        f"- {made_of.candidates} candidates, {made_of.usable} of them valid, rated and not blank; "
        f"{made_of.cut_off} were cut off in a sentence by a limit of tokens",
        f"- ratings on 1 to {' or '.join(map(str, sorted(made_of.scales)))}, "
        f"by {_names(sorted(made_of.raters))}",
        f"- replies by {_names(sorted(made_of.agents))}",
    ]
    settings = "\n".join(f"- `export.{name}={value}`" for name, value in export.items())
    cells = ((split, str(count)) for split, count in counts.items())
    table = markdown_table(("split", "rows"), cells, right=("rows",))
    return f"""---
{_header(counts, features, export["format"])}---

# {_title(made_of.kinds)}

{_DESCRIPTIONS[export["to"]]} This data set was {MARK}.

{table}
## Made from

{plain(source)}:

{chr(10).join(listed)}

With these settings:

{settings}

Load it with `datasets.load_dataset(FOLDER)`.

## Before you publish it

- Licence: none is given here. It depends on who wrote the replies (the licence of the models that
  played, and of any data set that was mixed in) and is yours to choose: `license:` in the header.
- The replies come from language models and their ratings from models or people; neither was
  checked. Some prompts ask for harm.
{_cut_off(made_of.cut_off, export["to"])}{_control_tokens(made_of.control_tokens, export["to"])}"""


@dataclass(slots=True)
class _Contents:
    """What the groups hold."""

    kinds: Counter[str] = field(default_factory=Counter)
    scales: set[int] = field(default_factory=set)
    raters: set[str] = field(default_factory=set)
    agents: set[str] = field(default_factory=set)
    candidates: int = 0
    usable: int = 0
    cut_off: int = 0
    control_tokens: int = 0
    """Number of texts that spell some."""

    @classmethod
    def of(cls, groups: Iterable[RatedGroup]) -> "_Contents":
        """Go through groups once."""
        found = cls()
        for group in groups:
            found.kinds[group.kind] += 1
            found.scales.add(group.rating_scale)
            found.control_tokens += sum(_spells_control_token(m.content) for m in group.prompt)
            for candidate in group.candidates:
                found.candidates += 1
                found.usable += trainable(candidate)
                found.cut_off += not candidate.ends
                found.control_tokens += _spells_control_token(candidate.text)
                found.raters.update(name for name in candidate.rater.split(",") if name)
                if candidate.source.agent:
                    found.agents.add(candidate.source.agent)
        return found


def _spells_control_token(text: str) -> bool:
    return CONTROL_TOKEN.search(text) is not None


def _cut_off(count: int, to: str) -> str:
    if not count:
        return ""
    column = _ENDS_COLUMNS.get(to)
    where = f", for which `{column}` is false" if column else ""
    return (
        f"- A limit of tokens cut {count} replies off in a sentence{where}. A trainer that appends "
        "an end-of-turn token to each reply, as TRL's do, teaches a model to end there: leave "
        "these rows out.\n"
    )


def _control_tokens(count: int, to: str) -> str:
    if not count:
        return ""
    done = "a blank breaks the spelling" if to != "groups" else "mind how a trainer reads them"
    return f"- {count} texts spell control tokens of models, such as `<|im_end|>`: {done}.\n"


def _title(kinds: Mapping[str, int]) -> str:
    simulated = kinds.keys() & set(KINDS)
    if simulated == kinds.keys():
        return "Rated replies of a simulated society"
    return "Rated replies" + (" of a simulated society, and others" if simulated else "")


def _header(counts: Mapping[str, int], features: Any, suffix: str) -> str:
    """Return the YAML by which `datasets` finds the files, their splits and their features."""
    from datasets import DatasetInfo, SplitDict, SplitInfo
    from datasets.info import DatasetInfosDict
    from huggingface_hub import DatasetCardData

    splits = SplitDict()
    for split, count in counts.items():
        splits.add(SplitInfo(split, num_bytes=0, num_examples=count))
    header = DatasetCardData(
        language=["en"],
        tags=["social-sandbox", "alignment", "preference"],
        configs=[
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"data/{split}.{suffix}"} for split in counts
                ],
            }
        ],
    )
    DatasetInfosDict(
        {"default": DatasetInfo(features=features, splits=splits)}
    ).to_dataset_card_data(header)
    return f"{header.to_yaml()}\n"


def _names(names: Sequence[str]) -> str:
    if not names:
        return "nobody named"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(map(plain, names[:5])) + more
