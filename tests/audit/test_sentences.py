"""Values of an event's data, as a page words them; `static/js/event.js` words them the same."""

from typing import Any

import pytest

from audit.sentences import in_words, sentence

SWEPT = [{"class": 2, "part": "who", "count": 61}, {"class": 6, "part": "what", "count": 125}]
TIME = "2026-11-21T09:30:00.000000Z"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        (True, "Yes"),
        (7, "7"),
        (TIME, "21 Nov 2026, 09:30 UTC"),
        ([], "None"),
        ({}, "None"),
        (["a", "b"], "a, b"),
        ([TIME], TIME),
        ({"phone_proofs": 5, "skips": 1}, "phone proofs 5, skips 1"),
        (SWEPT, "class 2, part who, count 61; class 6, part what, count 125"),
        ({"at": TIME, "of": {"held": False}}, f"at {TIME}, of held No"),
    ],
)
def test_a_value_in_words(value: Any, words: str) -> None:
    assert in_words(value) == words


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Grievance HR-12", "Somebody placed a legal hold (Grievance HR-12)."),
        ("Grievance HR-12.", "Somebody placed a legal hold (Grievance HR-12)."),
        ("Who was it?", "Somebody placed a legal hold (Who was it?)."),
    ],
)
def test_a_reason_in_brackets_ends_no_sentence_of_its_own(reason: str, said: str) -> None:
    assert sentence({"type": "hold.placed", "data": {"reason": reason}}, None) == said
