"""Values of an event's data, as a page words them; `static/js/event.js` words them the same."""

from typing import Any

import pytest

from audit.sentences import in_words

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
