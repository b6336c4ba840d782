"""What a device saw and did, in words for the person at the terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from semafore.local.client.wire import JsonObject

_LONGEST_VALUE: Final = 60

_FRAMES: Final[Mapping[str, Callable[[JsonObject], str]]] = {
    "hello": lambda frame: f"connected, the server's time is {moment(frame['server_time'])}",
    "key_bundle.replenishment_needed": lambda frame: (
        f"low on one-time pre-keys: {frame['available']} left, the threshold is "
        f"{frame['threshold']}"
    ),
    "key_bundle.signed_pre_key_expired": lambda _frame: (
        "the signed pre-key has expired: nobody can start a session until it is rotated"
    ),
    "key_bundle.rotation_due": lambda frame: (
        f"the signed pre-key expires on {moment(frame['expires_at'])}: time to rotate"
    ),
    "mailbox.drained": lambda _frame: "no more envelopes are waiting",
    "mailbox.missed": lambda frame: (
        f"{frame['count']} messages left this device out while its signed pre-key was expired, "
        f"in room {frame['room_id']}"
    ),
    "mailbox.expired": lambda frame: (
        f"{frame['count']} envelopes from before {moment(frame['before'])} waited too long and are "
        "gone"
    ),
    "device.reachable": lambda frame: f"device {frame['device_id']} can be reached again",
    "room.closed": lambda frame: f"room {frame['room_id']} is closed",
    "membership.ending": lambda frame: f"{room_or_stay(frame)} ends on {moment(frame['ends_at'])}",
    "membership.updated": lambda _frame: "something about this person's membership has changed",
    "log.checkpoint": lambda frame: (
        f"the log's newest checkpoint has size {frame['checkpoint'].split(chr(10))[1]}"
    ),
    "changes": lambda _frame: "rooms, people or devices have changed",
    "device.pending": lambda _frame: "another device of this person waits for approval",
    "device.revoked": lambda _frame: "a device was revoked",
}


def room_or_stay(frame: JsonObject) -> str:
    """Return what ends."""
    return f"room {frame['room_id']}" if frame["room_id"] else "this person's membership"


def frame_in_words(frame: Mapping[str, Any]) -> str:
    """Return a line about a frame of the socket; unknown types show their fields, shortened."""
    known = _FRAMES.get(str(frame.get("type")))
    if known is not None:
        try:
            return known(dict(frame))
        except (KeyError, TypeError, ValueError):
            pass
    fields = ", ".join(
        f"{name} {shortened(str(value))}" for name, value in frame.items() if name != "type"
    )
    return f"{frame.get('type', 'a frame without type')}: {fields}" if fields else str(frame)


def status_in_words(status: JsonObject, *, agrees: bool) -> list[tuple[str, str]]:
    """Return label and text of each line about a key bundle."""
    lines = [("signed pre-key", signed_in_words(status["signed_pre_key"]))]
    lines += [
        ("superseded", f"id {old['key_id']}, deleted after {moment(old['expires_at'])}")
        for old in status["previous_signed_pre_keys"]
    ]
    stock = status["one_time_pre_keys"]
    ranges = ranges_in_words(stock["available_ranges"])
    available = f"{stock['available']} available" + (f" (ids {ranges})" if ranges else "")
    lines.append(("one-time pre-keys", f"{available}, highest id so far {stock['highest_key_id']}"))
    same = "the server holds exactly what this device published"
    differs = "DIFFERENT: the server's bundle is not what this device published"
    lines.append(("digest", same if agrees else differs))
    return lines


def approval_in_words(index: int | None, *, proven: bool) -> str:
    """Return what the log says of a claimed device's identity key."""
    if not proven:
        return "not under a checkpoint of the log yet: taken on the server's word"
    place = "" if index is None else f", entry {index}"
    return f"the log proves that this identity key was approved{place}"


def signed_in_words(signed: Mapping[str, Any] | None) -> str:
    """Return a line about the current SPK as the owner sees it."""
    if signed is None:
        return "none published"
    state = "EXPIRED on" if signed["expired"] else "good until"
    uploaded, expires = moment(signed["uploaded_at"]), moment(signed["expires_at"])
    return f"id {signed['key_id']}, uploaded {uploaded}, {state} {expires}"


def ranges_in_words(ranges: Iterable[Sequence[int]]) -> str:
    """Return `1, 4-9` for the pairs (1, 1) and (4, 9), both ends included."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def moment(time: str) -> str:
    """Return an API time to the second, in UTC."""
    return f"{datetime.fromisoformat(time):%d %B %Y %H:%M:%S} UTC"


def duration(seconds: float) -> str:
    """Return a time span to the second, as `0:01:30`."""
    return str(timedelta(seconds=round(seconds)))


def shortened(value: str) -> str:
    """Return a value that fits on a line: ciphertexts and the like are cut."""
    return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"


def devices(number: int) -> str:
    """Return how many devices."""
    return "1 device" if number == 1 else f"{number} devices"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines whose columns stand under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
