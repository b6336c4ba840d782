"""What is told once, and what makes it news again; and what a frame of a device must be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keys.selectors.bundles import DueKeyEvents
from realtime.frames import KeyNews, MalformedFrameError, decode, encode, hello

SOON = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
FINE = DueKeyEvents(available=20, low=False, highest_key_id=20, expires_at=None, expired=False)


def keys(**changes: Any) -> DueKeyEvents:
    values = {name: getattr(FINE, name) for name in DueKeyEvents.__slots__}
    return DueKeyEvents(**(values | changes))


def types(news: KeyNews, now: DueKeyEvents, *, refused: bool = False) -> list[str]:
    return [
        frame["type"].removeprefix("key_bundle.") for frame in news.frames(now, refused=refused)
    ]


def test_low_stock_is_news_until_told() -> None:
    news = KeyNews()
    assert types(news, FINE) == []
    assert types(news, keys(available=4, low=True)) == ["replenishment_needed"]
    assert types(news, keys(available=3, low=True)) == []
    assert types(news, FINE) == []
    assert types(news, keys(available=4, low=True)) == ["replenishment_needed"]


def test_low_stock_after_an_upload_is_news() -> None:
    news = KeyNews()
    assert types(news, keys(available=4, low=True)) == ["replenishment_needed"]
    again = keys(available=4, low=True, highest_key_id=40)
    assert types(news, again) == ["replenishment_needed"]
    assert types(news, again) == []


def test_a_due_rotation_and_its_expiry_are_each_news_once() -> None:
    news = KeyNews()
    assert types(news, keys(expires_at=SOON)) == ["rotation_due"]
    assert types(news, keys(expires_at=SOON)) == []
    expired = keys(expires_at=SOON, expired=True)
    assert types(news, expired) == ["signed_pre_key_expired"]
    assert types(news, expired) == []
    assert types(news, keys(expires_at=SOON + timedelta(days=7))) == ["rotation_due"]


def test_every_refusal_is_news_while_the_key_is_expired() -> None:
    news = KeyNews()
    expired = keys(expires_at=SOON, expired=True)
    assert types(news, expired, refused=True) == ["signed_pre_key_expired"]
    assert types(news, expired, refused=True) == ["signed_pre_key_expired"]
    assert types(news, FINE, refused=True) == []
    due = keys(expires_at=SOON)
    assert types(news, due) == ["rotation_due"]
    assert types(news, due, refused=True) == []


def test_both_at_once() -> None:
    both = keys(available=0, low=True, expires_at=SOON)
    assert KeyNews().frames(both) == [
        {"type": "key_bundle.replenishment_needed", "available": 0, "threshold": 5},
        {"type": "key_bundle.rotation_due", "expires_at": "2026-11-22T09:30:00.000000Z"},
    ]


def test_a_frame_is_an_object_with_a_type() -> None:
    assert decode('{"type": "ack", "envelope_ids": []}') == {"type": "ack", "envelope_ids": []}
    assert decode(encode(hello({})))["type"] == "hello"
    for wrong in (None, "", "nonsense", "1", "[{}]", '{"type": []}', "[" * 200_000):
        with pytest.raises(MalformedFrameError):
            decode(wrong)
