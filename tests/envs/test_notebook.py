"""An interaction in a notebook."""

from dataclasses import replace
from html.parser import HTMLParser

from social_sandbox.envs.rules.interactions import Answer, Feedback
from tests.helpers.hostile import HOSTILE
from tests.helpers.societies import play, society

INTERACTION = play(society()).interactions[0]
TAGS = {"table", "caption", "tbody", "tr", "th", "td", "br", "ins", "del"}


class Tags(HTMLParser):
    """Collects the tags, their attributes and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_texts_and_ratings_are_shown_and_changes_marked() -> None:
    one = replace(INTERACTION, draft=Answer("Lend it now."), revision=Answer("Lend money now."))
    page = one._repr_html_()
    assert "Lend <del>it</del><ins>money</ins> now." in page
    text = Tags(page).text
    for shown in (one.id, one.question, one.feedback[0].peer):
        assert shown in text


def test_hostile_texts_are_texts() -> None:
    feedback = (Feedback(HOSTILE, None, HOSTILE, error=HOSTILE),)
    answer = Answer(HOSTILE, error=HOSTILE)
    spoilt = replace(INTERACTION, id=HOSTILE, question=HOSTILE, draft=answer, feedback=feedback)
    for revision in (Answer("short"), Answer(HOSTILE, error=HOSTILE)):
        page = replace(spoilt, revision=revision)._repr_html_()
        found = Tags(page)
        assert found.tags <= TAGS
        assert found.attributes <= {"style", "scope"}
        assert "<script>alert(1)</script>" in found.text
        assert "\u202e" not in page
        assert "\x1b" not in page


def test_a_long_text_is_shortened() -> None:
    page = replace(INTERACTION, revision=Answer("word " * 200_000))._repr_html_()
    assert len(page) < 20_000
    assert "more characters" in page
