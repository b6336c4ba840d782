"""Splunk's HTTP Event Collector: OCSF in its envelope."""

import json
from typing import Final

from audit.siem import ocsf
from audit.siem.fields import Fields, server_host

SOURCE: Final = "semafore:audit"
SOURCETYPE: Final = "semafore:audit:ocsf"


def encode(fields: Fields) -> bytes:
    """One object; a request holds several, one after the other. Never dedupe on `time`."""
    envelope = {
        "time": fields.milliseconds / 1000,
        "host": server_host(),
        "source": SOURCE,
        "sourcetype": SOURCETYPE,
        "event": ocsf.record(fields),
        "fields": {
            "event_uid": fields.uid,
            "event_code": fields.event.type,
            "tenant_uid": fields.organisation,
            "sequence": fields.event.seq,
        },
    }
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
