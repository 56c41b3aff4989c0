"""A person as a policy, at the terminal or in the browser."""

from typing import Any, Literal

from social_sandbox.envs.errors import UserError

from .browser import PORT, HumanInBrowser
from .terminal import HumanPolicy

__all__ = ["PORT", "HumanInBrowser", "HumanPolicy", "person"]

Where = Literal["terminal", "browser"]


def person(
    name: str = "human",
    where: Where = "terminal",
    host: str = "127.0.0.1",
    port: int = PORT,
    open_browser: bool = True,
) -> Any:
    """Return the policy of a person.

    Args:
        name: Name in the records and, in the browser, in the link.
        where: Whether the person plays at this `terminal` or in a `browser`.
        host: Name or address at which the page is served.
        port: Port of the page; 0: any free one.
        open_browser: Whether to open the page in this machine's browser.

    Raises:
        UserError: There is no such place.
    """
    if where == "terminal":
        return HumanPolicy(name)
    if where == "browser":
        return HumanInBrowser(name, host, port, open_browser)
    raise UserError(f"policy.where: must be terminal or browser, got {where!r}")
