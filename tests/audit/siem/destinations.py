"""Destinations for tests, and logs with something to send."""

import math
from typing import Any

from audit.models import IndexedEvent, SiemDestination
from audit.registry import EventClass, Severity
from audit.services.siem.delivery import deliver
from audit.services.siem.destinations import Setup, create_destination
from audit.siem.formats import Format
from orgs.models import Organisation
from tests.audit.published import publish, record_events
from tests.audit.siem.receivers import Receiver, authority, event_seq
from tests.cast import inside

TOKEN = "0123-planted-token-4567"


def setup(address: str, **more: Any) -> Setup:
    """To this address, everything."""
    given: dict[str, Any] = {
        "name": "Splunk",
        "format": Format.SPLUNK_HEC,
        "address": address,
        "ca": authority().ca,
        "classes": frozenset(EventClass),
        "least_severity": Severity.INFORMATIONAL,
        **more,
    }
    return Setup(**given)


def sent_to(
    of: Organisation, receiver: Receiver | str, *, cursor: int = 0, secret: str = TOKEN, **more: Any
) -> SiemDestination:
    """A destination there, for all of the log."""
    address = receiver if isinstance(receiver, str) else receiver.url
    with inside(of):
        return create_destination(setup=setup(address, **more), secret=secret, cursor=cursor)


def log_of_events(of: Organisation, number: int) -> None:
    """So many more events, each in its place."""
    record_events(of, number)
    publish(of)


def send(of: Organisation, destination: SiemDestination) -> SiemDestination:
    """Let a sender run, however long it takes on this machine; the row afterwards."""
    with inside(of):
        deliver(destination_id=destination.id, seconds=math.inf)
    return reload(of, destination)


def reload(of: Organisation, destination: SiemDestination) -> SiemDestination:
    with inside(of):
        return SiemDestination.objects.get(id=destination.id)


def places(of: Organisation) -> list[int]:
    """Of the whole log."""
    with inside(of):
        return list(IndexedEvent.objects.order_by("seq").values_list("seq", flat=True))


def received(receiver: Receiver) -> list[int]:
    """The places of what was taken, duplicates too."""
    return [event_seq(one) for one in receiver.received]
