"""Tables of devices, their keys and credentials, who claimed what, and false views of the log."""

from keys.models.claims import Claim
from keys.models.credentials import DeviceToken, SpentChallenge
from keys.models.devices import (
    ENDED_AT,
    OVER,
    Comparison,
    Device,
    DeviceStatus,
    Platform,
    RevocationReason,
)
from keys.models.log import SplitView
from keys.models.prekeys import KeyBundle, OneTimePreKey, SignedPreKey, Suite

__all__ = [
    "ENDED_AT",
    "OVER",
    "Claim",
    "Comparison",
    "Device",
    "DeviceStatus",
    "DeviceToken",
    "KeyBundle",
    "OneTimePreKey",
    "Platform",
    "RevocationReason",
    "SignedPreKey",
    "SpentChallenge",
    "SplitView",
    "Suite",
]
