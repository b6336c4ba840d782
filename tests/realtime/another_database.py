"""Acts in a database that the test doesn't use itself: called by `manage.py shell`."""

import json
from uuid import UUID

from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast


def enrol() -> None:
    """Prints a new device, with a token."""
    phone = cast.phone(cast.member(cast.organisation("Acme"), "Alice"), one_time_pre_keys=3)
    words = {
        "organisation": str(phone.device.organisation_id),
        "device": str(phone.id),
        "token": phone.api.token(),
    }
    print(json.dumps(words))  # noqa: T201 - read by the test


def revoke(organisation: str, device: str) -> None:
    with organisation_scope(UUID(organisation)), acting_as(SYSTEM):
        revoke_device(device_id=UUID(device), reason=RevocationReason.LOST)
