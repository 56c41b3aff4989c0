import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from social_sandbox.envs import Phase, Turn, UserError
from social_sandbox.policies.huggingface.policy import HuggingFacePolicy
from social_sandbox.policies.prompts.prompts import PREFILL, REASON, Prompt, prompt_for

QUESTIONS = ["how are you ?", "please help me with this", "i am fine", "never go away of course"]


def turns(phase: Phase, count: int = 4) -> list[Turn]:
    draft = Turn(
        id="", world="w", round=0, agent="a", subject="a", phase=phase, question="", seed=0
    )
    return [
        replace(
            draft, id=str(n), seed=n, question=QUESTIONS[n % 4] * (n + 1), answer="no thank you"
        )
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model on disk, whose tokenizer knows the digits."""
    from tests.helpers.tiny import tiny_llama, tiny_tokenizer

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["Rating:", *"1234567"])
    tiny_llama(len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def policy(folder: Path) -> Callable[..., HuggingFacePolicy]:
    def make(**options: Any) -> HuggingFacePolicy:
        settings = {"dtype": "float32", "device": "cpu", "max_new_tokens": 12, "reason_tokens": 6}
        return HuggingFacePolicy(str(folder), **{**settings, **options})

    return make


Make = Callable[..., HuggingFacePolicy]


pytestmark = pytest.mark.usefixtures("sharing")


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("phase", [Phase.DRAFT, Phase.FEEDBACK, Phase.REVISE])
def test_an_answer_does_not_depend_on_the_batch(
    policy: Make, phase: Phase, temperature: float
) -> None:
    batch = turns(phase, 7)
    together = policy(temperature=temperature).act(batch)
    alone = [policy(temperature=temperature, max_batch=1).act([turn])[0] for turn in batch]
    backwards = policy(temperature=temperature, max_batch=3).act(batch[::-1])[::-1]
    assert [u.text for u in together] == [u.text for u in alone] == [u.text for u in backwards]
    assert [u.rating for u in together] == pytest.approx([u.rating for u in alone], abs=1e-3)


def test_the_seed_of_the_turn_determines_the_sample(policy: Make) -> None:
    (turn,) = turns(Phase.DRAFT, 1)
    texts = {policy(temperature=1.0).act([replace(turn, seed=n)])[0].text for n in range(5)}
    assert len(texts) == 5
    assert len({policy(temperature=0).act([replace(turn, seed=n)])[0].text for n in range(5)}) == 1


def test_phases_may_be_mixed_in_a_batch(policy: Make) -> None:
    mixed = [turns(phase, 1)[0] for phase in Phase]
    utterances = policy().act(mixed)
    assert [utterance.rating is not None for utterance in utterances] == [False, True, False, True]
    assert [bool(u.tokens.completion) for u in utterances] == [True, True, True, False]


def test_no_turns_give_no_utterances(policy: Make) -> None:
    assert policy().act([]) == []


def test_an_expected_rating_is_the_mean_over_the_digits(policy: Make, folder: Path) -> None:
    import torch

    player = policy()
    prompt = prompt_for(turns(Phase.OBSERVE, 1)[0])
    ((rating, _),) = player.judge([prompt], [0], reasons=False)
    ids = player.tokenizer(player.render(prompt), return_tensors="pt", add_special_tokens=False)
    logits = player.model(**ids).logits[0, -1]
    digits = player.tokenizer.convert_tokens_to_ids(list("1234567"))
    expected = (logits[digits].softmax(-1) * torch.arange(1, 8)).sum().item()
    assert rating == pytest.approx(expected, abs=1e-3)


@pytest.fixture(scope="module", params=["10 is one token", "10 is two tokens"])
def on_ten(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A tiny random model that can write 10."""
    from tests.helpers.tiny import tiny_llama, tiny_tokenizer

    folder = tmp_path_factory.mktemp("ten")
    tokenizer = tiny_tokenizer()
    whole = request.param == "10 is one token"
    tokenizer.add_tokens(["Rating:", *(["10"] if whole else []), *"1234567890"])
    tiny_llama(len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    length = len(tokenizer("10")["input_ids"])
    assert length == (1 if whole else 2)
    return lambda **options: HuggingFacePolicy(
        str(folder), dtype="float32", device="cpu", reason_tokens=6, **options
    )


def test_a_10_of_one_token_or_two_counts_on_a_scale_of_ten(on_ten: Make) -> None:
    import torch

    player = on_ten()
    prompts = [prompt_for(replace(t, rating_scale=10)) for t in turns(Phase.OBSERVE)]
    judged = player.judge(prompts, [0] * len(prompts), reasons=False, rating_scale=10)
    for prompt, (rating, _) in zip(prompts, judged, strict=True):
        # By definition: the probability of each number, and of the tokens that follow the 1.
        probabilities = []
        for number in range(1, 11):
            text = player.render(prompt)
            before = player.tokenizer(text, add_special_tokens=False)["input_ids"]
            ids = player.tokenizer(f"{text} {number}", add_special_tokens=False)["input_ids"]
            log = player.model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
            places = range(len(before), len(ids))
            probabilities.append(sum(log[at - 1, ids[at]] for at in places).exp())
            if number == 1 and not player.engine.shared.rating_tokens(10).probe:
                zero = 0.0
            elif number == 1:
                zero = log[-1, player.tokenizer.convert_tokens_to_ids("0")].exp()
        probabilities[0] = probabilities[0] * (1 - zero)
        shares = torch.stack([torch.as_tensor(share) for share in probabilities])
        expected = (shares / shares.sum() * torch.arange(1, 11)).sum().item()
        assert rating == pytest.approx(expected, abs=1e-3)


def test_a_reason_follows_the_whole_rating_on_a_scale_of_ten(on_ten: Make) -> None:
    player = on_ten(temperature=0.0, rating="sample")
    rated_turns = [replace(t, rating_scale=10) for t in turns(Phase.FEEDBACK, 24)]
    prompts = [prompt_for(turn) for turn in rated_turns]
    seeds = list(range(len(prompts)))
    judged = player.judge(prompts, seeds, reasons=True, rating_scale=10)
    assert {1.0, 10.0} <= {rating for rating, _ in judged}
    spelled = [
        Prompt(prompt.messages, f"{PREFILL} {rating:.0f}{REASON}")
        for prompt, (rating, _) in zip(prompts, judged, strict=True)
    ]
    plain = player.generate(spelled, seeds, player.reason_tokens)
    assert [reason.text for _, reason in judged] == [generation.text for generation in plain]


def test_scales_may_be_mixed_in_a_batch(on_ten: Make) -> None:
    seven, ten = turns(Phase.OBSERVE, 2)
    ten = replace(ten, rating_scale=10)
    together = on_ten().act([seven, ten])
    alone = [on_ten().act([turn])[0] for turn in (seven, ten)]
    assert [u.rating for u in together] == pytest.approx([u.rating for u in alone], abs=1e-3)


def test_a_sampled_rating_is_one_of_the_digits(policy: Make) -> None:
    rated_turns = [replace(turns(Phase.OBSERVE, 1)[0], seed=n) for n in range(30)]
    ratings = {utterance.rating for utterance in policy(rating="sample").act(rated_turns)}
    assert ratings <= {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0}
    assert len(ratings) > 2


def test_a_reason_from_the_cache_is_the_reason_without_it(policy: Make) -> None:
    player = policy(temperature=0.0)
    prompts = [prompt_for(turn) for turn in turns(Phase.FEEDBACK)]
    # Equal prompts of different length: read once, continued twice.
    prompts = [*prompts, *prompts[:2]]
    seeds = list(range(len(prompts)))
    judged = player.judge(prompts, seeds, reasons=True)
    spelled = [
        Prompt(prompt.messages, f"{PREFILL} {rating:.0f}{REASON}")
        for prompt, (rating, _) in zip(prompts, judged, strict=True)
    ]
    plain = player.generate(spelled, seeds, player.reason_tokens)
    assert [reason.text for _, reason in judged] == [generation.text for generation in plain]


def test_batches_respect_both_limits(policy: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    player = policy(max_batch=3, max_batch_tokens=150)
    shapes: list[tuple[int, int]] = []
    generate = player.model.generate

    def spy(input_ids: Any, **options: Any) -> Any:
        shapes.append(tuple(input_ids.shape))
        return generate(input_ids=input_ids, **options)

    monkeypatch.setattr(player.model, "generate", spy)
    assert len(player.act(turns(Phase.DRAFT, 9))) == 9
    assert sum(rows for rows, _ in shapes) == 9
    for rows, width in shapes:
        assert rows <= 3
        assert rows == 1 or rows * (width + player.max_new_tokens) <= 150


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"temperature": -1}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_batch": 0}, "limits"),
        ({"reasons": ["draft"]}, "policy.reasons: no rated phase draft"),
    ],
)
def test_wrong_settings_are_named(policy: Make, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        policy(**options)


def test_a_missing_folder_is_named_at_once() -> None:
    with pytest.raises(UserError, match=r"policy\.model: no such folder: /no/such/model"):
        HuggingFacePolicy("/no/such/model")


def test_without_a_network_a_missing_model_is_reported_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_address(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_address)
    monkeypatch.setattr("social_sandbox.policies.huggingface.shared_model.getproxies", dict)
    with pytest.raises(UserError, match="some/typo: no such folder, not downloaded before"):
        HuggingFacePolicy("some/typo").act(turns(Phase.DRAFT, 1))


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"policy\.model: cannot load"):
        HuggingFacePolicy(str(tmp_path)).act(turns(Phase.DRAFT, 1))


