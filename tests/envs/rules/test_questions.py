import pytest

from social_sandbox.envs import (
    Question,
    UserError,
    World,
    held_out_questions,
    read_questions,
    society_questions,
)


@pytest.fixture
def file(tmp_path):
    def write(*lines):
        path = tmp_path / "mine.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return write


def test_a_line_needs_only_a_question(file):
    assert read_questions(file('{"question": " Why? "}')) == [Question("Why?")]


def test_a_line_may_have_all_optional_fields(file):
    line = '{"question": "¿Por qué?", "kind": "k", "good": "g", "bad": "b", "held_out": true}'
    assert read_questions(file(line)) == [Question("¿Por qué?", "k", "g", "b", held_out=True)]


def test_unknown_fields_are_ignored(file):
    assert read_questions(file('{"question": "Why?", "id": 7, "source": "me"}'))[0].text == "Why?"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"question": "  "}', "question"),
        ('{"text": "Why?"}', "question"),
        ('{"question": "Why?", "good": 3}', "good"),
        ('{"question": "Why?", "held_out": "no"}', "held_out"),
        ("Why?", ".*JSON"),
    ],
)
def test_a_wrong_line_is_named_with_its_field(file, line, problem):
    with pytest.raises(UserError, match=rf"questions: .*mine\.jsonl, line 2: {problem}"):
        read_questions(file('{"question": "Fine?"}', line))


def test_a_file_without_questions_is_refused(file):
    with pytest.raises(UserError, match="holds no question"):
        read_questions(file("", " "))


def test_a_missing_file_is_named():
    with pytest.raises(UserError, match=r"cannot read gone\.jsonl"):
        read_questions("gone.jsonl")


# --- The project's own questions ------------------------------------------------------------


def test_there_are_enough_questions_of_enough_kinds():
    questions, held_out = society_questions(), held_out_questions()
    assert len(questions) + len(held_out) >= 240
    assert len(held_out) >= 60
    assert len({question.kind for question in (*questions, *held_out)}) >= 12
    assert all(question.kind for question in (*questions, *held_out))


def test_every_question_has_a_good_and_a_bad_answer_that_differ():
    for question in (*society_questions(), *held_out_questions()):
        assert question.good
        assert question.bad
        assert question.good != question.bad, question.text


def test_no_question_occurs_twice():
    texts = [q.text.casefold() for q in (*society_questions(), *held_out_questions())]
    assert len(set(texts)) == len(texts)


def test_a_world_asks_the_projects_questions_by_default():
    assert World().questions == tuple(society_questions())


def test_a_world_refuses_held_out_questions():
    with pytest.raises(UserError, match="held-out"):
        World(questions=held_out_questions())
