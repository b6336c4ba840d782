"""What an organisation wants of the app on its people's devices (product.md, section 8)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

LOCK_MINUTES = (0, 1440)
"""Least and most, both allowed; 0 asks for no lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedApp:
    """The settings; the defaults ask for nothing but the wipe."""

    backup_allowed: bool = True
    screenshots_allowed: bool = True
    clipboard_allowed: bool = True
    min_app_version: str = ""
    """Three numbers with dots; empty for none of the organisation's own."""
    lock_after_minutes: int = LOCK_MINUTES[0]
    wipe_on_revocation: bool = True


@dataclass(frozen=True, slots=True)
class Explanation:
    """A setting in the words of pages and of MDM consoles."""

    label: str
    help: str


EXPLAINED: Mapping[str, Explanation] = MappingProxyType(
    {
        "organisation_id": Explanation(
            "Organisation", "Whose settings these are: an app may belong to several. Leave it."
        ),
        "config_version": Explanation(
            "Version of the settings", "Grows by one with each change of them. Leave it."
        ),
        "backup_allowed": Explanation(
            "Backup allowed",
            "The app's data may go into backups of the device, to a computer or a cloud.",
        ),
        "screenshots_allowed": Explanation(
            "Screenshots allowed",
            "The app may be photographed and recorded by the device itself.",
        ),
        "clipboard_allowed": Explanation(
            "Copying to the clipboard allowed", "Text may be copied out of the app."
        ),
        "min_app_version": Explanation(
            "Oldest version of the app",
            "As 2.4.0. An app that says that it is older gets no access, within an hour, until it "
            "is updated; its keys stay, and its messages wait. Empty for no limit.",
        ),
        "lock_after_minutes": Explanation(
            "Lock after minutes",
            "The app locks itself after so many minutes without use. 0 asks for no lock.",
        ),
        "wipe_on_revocation": Explanation(
            "Wipe on revocation",
            "A device that is revoked deletes the messages on it when it next connects. In custody "
            "it keeps them in any case.",
        ),
    }
)
"""Each value of `ManagedConfig.values`, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class ManagedConfig:
    """The settings of one organisation as they stand."""

    organisation_id: UUID
    version: int
    settings: ManagedApp

    def values(self) -> dict[str, bool | int | str]:
        """All of it by name, the same for devices and for every MDM console."""
        values: dict[str, Any] = {
            "organisation_id": str(self.organisation_id),
            "config_version": self.version,
        }
        return values | asdict(self.settings)
