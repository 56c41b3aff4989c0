"""A person plays an agent of a society in a real browser, and others are played by a script."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.envs import Interaction, Phase, Question, Turn, Utterance, World
from social_sandbox.policies.human import HumanInBrowser
from social_sandbox.policies.scripted import ScriptedPolicy
from social_sandbox.policies.society.population import Player, Population
from social_sandbox.policies.society.simulate import simulate
from tests.helpers.browser import serious_violations
from tests.helpers.societies import society

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202etxt.exe \x07 {{7*7}}"


@contextmanager
def played(folder: Path, world: World, people: dict[str, HumanInBrowser]) -> Iterator[list[Any]]:
    """Play a world in a thread; the interactions are in the list when the context has ended."""
    scripted = ScriptedPolicy()
    players = [Player(policy=policy, select=agent) for agent, policy in people.items()]
    population = Population(scripted, scripted, players)
    finished: list[Any] = []
    thread = threading.Thread(
        target=lambda: finished.extend(simulate([world], population, folder)), daemon=True
    )
    thread.start()
    yield finished
    thread.join(20)
    assert not thread.is_alive()


NEXT = """key => {
  const turn = document.querySelector(".turn");
  if (turn) return turn.dataset.key !== key;
  return document.querySelector(".sheet h1")?.textContent.startsWith("Thank");
}"""


def next_turn(page: Any, key: str | None) -> str | None:
    """Wait for another turn than the one with this key; return its key, None at the end."""
    page.wait_for_function(NEXT, arg=key)
    turn = page.locator(".turn")
    return str(turn.get_attribute("data-key")) if turn.count() else None


def of_agent(interactions: Sequence[Interaction], agent: str) -> Interaction:
    return next(each for each in interactions if each.agent == agent)


def test_a_person_plays_a_round_and_reloads_in_the_middle(page: Any, tmp_path: Path) -> None:
    ann = HumanInBrowser("Ann", port=0, open_browser=False)
    questions = [Question(f"{HOSTILE} {n}", kind="daily") for n in range(4)]
    world = society(grid_size=2, questions=questions)
    with played(tmp_path, world, {"social_0": ann}) as finished:
        page.goto(ann.link)
        page.get_by_role("heading", name="What do you answer?").wait_for()
        assert HOSTILE[:40] in page.locator(".asked").inner_text()
        assert page.locator(".asked img, .asked script").count() == 0
        assert serious_violations(page) == []
        page.get_by_label("Your answer").fill("I would ask her first.")
        page.reload()
        assert page.get_by_label("Your answer").input_value() == "I would ask her first."
        key = next_turn(page, None)
        page.keyboard.press("w")
        page.keyboard.press("Control+Enter")
        rated = 0
        while key := next_turn(page, key):
            assert serious_violations(page) == []
            if page.get_by_role("heading", name="How good is this answer").count():
                page.keyboard.press("6")
                page.get_by_label("Your reason").fill(f"Honest {rated}.")
                rated += 1
            else:
                assert page.locator(".opinion").count() > 0
                page.get_by_label("Your answer").fill("I would ask her, and listen.")
            page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="Thank you, the society has finished").wait_for()
    own = of_agent(finished, "social_0")
    assert (own.draft.text, own.draft.policy) == ("I would ask her first.", "Ann")
    assert own.revision.text == "I would ask her, and listen."
    given = [f for i in finished for f in i.feedback if f.peer == "social_0"]
    assert {feedback.rating for feedback in given} == {6}
    assert "Honest 0." in {feedback.reason for feedback in given}


def test_two_people_of_one_society_have_a_link_each(
    browser: Any, page: Any, tmp_path: Path
) -> None:
    ann, bob = (HumanInBrowser(name, port=0, open_browser=False) for name in ("Ann", "Bob <b>"))
    rules = {"grid_size": 1, "n_observers": 1}
    worlds = [society(name=name, **rules) for name in ("world_0", "world_1")]
    assert ann.link.partition("?")[0] == bob.link.partition("?")[0]
    population = Population(
        players=[Player(policy=ann, select="social_*"), Player(policy=bob, select="observer_*")]
    )
    thread = threading.Thread(target=lambda: simulate(worlds, population, tmp_path), daemon=True)
    thread.start()
    page.goto(ann.link)
    key = None
    for answers in range(4):
        key = next_turn(page, key)
        page.get_by_label("Your answer").fill(f"Answer {answers}.")
        page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="The others are speaking").wait_for()
    assert serious_violations(page) == []
    page.goto(bob.link)
    key = None
    while key := next_turn(page, key):
        page.get_by_text("I cannot rate this").click()
        page.get_by_role("button", name="Send").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    thread.join(10)
    interactions = [each for world in worlds for each in world.interactions]
    ratings = {o.rating for each in interactions for o in each.observations}
    assert len(interactions) == 2
    assert ratings == {None}


class Failing(ScriptedPolicy):
    """Fails when it is asked to rate."""

    def act(self, turns: Sequence[Turn]) -> list[Utterance]:
        if turns[0].phase is Phase.FEEDBACK:
            raise OSError("the server is gone")
        return super().act(turns)


def test_a_page_goes_on_after_a_society_that_has_failed(page: Any, tmp_path: Path) -> None:
    ann = HumanInBrowser("Ann again", port=0, open_browser=False)

    def population(others: ScriptedPolicy) -> Population:
        return Population(others, others, [Player(policy=ann, select="social_0")])

    # Nobody has opened the page: the failure is told at once, and does not wait for Ann.
    with pytest.raises(OSError, match="the server is gone"):
        simulate([society(grid_size=2)], population(Failing()), tmp_path)
    world, finished = society(grid_size=2), []
    thread = threading.Thread(
        target=lambda: finished.extend(simulate([world], population(ScriptedPolicy()), tmp_path)),
        daemon=True,
    )
    thread.start()
    page.goto(ann.link)
    while thread.is_alive():
        if page.get_by_label("Your answer").count():
            page.get_by_label("Your answer").fill("Kindly.")
            page.keyboard.press("Control+Enter")
        elif page.get_by_text("I cannot rate this").count():
            page.get_by_text("I cannot rate this").click()
            page.get_by_role("button", name="Send").click()
        page.wait_for_timeout(100)
    page.get_by_role("heading", name="Thank you").wait_for()
    assert of_agent(finished, "social_0").draft.text == "Kindly."
