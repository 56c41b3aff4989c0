"""What a rollout shows while it runs."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from social_sandbox.envs import Phase, Turn, Utterance, World
from social_sandbox.policies.society import progress as module
from social_sandbox.policies.society.account import Account
from social_sandbox.policies.society.progress import RolloutProgress
from social_sandbox.policies.society.rollout import rollout
from social_sandbox.policies.terminal import Terminal
from tests.helpers.hostile import HOSTILE
from tests.helpers.societies import society


class Screen:
    """A terminal of 80 columns that keeps what it was sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool = True) -> None:
        self.file = io.StringIO()
        self._is_terminal = is_terminal
        monkeypatch.setattr(module, "Terminal", self.terminal)

    def terminal(self, **options: Any) -> Console:
        return Terminal(
            file=self.file,
            width=80,
            force_terminal=self._is_terminal,
            color_system=None,
            legacy_windows=False,
            **options,
        )

    @property
    def text(self) -> str:
        return self.file.getvalue()


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch)


def speaker(turn: Turn) -> Utterance:
    rated = turn.phase in (Phase.FEEDBACK, Phase.OBSERVE)
    return Utterance(f"{turn.phase} {HOSTILE}", 5.0 if rated else None)


def played(world: World, show: Any) -> Iterator[RolloutProgress]:
    """Play a world, and yield its progress after each answer."""
    account = Account.of([world])
    with RolloutProgress([world], account, show=show) as bar:
        while turn := world.first_pending():
            utterance = speaker(turn)
            bar.add_answers([(turn, utterance)])
            interaction = world.submit(turn.id, utterance)
            if interaction:
                bar.add_interaction(interaction)
            yield bar


def lines(bar: RolloutProgress, screen: Screen) -> list[str]:
    console = screen.terminal()
    with console.capture() as capture:
        for part in bar._bar.get_renderables():
            console.print(part)
    return capture.get().splitlines()


def test_the_bar_moves_with_each_turn_and_ends_full(screen: Screen) -> None:
    world = society(grid_size=2, n_rounds=2)
    done = [bar._bar.tasks[0].percentage for bar in played(world, True)]
    assert done == sorted(done)
    assert 0 < done[0] < done[1]
    assert done[-1] == 100


def test_the_line_tells_phase_count_and_time_left(screen: Screen) -> None:
    for bar in played(society(grid_size=2, n_rounds=2), True):
        first, *_, last = lines(bar, screen)
    assert first.startswith("round 1 of 0-1 observe ")
    assert "100% 8/8 0:00:00" in first
    assert first.rstrip().endswith("left")
    assert "alignment 5.00>5.00" in last
    # The terminal writes ^C behind the last line, which must not begin a new one.
    assert len(last.rstrip()) <= 76


def test_full_shows_the_last_interaction_shortly_and_safely(screen: Screen) -> None:
    world = society(grid_size=2)
    for bar in played(world, "full"):
        if len(world.interactions) != 1:
            continue
        shown = lines(bar, screen)
        assert len(shown) <= 13
        assert max(map(len, shown)) <= 80
        text = "\n".join(shown)
        assert world.interactions[0].id in text
        assert world.interactions[0].question in text
        assert "alignment 5.00>5.00" in text
        assert "[-draft-]{+revise+}" in text
        assert "\x1b]" not in text
        assert "\u202e" not in text
    # What remains on the screen is the bar.
    assert len(lines(bar, screen)) == 2


def test_without_full_no_interaction_is_shown(screen: Screen) -> None:
    for bar in played(society(grid_size=2), True):
        assert len(lines(bar, screen)) == 2


def test_a_pipe_gets_the_last_state_once(monkeypatch: pytest.MonkeyPatch) -> None:
    piped = Screen(monkeypatch, is_terminal=False)
    rollout([society(grid_size=2)], speaker, progress="full")
    assert piped.text.count("4/4") == 1
    assert "\x1b" not in piped.text
    assert "revision" not in piped.text


def test_false_shows_nothing(screen: Screen) -> None:
    rollout([society(grid_size=2)], speaker, progress=False)
    assert not screen.text
