"""Which range a header asks for (RFC 9110, section 14)."""

import pytest

from audit.exports.ranges import Asked, asked_range

WHOLE = Asked(0, 99, partial=False)


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        (None, WHOLE),
        ("bytes=0-0", Asked(0, 0, partial=True)),
        ("bytes=0-", Asked(0, 99, partial=True)),
        ("bytes=10-19", Asked(10, 19, partial=True)),
        ("bytes= 10 - 19", Asked(10, 19, partial=True)),
        ("bytes=90-500", Asked(90, 99, partial=True)),
        ("bytes=-10", Asked(90, 99, partial=True)),
        ("bytes=-500", Asked(0, 99, partial=True)),
        # What can't be understood is as if it weren't there.
        ("bytes=-", WHOLE),
        ("bytes=20-10", WHOLE),
        ("bytes=0-1,5-6", WHOLE),
        ("lines=0-1", WHOLE),
        ("bytes=a-b", WHOLE),
        ("bytes=\u0661-", WHOLE),
    ],
)
def test_ranges(header: str | None, asked: Asked) -> None:
    assert asked_range(header, None, size=100, etag='"x"') == asked


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_what_the_file_has_none_of(header: str) -> None:
    assert asked_range(header, None, size=100, etag='"x"').unmet


def test_an_empty_file_has_no_range() -> None:
    assert asked_range("bytes=0-", None, size=0, etag='"x"').unmet
    assert asked_range(None, None, size=0, etag='"x"') == Asked(0, -1, partial=False)


def test_a_range_of_another_file_is_the_whole_one() -> None:
    assert asked_range("bytes=10-19", '"other"', size=100, etag='"x"') == WHOLE
    assert asked_range("bytes=10-19", 'W/"x"', size=100, etag='"x"') == WHOLE
    assert asked_range("bytes=10-19", '"x"', size=100, etag='"x"').partial
