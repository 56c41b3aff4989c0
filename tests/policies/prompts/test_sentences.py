# ruff: noqa: RUF001 - the letters of many scripts look alike
import pytest

from social_sandbox.policies.prompts.sentences import ends_sentence, whole_sentences


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Be kind. It is bet", "Be kind."),
        ('She said "no." And th', 'She said "no."'),
        ("Nothing ends here", "Nothing ends here"),
        ("Is it? Yes", "Is it?"),
        ("1. Be kind and 2.", "1. Be kind and 2."),
        ("It costs 3.50 at le", "It costs 3.50 at le"),
        ("分享是好的。我们应该善待别人，因为这样", "分享是好的。"),
        ("我说：「好。」然后", "我说：「好。」"),
        ("値は３．５です", "値は３．５です"),
        ("बाँटना अच्छा है। हमें दूसरों के साथ", "बाँटना अच्छा है।"),
        ("هل هذا عادل؟ نعم لأن", "هل هذا عادل؟"),
        ("یہ اچھا ہے۔ ہم", "یہ اچھا ہے۔"),
        ("မျှဝေခြင်းကောင်းသည်။ ကျွန်ုပ်တို့", "မျှဝေခြင်းကောင်းသည်။"),
        ("ការចែករំលែកល្អ។ យើងគួរ", "ការចែករំលែកល្អ។"),
        ("ฉันชอบแบ่งปัน เราควรใจดีเพราะ", "ฉันชอบแบ่งปัน"),
        ("ጥሩ ነው። እኛ", "ጥሩ ነው።"),
        ("\u201cYes.\u201d And", "\u201cYes.\u201d"),
        ("He paused\u2026 and went", "He paused\u2026 and went"),
    ],
)
def test_an_incomplete_last_sentence_is_dropped(text: str, whole: str) -> None:
    assert whole_sentences(text) == whole


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("Be kind. ", True),
        ("Is it?", True),
        ('She said "no."', True),
        ("分享是好的。", True),
        ("Be kind", False),
        ("Be kind. And", False),
        ("1. Be kind and 2.", False),
        ("", False),
    ],
)
def test_a_text_is_complete_where_a_sentence_ends(text: str, ends: bool) -> None:
    assert ends_sentence(text) == ends
