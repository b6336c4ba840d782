"""Splunk's envelope around OCSF."""

import json

import pytest

from audit.registry import REGISTRY
from audit.siem.formats import Format, encoded
from tests.audit.siem import made
from tests.audit.siem.made import NASTY, outgoing


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_type_stands_in_the_envelope_as_it_is(name: str) -> None:
    event = outgoing(name, text=NASTY)

    assert json.loads(encoded(event, Format.SPLUNK_HEC)) == {
        "time": 1795253447.482,
        "host": "127.0.0.1",
        "source": "semafore:audit",
        "sourcetype": "semafore:audit:ocsf",
        "event": json.loads(encoded(event, Format.OCSF)),
        "fields": {
            "event_uid": f"evt_{made.EVENT}",
            "event_code": name,
            "tenant_uid": f"org_{made.ORGANISATION}",
            "sequence": 48213,
        },
    }


def test_the_time_is_written_in_seconds_with_milliseconds() -> None:
    assert b'{"time":1795253447.482,"host"' in encoded(outgoing("member.ended"), Format.SPLUNK_HEC)


def test_an_object_is_one_line() -> None:
    assert b"\n" not in encoded(outgoing("member.ended", text=NASTY), Format.SPLUNK_HEC)
