from social_sandbox.alignment.runtime.markdown import markdown_table


def test_a_table_has_its_header_the_alignment_and_its_rows() -> None:
    table = markdown_table(("model", "n"), [("base", "3"), ("aligned", "12")], right=("n",))
    assert table == "| model | n |\n| --- | ---: |\n| base | 3 |\n| aligned | 12 |\n"


def test_a_cell_cannot_end_itself() -> None:
    assert markdown_table(("a|b",), [["one\ntwo\u2028three"]]) == (
        "| a\\|b |\n| --- |\n| one two three |\n"
    )
