from __future__ import annotations

from tests.verification_page import PAGE, render, said


def test_the_page_says_what_the_predicates_say() -> None:
    assert PAGE.read_text() == render(), "`make docs` writes it again"


def test_a_rule_is_told_by_its_first_sentence_and_its_source() -> None:
    assert said("One vote each. Why not.\n\nSource: types.go.") == "One vote each. [types.go]"
    assert said("Source: types.go, Header") == "[types.go, Header]"