@pytest.mark.embedded
def test_the_embedded_model_answers_and_rates() -> None:
    player = HuggingFacePolicy(temperature=0, max_new_tokens=24)
    question = "What is the capital of France?"
    turn = replace(turns(Phase.DRAFT, 1)[0], question=question)
    (answer,) = player.act([turn])
    assert "Paris" in answer.text
    assert player.name == "smollm2"
    (feedback,) = player.act([replace(turn, phase=Phase.FEEDBACK, answer=answer.text)])
    assert feedback.rating is not None
    assert 1 <= feedback.rating <= 7
    assert feedback.text


def test_a_text_that_the_limit_has_cut_off_is_marked(policy: Make) -> None:
    short, long = (policy(temperature=0.0, max_new_tokens=n) for n in (1, 200))
    drafts = turns(Phase.DRAFT, 3)
    assert [u.cut_off for u in short.act(drafts)] == [
        u.tokens.completion == 1 for u in short.act(drafts)
    ]
    for utterance in long.act(drafts):
        assert utterance.cut_off == (utterance.tokens.completion == 200)


def test_a_template_that_loses_messages_is_found_before_the_weights_are_loaded(
    policy: Make, tmp_path: Path
) -> None:
    path = tmp_path / "template.jinja"
    path.write_text("{{ messages[0].content }}")
    with pytest.raises(UserError, match=r"chat_template: .*drops message 2"):
        policy(chat_template=path).check()
    policy().check()


