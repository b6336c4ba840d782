"""Acts in a database that the test doesn't use itself: called by `manage.py shell`."""

import json
import time
from uuid import UUID

from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from messaging.models import Delivery
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.messaging import post, talk


def enrol() -> None:
    """Prints a new device, with a token; a message waits for it."""
    acme = cast.organisation("Acme")
    alice, bob = cast.member(acme, "Alice"), cast.member(acme, "Bob")
    phone = cast.phone(alice, one_time_pre_keys=3)
    post.say(cast.phone(bob), talk.group(acme, alice, bob), [phone], b"ciphertext")
    words = {
        "organisation": str(phone.device.organisation_id),
        "device": str(phone.id),
        "token": phone.api.token(),
    }
    print(json.dumps(words))  # noqa: T201 - read by the test


def acknowledged(organisation: str) -> None:
    """Prints whether the message is acknowledged, as soon as it is."""
    with organisation_scope(UUID(organisation)):
        deadline = time.monotonic() + 60
        while not Delivery.objects.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        print(json.dumps(list(Delivery.objects.values_list("outcome", flat=True))))  # noqa: T201


def revoke(organisation: str, device: str) -> None:
    with organisation_scope(UUID(organisation)), acting_as(SYSTEM):
        revoke_device(device_id=UUID(device), reason=RevocationReason.LOST)
