"""Texts that are printed act on no terminal."""

import io

import pytest
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from social_sandbox.envs.text.texts import for_terminal
from social_sandbox.policies.terminal import Terminal

EVIL = [
    "\x1b[2J\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07clip",
    "\x9b2Jcsi",
    "\x9d52;c;ZXZpbA==\x9cosc",
    "\x1bPq#0\x1b\\sixel",
    "\x1bcreset",
    "over\rwritten",
    "back\x08space\x07",
    "right \u202eot tfel\u202c",
    "\u2066isolate\u2069\u200f",
    "half \ud800 a character",
    "nul\0",
    "[red]no markup[/red] [link=http://evil.example]x[/link] :smile:",
    "[/]",
]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_obeys_no_text(evil: str, terminal: bool) -> None:
    out = io.StringIO()
    console = Terminal(file=out, force_terminal=terminal, color_system=None, width=200)
    table = Table("head", evil, title=evil)
    table.add_row(evil, Text(evil))
    for shown in (evil, Text(evil), table, Panel(Text(evil), title=Text(evil))):
        console.print(shown)
    console.print(f"{evil}", style="red", soft_wrap=True)
    console.rule(evil)
    written = out.getvalue()
    written.encode()
    assert not any(mark in written for mark in "\x1b\x9b\x9d\x90\x07\x08\r\0\u202e\u2066\u200f")
    if "[" in evil and "\x1b" not in evil:
        assert evil in written


def test_of_a_sequence_nothing_is_left() -> None:
    out = io.StringIO()
    Terminal(file=out).print(f"a {EVIL[2]} b {EVIL[4]} c {EVIL[1]} d", highlight=False)
    assert out.getvalue() == "a clip b osc c link d\n"


def test_own_styles_are_kept() -> None:
    out = io.StringIO()
    console = Terminal(file=out, force_terminal=True, color_system="standard")
    console.print("text", style="red", highlight=False)
    assert out.getvalue() == "\x1b[31mtext\x1b[0m\n"


def test_a_terminal_that_cannot_write_a_letter_shows_a_question_mark() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Terminal(file=out).print("caf\u00e9")
    out.flush()
    assert out.buffer.getvalue() == b"caf?\n"  # type: ignore[attr-defined]


def test_other_scripts_and_combined_letters_stay_as_they_are() -> None:
    for text in (
        "\u0628\u0627\u0631 \u05d0\u05d1",
        "e\u0301",
        "\u200d\U0001f469\u200d\U0001f52c",
        "tab\there",
    ):
        assert for_terminal(text) == text
    assert for_terminal("a\r\nb\u2028c") == "a\nb\nc"
