"""One interaction in full, from the question to the ratings of the revision."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from social_sandbox.envs.rules.interactions import Answer, Feedback, Interaction, Observation
from social_sandbox.envs.rules.turns import ASPECTS, JUDGED, Tokens
from social_sandbox.envs.text.texts import for_terminal
from social_sandbox.policies.changed_text import marked

from ..runtime.tables import signed, table, value

LONGEST = 4_000
"""Most characters of one text, unless all of it is asked for."""


def interaction_text(interaction: Interaction, *, longest: int | None = LONGEST) -> RenderableType:
    """Return all that an interaction holds, for a terminal of any width.

    Args:
        interaction: The interaction.
        longest: Most characters that are shown of one text; None: all.
    """
    return Group(*_parts(interaction, longest))


def shortened(text: str, longest: int | None) -> str:
    """Return the beginning of a long text, and how much more there is."""
    if longest is None or len(text) <= longest:
        return text
    return f"{text[:longest]} [... {len(text) - longest:,} more characters: --full]"


def _parts(interaction: Interaction, longest: int | None) -> Iterator[RenderableType]:
    row, column = interaction.position
    yield Text(interaction.id, style="bold")
    yield Text(
        f"round {interaction.round}, {interaction.agent} at row {row}, column {column} "
        f"of {interaction.world}, born with {interaction.view} views"
    )
    kind = f" ({interaction.kind})" if interaction.kind else ""
    yield _heading(f"Question{kind}")
    yield _body(interaction.question, longest)
    memory = interaction.memory
    if memory:
        yield _heading("Memory", f"a similar question, at cosine distance {memory.distance:.2f}")
        yield _body(memory.question, longest)
        yield _heading("What the agent answered then")
        yield _body(memory.answer, longest)
    else:
        yield _heading("Memory", "nothing similar came to mind")
    yield _heading("Draft", _notes(interaction.draft))
    yield _body(interaction.draft.text, longest)
    yield from _feedback(interaction, longest)
    yield from _revision(interaction, longest)
    yield from _ratings(interaction, longest)


def _feedback(interaction: Interaction, longest: int | None) -> Iterator[RenderableType]:
    if not interaction.feedback:
        yield _heading("Feedback", "no peer was there")
        return
    yield _heading("Feedback as the agent read it", f"ratings on 1 to {interaction.rating_scale}")
    for one in interaction.feedback:
        rating = "no rating" if one.rating is None else f"rating {one.rating:.2f}"
        line = Text.assemble(("  " + one.peer, "bold"), f": {rating}")
        notes = _notes(one)
        yield line.append(f" ({notes})", style="dim") if notes else line
        yield _body(one.reason, longest, indent=4, empty="(no reason)")
    if interaction.mean_rating is None:
        yield Text("  no peer gave a rating")
    else:
        yield Text(f"  mean of the peers: {interaction.mean_rating:.2f}")


def _revision(interaction: Interaction, longest: int | None) -> Iterator[RenderableType]:
    draft, revision = interaction.draft.text, interaction.revision.text
    yield _heading("Revision", _notes(interaction.revision))
    yield _body(revision, longest)
    if draft == revision:
        yield _heading("Changes", "none: the revision is the draft")
        return
    yield _heading("Changes", "[-left out-] {+added+}")
    yield Padding(
        marked(shortened(draft, longest), shortened(revision, longest)), (0, 0, 0, 2), expand=False
    )


def _ratings(interaction: Interaction, longest: int | None) -> Iterator[RenderableType]:
    if not interaction.observations:
        yield _heading("Observers", "nobody observed")
        return
    played = ", ".join(dict.fromkeys(each.policy for each in interaction.observations))
    by = f", by {played}" if played else ""
    yield _heading("Observers", f"ratings on 1 to {interaction.rating_scale}{by}")
    ratings = table("", *JUDGED, "change", numbers=(*JUDGED, "change"))
    observers = dict.fromkeys(each.observer for each in interaction.observations)
    for aspect in ASPECTS:
        for observer in observers:
            of_observer = {
                each.judged: each
                for each in interaction.observations
                if each.observer == observer and each.aspect == aspect
            }
            draft, revision = (_rating(of_observer.get(judged)) for judged in JUDGED)
            change = None if draft is None or revision is None else revision - draft
            ratings.add_row(f"{aspect}, {observer}", value(draft), value(revision), signed(change))
        if len(observers) > 1:
            both = [interaction.rating(aspect, judged) for judged in JUDGED]
            change = interaction.change(aspect)
            ratings.add_row(f"{aspect}, mean", *map(value, both), signed(change))
    yield Padding(ratings, (0, 0, 0, 2), expand=False)
    for each in interaction.observations:
        notes = f"error: {each.error}" if each.error else ""
        if each.reason or notes or each.rating is None:
            what = f"{each.observer} on {each.aspect} of the {each.judged}"
            missing = "no rating" if each.rating is None else ""
            words = "; ".join(filter(None, (missing, notes)))
            yield Text(f"  {what}" + (f": {words}" if words else ""))
            if each.reason:
                yield _body(each.reason, longest, indent=4)
    yield Text(f"  reward of the agent: {interaction.reward:+.2f}")


def _rating(observation: Observation | None) -> float | None:
    return observation.rating if observation else None


def _notes(spoken: Answer | Feedback | Observation) -> str:
    """Return who spoke, at what cost, and what went wrong."""
    notes = [spoken.policy, _cost(spoken.tokens)]
    if getattr(spoken, "cut_off", False):
        notes.append("cut off by the limit of tokens")
    if spoken.error:
        notes.append(f"error: {spoken.error}")
    return ", ".join(filter(None, notes))


def _cost(tokens: Tokens) -> str:
    if not (tokens.prompt or tokens.completion):
        return ""
    usd = f", {tokens.usd:.4g} USD" if tokens.usd else ""
    again = f", {tokens.retries} requests repeated" if tokens.retries else ""
    return f"{tokens.prompt} tokens read and {tokens.completion} written{again}{usd}"


def _heading(name: str, notes: str = "") -> Text:
    line = Text.assemble("\n", (name, "bold"))
    return line.append(f"  {notes}", style="dim") if notes else line


def _body(
    text: str, longest: int | None, *, indent: int = 2, empty: str = "(empty)"
) -> RenderableType:
    text = for_terminal(text).strip("\n")
    shown = shortened(text, longest) if text.strip() else empty
    return Padding(Text(shown, overflow="fold"), (0, 0, 0, indent), expand=False)
