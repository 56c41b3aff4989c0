"""A person who plays in the browser, while others are played by models."""

import asyncio
from collections.abc import Sequence

from social_sandbox.envs.rules.turns import Turn, Utterance
from social_sandbox.envs.rules.world import World

from ..browser.server import LOCAL
from ..policy import answer_all
from .seat import Seat
from .table import Table, table_at

PORT = 8422
"""The usual port. It stays the same, so that an open page goes on when the simulation is started
again."""


class HumanInBrowser:
    """Asks a person through a page; a rating that the person cannot give is recorded as missing.

    The server is started by `check`, or by the first turn, and serves all people of this process:
    each of them has a link with the own name. Two policies with one name are one person.
    """

    max_concurrency = 64
    """All turns wait at the person's seat, so that the page can say how many there are."""

    is_person = True
    """A rollout that fails does not wait for the person's answers."""

    def __init__(
        self, name: str = "human", host: str = LOCAL, port: int = PORT, open_browser: bool = True
    ) -> None:
        """Create the policy; see `person`."""
        self.name = name
        self._settings = (name, host, port, open_browser)
        self._seat: Seat | None = None

    def __reduce__(self) -> tuple[type["HumanInBrowser"], tuple[str, str, int, bool]]:
        """Make copies and pickles anew, since they share the seat of their name."""
        return type(self), self._settings

    @property
    def link(self) -> str:
        """The link to the person's page, whose server is started where it does not run yet."""
        self._sit()
        return self._table().link(self.name)

    def check(self) -> None:
        """Start the server; raise UserError if it cannot be started."""
        self._sit()

    def watch(self, worlds: Sequence[World]) -> None:
        """Show how far these worlds are; a rollout calls this before its first turn."""
        self._sit().watch(worlds)

    async def answer(self, turn: Turn) -> Utterance:
        """Return what the person says."""
        seat = self._sit()
        try:
            return await asyncio.wrap_future(seat.ask(turn))
        finally:
            seat.withdraw(turn)

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        """See `Policy.act`."""
        return answer_all(self, turns)

    def _sit(self) -> Seat:
        if self._seat is None:
            self._seat = self._table().seat(self.name, self._settings[-1])
        return self._seat

    def _table(self) -> Table:
        _, host, port, _ = self._settings
        return table_at(host, port)
