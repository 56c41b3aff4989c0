"""A person plays an agent of a society in a real browser, and others are played by a script."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.envs import Interaction, Question, World
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
        page.keyboard.press("w")
        page.keyboard.press("Control+Enter")
        rated, revised = 0, False
        while not revised:
            page.locator(".turn h1").wait_for()
            if page.get_by_role("heading", name="How good is this answer").count():
                page.keyboard.press("6")
                page.get_by_label("Your reason").fill(f"Honest {rated}.")
                assert rated or serious_violations(page) == []
                # The next turn is another one, with an empty form.
                key = page.locator(".card.answer").inner_text()
                page.get_by_role("button", name="Send").click()
                rated += 1
                page.wait_for_function(
                    "key => document.querySelector('.card.answer')?.innerText !== key", arg=key
                )
                continue
            page.get_by_role("heading", name="What do you answer now?").wait_for()
            assert page.locator(".opinion").count() > 0
            assert serious_violations(page) == []
            page.get_by_label("Your answer").fill("I would ask her, and listen.")
            page.get_by_role("button", name="Send").click()
            revised = True
        while not finished:
            page.wait_for_timeout(50)
            if page.get_by_role("heading", name="How good is this answer").count():
                page.keyboard.press("2")
                page.keyboard.press("Enter")
    page.get_by_role("heading", name="Thank you, the society has finished").wait_for()
    own = of_agent(finished, "social_0")
    assert (own.draft.text, own.draft.policy) == ("I would ask her first.", "Ann")
    assert own.revision.text == "I would ask her, and listen."
    given = [f for i in finished for f in i.feedback if f.peer == "social_0"]
    assert {feedback.rating for feedback in given} <= {6, 2}
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
    for answers in range(4):
        page.locator(".turn h1").wait_for()
        page.get_by_label("Your answer").fill(f"Answer {answers}.")
        page.get_by_role("button", name="Send").click()
        page.wait_for_function("() => !document.querySelector('textarea')?.value")
    page.get_by_role("heading", name="The others are speaking").wait_for()
    assert serious_violations(page) == []
    page.goto(bob.link)
    for _ in range(8):
        page.get_by_text("I cannot rate this").click()
        turn = page.locator(".turn").inner_text()
        page.get_by_role("button", name="Send").click()
        page.wait_for_function(
            "turn => document.querySelector('.turn')?.innerText !== turn", arg=turn
        )
    page.get_by_role("heading", name="Thank you").wait_for()
    thread.join(10)
    interactions = [each for world in worlds for each in world.interactions]
    ratings = {o.rating for each in interactions for o in each.observations}
    assert len(interactions) == 2
    assert ratings == {None}
