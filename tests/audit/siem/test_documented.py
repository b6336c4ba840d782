"""docs/siem.md says what the code does."""

import pytest

from audit.siem.texts import MESSAGE_MAX_BYTES
from tests.audit.siem.documented import PAGE, made_parts, page_parts


@pytest.mark.parametrize("name", made_parts())
def test_the_page_has_what_the_code_sends(name: str) -> None:
    """If not: see tests/audit/siem/documented.py, and read what changed."""
    assert page_parts()[name] == made_parts()[name]


def test_the_page_says_how_long_a_message_may_be() -> None:
    assert f"{MESSAGE_MAX_BYTES} bytes" in PAGE.read_text()
