"""Tables of devices, their keys, their credentials, and who claimed what."""

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
    "Suite",
]
