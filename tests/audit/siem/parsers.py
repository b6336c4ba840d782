"""Readers of what we send, written from the formats' descriptions and not from our code."""

import re
from dataclasses import dataclass

HEADER = re.compile(
    r"<(?P<priority>\d{1,3})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) (?P<application>[!-~]{1,48})"
    r" (?P<process>[!-~]{1,128}) (?P<type>[!-~]{1,32}) "
)
"""RFC 5424, section 6: SYSLOG-MSG's HEADER and the space behind it."""

NAME = re.compile(r"[!#-<>-\\^-~]{1,32}")
"""SD-NAME: printable ASCII without `=`, `]` and `"`."""


@dataclass(frozen=True)
class Message:
    """An RFC 5424 message."""

    priority: int
    time: str
    host: str
    application: str
    process: str
    type: str
    elements: dict[str, dict[str, str]]
    text: str


def rfc5424(message: bytes) -> Message:
    """Raises ValueError for what the grammar doesn't allow."""
    line = message.decode()
    head = HEADER.match(line)
    if head is None:
        raise ValueError(f"no header: {line!r}")
    elements, at = structured(line, head.end())
    if line[at : at + 1] not in {"", " "}:
        raise ValueError(f"neither end nor message: {line[at:]!r}")
    values = head.groupdict()
    priority = int(values.pop("priority"))
    return Message(priority=priority, **values, elements=elements, text=line[at + 1 :])


def structured(line: str, at: int = 0) -> tuple[dict[str, dict[str, str]], int]:
    """STRUCTURED-DATA from this place on, and where it ends."""
    if line[at] == "-":
        return {}, at + 1
    found: dict[str, dict[str, str]] = {}
    while line[at : at + 1] == "[":
        element = _name(line, at + 1)
        at += 1 + len(element)
        values: dict[str, str] = {}
        while line[at] == " ":
            name = _name(line, at + 1)
            at += 1 + len(name)
            if line[at : at + 2] != '="':
                raise ValueError(f"no value: {line[at:]!r}")
            if name in values:
                raise ValueError(f"{name} stands twice")
            values[name], at = _value(line, at + 2)
        if line[at] != "]" or element in found:
            raise ValueError(f"the element {element} doesn't end, or stands twice")
        found[element] = values
        at += 1
    if not found:
        raise ValueError(f"no structured data: {line[at:]!r}")
    return found, at


def _name(line: str, at: int) -> str:
    found = NAME.match(line, at)
    if found is None:
        raise ValueError(f"no name: {line[at:]!r}")
    return found[0]


def _value(line: str, at: int) -> tuple[str, int]:
    """PARAM-VALUE and the place behind its closing quote."""
    said = []
    while line[at] != '"':
        if line[at] == "\\" and line[at + 1] in '"\\]':
            at += 1
        elif line[at] == "]":
            raise ValueError("a bracket that is not escaped")
        said.append(line[at])
        at += 1
    return "".join(said), at + 1


KEY = re.compile(r"(?:^| )([A-Za-z0-9_.\-]+)=")
"""Of CEF's extension: a word before an `=` that is not escaped."""


@dataclass(frozen=True)
class Cef:
    """Seven parts of a header, and the extension."""

    header: list[str]
    extension: dict[str, str]


def cef(line: str) -> Cef:
    """By the rules of "Implementing ArcSight Common Event Format", chapter 1."""
    if not line.startswith("CEF:0|"):
        raise ValueError("not CEF")
    if "\n" in line or "\r" in line:
        raise ValueError("more than a line")
    parts = re.split(r"(?<!\\)((?:\\\\)*)\|", line, maxsplit=7)
    # Each odd part holds the doubled backslashes before a bar.
    header = [parts[at] + parts[at + 1] for at in range(0, 14, 2)]
    return Cef([_plain(part) for part in header], _extension(parts[14]))


def _extension(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    keys = list(KEY.finditer(text))
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        value = text[key.end() : following.start() if following else len(text)]
        if key[1] in found:
            raise ValueError(f"{key[1]} stands twice")
        if re.search(r"(?<!\\)(\\\\)*[=|]", value):
            raise ValueError(f"not escaped in {key[1]}: {value!r}")
        found[key[1]] = _plain(value)
    return found


def _plain(text: str) -> str:
    """Without escapes: one more than the format's own is a backslash that was not escaped."""
    said = re.sub(r"\\([\\|=nr])", lambda one: {"n": "\n", "r": "\r"}.get(one[1], one[1]), text)
    if re.search(r"\\", re.sub(r"\\[\\|=nr]", "", text)):
        raise ValueError(f"a backslash that is not escaped: {text!r}")
    return said
