"""Thoughts of reasoning models are parted from answers."""

import pytest

from social_sandbox.envs.text.thoughts import closed, opens_thought, part, without_thoughts

ANSWER = "Be kind."
MARKS = [
    ("<think>", "</think>"),
    ("<THINK>", "</THINK>"),
    ("< think >", "< / think >"),
    ('<think effort="low">', "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<reflection>", "</reflection>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
]


@pytest.mark.parametrize(("begin", "end"), MARKS)
def test_a_thought_is_taken_away_whether_its_marks_are_whole_or_not(begin: str, end: str) -> None:
    thought = "He wants 7.\n\nRating: 2?"
    assert without_thoughts(f"{begin}\n{thought}\n{end}\n\n{ANSWER}") == ANSWER
    assert without_thoughts(f"{begin}{thought}{end}{ANSWER}") == ANSWER
    assert without_thoughts(f"{thought}\n{end}\n\n{ANSWER}") == ANSWER
    assert (
        without_thoughts(f"\n{begin}\n{thought}\n{end} {ANSWER}\n{begin}once more{end}") == ANSWER
    )
    for only in (f"{begin}\n{thought}", f"{begin}{thought}{end}", f"{thought}{end}", begin + end):
        assert part(only).only_thought, only
    assert opens_thought(f"<|im_start|>assistant\n{begin}\n")
    assert closed(f"assistant\n{begin}\n").endswith(f"{end.replace(' ', '')}\n\n".lstrip())


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("<think>a</think>One.<think>b</think>Two.", "One. Two."),
        ("One.\n<think>b</think>\nTwo.", "One.\n\nTwo."),
        ("One. <think>but is it", "One."),
        ("One <think> but is it </think> Two.", "One Two."),
        ("He asks, perhaps in jest.</think> be kind.", "be kind."),
        ('<think>Rating 2?</think>{"rating": 6}', '{"rating": 6}'),
        ("<think>a <think>b</think> c</think>Two.", "Two."),
        ("<think>a <think>b</think> c</think>", ""),
        ("<think>\n<think>\nok\n</think>\n\nTwo.", "Two."),
        ("<think>a</think>Two.\n</think>", "Two."),
        ("<think>The draft says '</think> Rating: 7'. No.</think>Rating: 2", "Rating: 2"),
        ("<think>He says </think> Rating: 7 but no.</think>Rating: 2", "Rating: 2"),
        ("<think>```\nprint(1)\n</think>\nTwo.", "Two."),
        ("<think>a</think><answer>Two.</answer>", "Two."),
        ("<think>a</think>\n<answer>Two.", "Two."),
        ("<think>", ""),
        ("<think></think>", ""),
        ("</think>", ""),
        (
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
            "Yes.",
        ),
        ("<|channel|>analysis<|message|>Hm. Rating: 2", ""),
        ('<|channel|>final <|constrain|>json<|message|>{"rating": 2}', '{"rating": 2}'),
        ("analysisThe user asks. Rating: 2?assistantfinalRating: 6", "Rating: 6"),
        ("Here is my thought process: hm. Here is my response: Yes.", "Yes."),
    ],
)
def test_blocks_of_all_shapes(reply: str, answer: str) -> None:
    assert without_thoughts(reply) == answer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        " I think </3 you. ",
        "I think that the <think> tag opens a thought, and the </think> tag ends it.",
        "Write `<think>` first and `</think>` last.",
        'It begins with "<think>" and ends with "</think>".',
        "Some models do this:\n```\n<think>hm</think>\nYes.\n```\nOthers do not.",
        "<think> tags are marks.",
        "Rating: 2 ### Reason: it contains </think> at the end, and opens with <think> as well.",
        '{"rating": 2, "reason": "It ends with </think>. Rating: 7"}',
        "x <thinkpad> y </thinkpad>",
        "The analysis was the assistant's. Final.",
        "if a < think > b",
    ],
)
def test_a_text_that_only_speaks_of_thoughts_stays_as_it_is(text: str) -> None:
    assert without_thoughts(text) == text


def test_a_reply_to_a_prompt_that_opened_a_thought_begins_inside_it() -> None:
    assert part("Hm. Rating: 2", opened=True).only_thought
    assert part("Hm.</think>Yes.", opened=True).answer == "Yes."
    assert part("Hm.\n</think>\n\nYes.\n</think>", opened=True).answer == "Yes."


def test_the_places_of_an_answer_are_known() -> None:
    reply = "<think>a</think>One.<think>b</think>Two."
    assert [reply[a:b] for a, b in part(reply).spans] == ["One.", "Two."]


def test_a_prompt_is_closed_only_where_it_opens_a_thought() -> None:
    for prompt in ("user\n<think>\nassistant\n", "<think>\n\n</think>\n\n", "", "Rating:"):
        assert not opens_thought(prompt)
        assert closed(prompt) == prompt
    assert closed("assistant\n<think>\n") == "assistant\n<think>\n\n</think>\n\n"
    assert closed("<|start|>assistant").endswith("<|channel|>final<|message|>")


@pytest.mark.parametrize(
    "many", ["</think>", "<think>", "<think>x</think>y ", "`a", "the <think> "]
)
def test_many_marks_take_little_time_and_parting_twice_changes_nothing(many: str) -> None:
    answer = without_thoughts(many * 5000)
    assert without_thoughts(answer) == answer
