"""What a proof of existence shows and what it doesn't, in words for somebody who decides by it."""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from textwrap import fill
from typing import Any

from audit.selectors.existence import Transit
from semafore.kernel import clock

WIDTH = 80
"""Letters in a line of text."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that is known of the message."""

    label: str
    value: str
    exact: bool = False
    """An id or a hash: to be compared letter by letter."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A proof in words."""

    facts: list[Line]
    shows: list[str]
    not_shown: list[str]
    deleted: list[str]
    """What retention took, a sentence each."""

    def as_text(self) -> str:
        """The whole as plain text, for the API."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "STATEMENT: A MESSAGE TRANSITED"
        yield ""
        for fact in self.facts:
            yield f"{fact.label}: {fact.value}"
        for title, sentences in (
            ("What the proof shows", self.shows),
            ("What retention deleted", self.deleted),
            ("What the proof does not show", self.not_shown),
        ):
            if sentences:
                yield ""
                yield title
                for sentence in sentences:
                    yield fill(
                        sentence,
                        WIDTH,
                        initial_indent="- ",
                        subsequent_indent="  ",
                        break_long_words=False,
                        break_on_hyphens=False,
                    )


def statement(transit: Transit) -> Statement:
    """Of a message that is proved to have transited."""
    what = transit.event.what
    if what is None:
        raise ValueError("retention deleted what the proof is of")
    return Statement(
        facts=list(_facts(transit, what)),
        shows=list(_shows(transit, what)),
        not_shown=list(_not_shown(transit, what)),
        deleted=list(_deleted(transit)),
    )


def _facts(transit: Transit, what: dict[str, Any]) -> Iterator[Line]:
    data, who = what["data"], transit.event.who
    yield Line("Accepted by the server", _exact_time(datetime.fromisoformat(what["time"])))
    yield Line("Message id", data["message_id"], exact=True)
    if transit.ciphertext_sha256 is not None:
        yield Line("SHA-256 of the ciphertext", transit.ciphertext_sha256.hex(), exact=True)
    yield Line("Ciphertexts, one for each device", str(data["envelopes"]))
    yield Line("Bytes in all", str(data["total_bytes"]))
    if who:
        yield Line("Sent by the device", f"{who['actor']['label']} ({who['actor']['id']})")
        if who["room"]:
            room = who["room"]
            yield Line("In the room", f"{room['label']} ({room['id']})".strip())
    if data["commitment"]:
        yield Line("Commitment of the sender", b64decode(data["commitment"]).hex(), exact=True)
    yield Line("Root of the ciphertexts", b64decode(data["content_root"]).hex(), exact=True)
    yield Line("Event", str(transit.event.id), exact=True)
    yield Line("Log", transit.checkpoint.origin, exact=True)
    yield Line("Place in the log", f"{transit.proof.seq}, counted from 0")
    size, signed_at = transit.checkpoint.size, transit.checkpoint.signed_at
    yield Line("Under the checkpoint", f"of {size} entries, signed {_exact_time(signed_at)}")


def _shows(transit: Transit, what: dict[str, Any]) -> Iterator[str]:
    data, who = what["data"], transit.event.who
    at = _exact_time(datetime.fromisoformat(what["time"]))
    signed = _exact_time(transit.checkpoint.signed_at)
    if transit.ciphertext_sha256 is None:
        yield (
            f"The server recorded that it accepted the message {data['message_id']} at {at}, with "
            f"{data['envelopes']} ciphertexts of {data['total_bytes']} bytes in all."
        )
        yield (
            "The record commits to each of these ciphertexts: whoever has the file of one can have "
            "it proved that it, to the last bit, was in this message."
        )
    else:
        yield (
            "Exactly this ciphertext existed, to the last bit: a file with its SHA-256. The server "
            f"recorded that it accepted it for delivery at {at}, as one of the ciphertexts of the "
            f"message {data['message_id']}."
        )
    if who:
        yield (
            f"The record names the device that sent it: {who['actor']['label']}. The server had "
            "made sure of the device by its identity key."
        )
    yield (
        f"The record stood in the log at the latest when the checkpoint was signed, {signed}. It "
        "was not changed since, and nothing before it was changed, taken out or put in."
    )


def _not_shown(transit: Transit, what: dict[str, Any]) -> Iterator[str]:
    yield (
        "What the message said. It was encrypted from device to device; the server never had a key "
        "to it."
    )
    yield "That it was delivered, opened, read or understood by anybody."
    if transit.event.who:
        yield "Whose hand held the device: the record names the device and whom it belongs to."
    yield (
        "That the server's clock was right, beyond this: the record was made before the checkpoint "
        "was signed."
    )
    yield (
        "Whose log it is, unless its public key is compared with one from another source; nor that "
        "everybody was shown the same log, unless the checkpoint is compared too."
    )
    if what["data"]["commitment"]:
        yield (
            "The exact words. The sender gave a commitment to them: a device that still has the "
            "message can open it, and only that would show them."
        )


def _deleted(transit: Transit) -> Iterator[str]:
    if transit.event.who:
        return
    when = f" on {_exact_time(transit.deleted.at)}" if transit.deleted else ""
    yield (
        f"Who sent the message, from which device and in which room was deleted{when}, by the "
        "organisation's retention. The proof holds nevertheless; what was deleted can't be guessed "
        "from it."
    )


def _exact_time(moment: datetime) -> str:
    """To the second, in UTC."""
    return clock.rfc3339(moment)[:19].replace("T", " ") + " UTC"
