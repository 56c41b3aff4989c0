"""Remarks on a model's answers that a table does not show, a line each."""

from collections.abc import Callable, Sequence

from ..items import ItemResult


def remarks(results: Sequence[ItemResult]) -> list[str]:
    """Return how many answers of each benchmark are missing, refused by a server, or no choice.

    Where a request was repeated, the last result counts.
    """
    last = {result.place: result for result in results}
    lines = []
    for benchmark, part in dict.fromkeys((b, part) for b, part, _ in last):
        of_part = [r for (b, p, _), r in last.items() if (b, p) == (benchmark, part)]
        for applies, words in _REMARKS:
            some = [result for result in of_part if applies(result)]
            if some:
                why = f" ({some[0].details['error']})" if some[0].is_missing else ""
                lines.append(f"{benchmark}: {len(some)} of {len(of_part)} {words}{why}")
    return lines


_REMARKS: tuple[tuple[Callable[[ItemResult], bool], str], ...] = (
    (lambda r: r.is_missing and "answer" not in r.details, "have no answer, and no score"),
    (lambda r: r.is_missing and "answer" in r.details, "have an answer, but no verdict"),
    (lambda r: "unrated" in r.details, "have an answer that the judge did not rate"),
    (lambda r: "refused_by_server" in r.details, "were refused by the server"),
    (lambda r: "letter" in r.details and r.details["letter"] is None, "name no choice: wrong"),
)
