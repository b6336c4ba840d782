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
from keys.models.posture import Deviation, Posture
from keys.models.prekeys import KeyBundle, OneTimePreKey, SignedPreKey, Suite

__all__ = [
    "ENDED_AT",
    "OVER",
    "Claim",
    "Comparison",
    "Deviation",
    "Device",
    "DeviceStatus",
    "DeviceToken",
    "KeyBundle",
    "OneTimePreKey",
    "Platform",
    "Posture",
    "RevocationReason",
    "SignedPreKey",
    "SpentChallenge",
    "SplitView",
    "Suite",
]
