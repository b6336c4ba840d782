"""Versions of the app: as the operator and organisations set them, as apps say theirs."""

import re

AppVersion = tuple[int, ...]
"""Three numbers; none at all is older than any."""

TEXT = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}")
USER_AGENT = re.compile(r"^SemaFore/(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?\b")


def version_of(text: str) -> AppVersion:
    """The numbers of a version that fits `TEXT`; of an empty text none."""
    return tuple(int(part) for part in text.split(".")) if text else ()


def version_of_agent(user_agent: str) -> AppVersion | None:
    """The version that the app says in `User-Agent`; None for other programs."""
    match = USER_AGENT.match(user_agent)
    return match and tuple(int(part) for part in match.groups("0"))
