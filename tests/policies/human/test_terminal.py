import io
from dataclasses import replace

import pytest

from social_sandbox.envs import Phase, UserError
from social_sandbox.policies.human import HumanPolicy
from social_sandbox.policies.testing import example_turns


def typing(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_a_person_answers_and_rates(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typing(monkeypatch, "Ask her.", "nine", "9", "6.5", "It is [bold]honest", "", "No idea.")
    turns = [*example_turns([Phase.DRAFT])[:1], *example_turns([Phase.FEEDBACK])[:2]]
    utterances = HumanPolicy().act(turns)
    assert [(u.text, u.rating) for u in utterances] == [
        ("Ask her.", None),
        ("It is [bold]honest", 6.5),
        ("No idea.", None),
    ]
    assert "May I read her diary?" in capsys.readouterr().err


def test_a_person_rates_on_the_scale_of_the_society(monkeypatch: pytest.MonkeyPatch) -> None:
    typing(monkeypatch, "11", "9", "Well said.")
    (turn,) = example_turns([Phase.FEEDBACK])[:1]
    (utterance,) = HumanPolicy().act([replace(turn, rating_scale=10)])
    assert utterance.rating == 9


def test_a_person_needs_a_terminal_and_input(monkeypatch: pytest.MonkeyPatch) -> None:
    typing(monkeypatch)
    with pytest.raises(UserError, match="needs a terminal"):
        HumanPolicy().check()
    with pytest.raises(UserError, match="the input has ended"):
        HumanPolicy().act(example_turns([Phase.DRAFT]))


def test_a_person_types_numbers_as_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    typing(monkeypatch, "5,5", "", "\u0666", "", "5_0", "4", "\udce4")
    turns = example_turns([Phase.FEEDBACK])[:1] * 3
    utterances = HumanPolicy().act(turns)
    assert [u.rating for u in utterances] == [5.5, 6, 4]
    utterances[-1].text.encode()


def test_a_person_sees_the_words_of_others_as_such(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typing(monkeypatch, "5", "")
    (turn,) = example_turns([Phase.FEEDBACK])[:1]
    HumanPolicy().act([replace(turn, answer="\x1b[2JNo.\nQuestion: [red]another[/red]?")])
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert "Answer: No." in shown
    assert "> Question: [red]another[/red]?" in shown