def test_a_chat_template_is_that_of_one_policy_alone(policy: Make, tmp_path: Path) -> None:
    path = tmp_path / "template.jinja"
    path.write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    own, given = policy(), policy(chat_template=path)
    assert given.tokenizer.chat_template == path.read_text()
    assert own.tokenizer.chat_template != given.tokenizer.chat_template
    assert own.together != given.together
    assert given.together == policy(chat_template=path, name="other").together


@pytest.mark.parametrize(
    ("opened", "reply", "answer"),
    [
        (False, "<think> never </think> yes please", "yes please"),
        (True, "never </think> yes please", "yes please"),
        (False, "<think> never", ""),
        (True, "never", ""),
        (False, "yes please", "yes please"),
    ],
)
def test_thoughts_are_parted_from_answers(
    thinking: HuggingFacePolicy,
    monkeypatch: pytest.MonkeyPatch,
    opened: bool,
    reply: str,
    answer: str,
) -> None:
    tokenizer, shared = thinking.tokenizer, thinking.engine.shared
    template = "{% for m in messages %}{{ m['content'] }} {% endfor %}please"
    monkeypatch.setattr(tokenizer, "chat_template", template + (" <think>" if opened else ""))
    ids = tokenizer(reply, add_special_tokens=False)["input_ids"]

    def generate(input_ids: Any, **_: Any) -> Any:
        import torch

        new = torch.tensor([[*ids, tokenizer.eos_token_id]] * len(input_ids))
        return torch.cat([input_ids, new], dim=1)

    monkeypatch.setattr(shared.model, "generate", generate)
    for utterance in thinking.act(turns(Phase.DRAFT)):
        assert utterance.text == answer
        assert utterance.tokens.completion == len(ids)
        assert bool(utterance.error) == (not answer)


@pytest.fixture(scope="module")
def thinking(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> HuggingFacePolicy:
    """A policy whose tokenizer has the marks of thoughts as special tokens."""
    from tests.helpers.tiny import tiny_llama, tiny_tokenizer

    folder = tmp_path_factory.mktemp("thinking")
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["Rating:", *"1234567"])
    tokenizer.add_special_tokens({"extra_special_tokens": ["<think>", "</think>"]})
    tiny_llama(len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return HuggingFacePolicy(str(folder), dtype="float32", device="cpu")
