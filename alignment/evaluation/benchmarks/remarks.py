"""What a table does not show of a model's answers, in a line a benchmark."""

from collections.abc import Callable, Sequence

from .items import ItemResult


def remarks(results: Sequence[ItemResult]) -> list[str]:
    """How many answers never came, were refused by the server, or name no choice; if any did so.

    Where an item was asked again, its last result counts.
    """
    last = {(r.benchmark, r.part, r.item): r for r in results}
    lines = []
    for benchmark, part in dict.fromkeys((b, part) for b, part, _ in last):
        own = [r for (b, p, _), r in last.items() if (b, p) == (benchmark, part)]
        for is_one, words in _KINDS:
            some = [result for result in own if is_one(result)]
            if some:
                why = f" ({some[0].details['error']})" if some[0].is_missing else ""
                lines.append(f"{benchmark}: {len(some)} of {len(own)} {words}{why}")
    return lines


_KINDS: tuple[tuple[Callable[[ItemResult], bool], str], ...] = (
    (lambda r: r.is_missing and "answer" not in r.details, "have no answer, and no score"),
    (lambda r: r.is_missing and "answer" in r.details, "have an answer, but no verdict"),
    (lambda r: "unrated" in r.details, "have an answer that the judge did not rate"),
    (lambda r: "refused_by_server" in r.details, "were refused by the server"),
    (lambda r: "letter" in r.details and r.details["letter"] is None, "name no choice: wrong"),
)
