"""The formats in which events leave (siem.md)."""

from enum import StrEnum

from audit.siem import cef, hec, ocsf, syslog
from audit.siem.fields import fields_of
from audit.siem.outgoing import Outgoing


class Format(StrEnum):
    """A format, which also says how it travels."""

    OCSF = "ocsf"
    """OCSF 1.8 JSON over HTTPS."""
    SPLUNK_HEC = "splunk_hec"
    """OCSF in Splunk's envelope over HTTPS."""
    SYSLOG = "syslog"
    """RFC 5424 with structured data over TLS."""
    CEF = "cef"
    """CEF in an RFC 5424 message over TLS."""


ENCODERS = {
    Format.OCSF: ocsf.encode,
    Format.SPLUNK_HEC: hec.encode,
    Format.SYSLOG: syslog.encode,
    Format.CEF: cef.encode,
}


def encoded(event: Outgoing, chosen: Format) -> bytes:
    """One event: a JSON object, or a syslog message without its frame."""
    return ENCODERS[chosen](fields_of(event))
