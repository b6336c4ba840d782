"""What an answer means for what was sent, and for what comes after it (siem.md, Delivery)."""

import json
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto

import httpcore

from audit.siem.addresses import AddressRefusedError
from audit.siem.http import Reply
from semafore.kernel import clock

LONGEST_WAIT = timedelta(hours=1)
"""However long a receiver asks us to stay away."""
SAID_LENGTH = 200
"""Characters of an answer that are ever shown."""

SECRET_LENGTH = 7
"""Of a word that is hidden in an answer: longer than the names of schemes."""

NOT_NOW = {408, 425, 429}
FOR_ITS_CONTENT = {400, 413, 422}

HEC_ACCEPTED = 0
HEC_BUSY = {8, 9, 18, 19, 20, 23, 26, 27}
HEC_FOR_ITS_CONTENT = {5, 6, 12, 13, 15}
"""Codes of Splunk's HTTP Event Collector; what is in neither is wrong in the settings."""

HEC_WORDS = {
    1: "The token is switched off",
    2: "It asks for a token",
    3: "It does not understand the token",
    4: "The token is not valid",
    7: "The token's index does not exist",
    10: "The token asks for a channel: switch indexer acknowledgement off for it",
    11: "The token asks for a channel: switch indexer acknowledgement off for it",
}


class Verdict(Enum):
    """What to do next."""

    TAKEN = auto()
    LATER = auto()
    """Send the same again after a while."""
    REFUSED = auto()
    """For what stands in it: find the event."""
    MISCONFIGURED = auto()
    """Stop until a person has changed something."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended."""

    verdict: Verdict
    words: str
    """In our own words."""
    said: str = ""
    """By the receiver: the beginning, printable. For the destination's page alone."""
    retry_after: timedelta | None = None


def answer_of(reply: Reply, *, secret: str) -> Answer:
    """By the status of an answer over HTTP."""
    return Answer(
        _verdict_of(reply.status),
        _words_of(reply.status),
        _said(reply.body, secret),
        _wait(reply.retry_after),
    )


def _verdict_of(status: int) -> Verdict:
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's
        return Verdict.TAKEN
    if status in NOT_NOW or status >= 500:  # noqa: PLR2004 - HTTP's
        return Verdict.LATER
    if status in FOR_ITS_CONTENT:
        return Verdict.REFUSED
    return Verdict.MISCONFIGURED


def _words_of(status: int) -> str:
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's
        return f"It redirects (HTTP {status}), which is not followed: give the final address"
    return f"HTTP {status}"


def hec_answer_of(reply: Reply, *, secret: str) -> Answer:
    """By the code in the answer of an HTTP Event Collector, where it has one."""
    plain = answer_of(reply, secret=secret)
    try:
        code = json.loads(reply.body)["code"]
    except (ValueError, KeyError, TypeError):
        code = None
    if type(code) is not int:
        if plain.verdict is not Verdict.TAKEN:
            return plain
        words = f"HTTP {reply.status}, but not the answer of an HTTP Event Collector"
        return Answer(Verdict.LATER, words, plain.said, plain.retry_after)
    if code == HEC_ACCEPTED:
        return plain
    words = f"{HEC_WORDS.get(code, 'Refused')} (HTTP {reply.status}, code {code})"
    return Answer(_hec_verdict(code, plain.verdict), words, plain.said, plain.retry_after)


def _hec_verdict(code: int, by_status: Verdict) -> Verdict:
    if code in HEC_BUSY or by_status is Verdict.LATER:
        return Verdict.LATER
    if code in HEC_FOR_ITS_CONTENT:
        return Verdict.REFUSED
    return Verdict.MISCONFIGURED


def _said(body: bytes, secret: str) -> str:
    """Control characters out, white space folded, our secret hidden, cut."""
    text = body.decode("utf-8", "replace")
    if secret:
        # Also without the scheme before it, as in `Bearer …`.
        words = (word for word in secret.split() if len(word) >= SECRET_LENGTH)
        for hidden in (secret, *words):
            text = text.replace(hidden, "(hidden)")
    text = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(text.split())[:SAID_LENGTH]


def _wait(header: str) -> timedelta | None:
    """`Retry-After`: seconds, or a date (RFC 9110); bounded. None for none, or for nonsense."""
    if re.fullmatch(r"[0-9]{1,9}", header):
        asked = timedelta(seconds=int(header))
    elif header:
        try:
            asked = parsedate_to_datetime(header) - clock.now()
        except (ValueError, TypeError):
            return None
    else:
        return None
    return min(max(asked, timedelta()), LONGEST_WAIT)


def failure_of(error: Exception) -> Answer:
    """Of a receiver that can't be reached, or that doesn't answer: it is tried again, for ever."""
    return Answer(Verdict.LATER, _words_of_failure(error))


def _words_of_failure(error: Exception) -> str:
    causes = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)  # type: ignore[arg-type]  # never a BaseException of another kind
    for found in causes:
        match found:
            case AddressRefusedError():
                return "Its name leads to an address to which nothing may be sent"
            case ssl.SSLCertVerificationError():
                return "Its certificate is not trusted, or is another host's"
            case ssl.SSLError():
                return "It does not speak TLS as it should"
            case socket.gaierror():
                return "Its name leads nowhere"
            case TimeoutError() | httpcore.TimeoutException():
                return "No answer in time"
            case ConnectionRefusedError():
                return "It refuses the connection"
    return "The connection could not be made, or was cut"
