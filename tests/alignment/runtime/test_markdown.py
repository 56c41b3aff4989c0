import pytest

from social_sandbox.alignment.runtime.markdown import markdown_table, plain


def test_a_table_has_its_header_the_alignment_and_its_rows() -> None:
    table = markdown_table(("model", "n"), [("base", "3"), ("aligned", "12")], right=("n",))
    assert table == "| model | n |\n| --- | ---: |\n| base | 3 |\n| aligned | 12 |\n"


def test_a_cell_cannot_end_itself() -> None:
    assert markdown_table(("a|b",), [["one\ntwo\u2028three"]]) == (
        "| a\\|b |\n| --- |\n| one two three |\n"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SmolLM2_135M-Instruct (v1.0), +0.2 [0.1 to 0.3] & more", None),
        ("[click](http://evil.example)", r"\[click\](http://evil.example)"),
        ("![](http://evil.example/x.png)", r"!\[\](http://evil.example/x.png)"),
        ("<script>alert(1)</script>", r"\<script>alert(1)\</script>"),
        ("**bold** _it_ `code` ~~no~~", r"\*\*bold\*\* \_it\_ \`code\` \~~no\~~"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
        ("a\x1b[31mb\u202ec\n# heading", "abc # heading"),
    ],
)
def test_a_text_is_shown_as_it_is(text: str, shown: str | None) -> None:
    assert plain(text) == (text if shown is None else shown)
    assert markdown_table(["name"], [[text]]).endswith(f"| {plain(text)} |\n")
