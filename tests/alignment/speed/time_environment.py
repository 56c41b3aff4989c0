"""Timings of a society and two board games: `pytest tests/alignment/speed/time_environment.py`."""

from typing import Any

import pytest

from social_sandbox.alignment.speed import environment

TURNS = 2_000
FACES = {
    "World": environment.world_turn,
    "AEC": environment.aec_turn,
    "Parallel": environment.parallel_turn,
}


@pytest.mark.parametrize("side", [4, 10, 32])
@pytest.mark.parametrize("face", FACES)
def test_society(benchmark: Any, face: str, side: int) -> None:
    benchmark.group = f"{side * side} agents, {TURNS} turns or a round"
    benchmark.pedantic(FACES[face], (side, TURNS), rounds=5, warmup_rounds=1)


@pytest.mark.parametrize("game", ["tictactoe_v3", "connect_four_v3"])
def test_board_game(benchmark: Any, game: str) -> None:
    pytest.importorskip("pygame")
    benchmark.group = f"{TURNS} steps of a game"
    benchmark.pedantic(environment.game_step, (game, TURNS), rounds=5, warmup_rounds=1)
