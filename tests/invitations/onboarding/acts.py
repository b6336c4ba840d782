"""What the tests of onboarding do again and again: Dana is invited, her device comes in."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.conf import settings

from invitations.models import Channel, Invitation, PhoneProof, Purpose
from invitations.services import approvals, phone_codes
from invitations.services.tokens import invitation_token
from keys.models import Comparison, Device
from orgs.models import Membership, Organisation
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.onboarding import OnboardingClient
from semafore.local.client.wire import JsonObject
from semafore.wsgi import application
from tests import cast

DANAS = "+447700901001"


def invite(of: Organisation, *, phone: str = DANAS, name: str = "Dana", **more: Any) -> Invitation:
    """An invitation, as the administrator's service would issue it."""
    with organisation_scope(of.id):
        return Invitation.objects.create(
            organisation_id=of.id,
            purpose=more.pop("purpose", Purpose.MEMBER),
            name=name,
            phone=phone,
            channel=more.pop("channel", Channel.HAND),
            expires_at=more.pop("expires_at", clock.now() + timedelta(days=7)),
            **more,
        )


def client() -> OnboardingClient:
    """A device without anything, that runs the server's WSGI application in this thread."""
    transport = httpx.WSGITransport(app=application)
    return OnboardingClient(base_url=settings.BASE_URL, transport=transport)


@contextmanager
def in_organisation(organisation_id: UUID) -> Iterator[None]:
    """Within the block the server acts there, as its worker does."""
    with organisation_scope(organisation_id), acting_as(SYSTEM):
        yield


def work(of: Organisation) -> None:
    """What the worker does within its minute: make and send the codes that are wanted."""
    with in_organisation(of.id):
        phone_codes.send_due_codes()


def texts(phone: str = DANAS) -> list[str]:
    """The messages that reached a phone, oldest first."""
    outbox = Path(settings.SMS_FILE)
    lines = outbox.read_text(encoding="utf-8").splitlines() if outbox.exists() else []
    return [line["text"] for line in map(json.loads, lines) if line["to"] == phone]


def code_for(of: Organisation, phone: str = DANAS) -> str:
    """The code that came last, once the worker has worked."""
    work(of)
    return texts(phone)[-1][:6]


def refused(act: Callable[[], object]) -> tuple[int, str]:
    """Status and code of the problem that an act of the API meets."""
    with pytest.raises(ApiProblem) as caught:
        act()
    return caught.value.status, caught.value.code


def another(code: str) -> str:
    """A wrong code."""
    return f"{(int(code) + 1) % 10**6:06d}"


def prove(device: OnboardingClient, of: Organisation, phone: str = DANAS) -> None:
    """Send the code that came by SMS."""
    device.prove_phone(code_for(of, phone))


def body(
    device: OnboardingClient, keys: DeviceKeys | None = None, *, name: str = "Phone"
) -> JsonObject:
    """What the device sends to register."""
    keys = keys or DeviceKeys.generate()
    return keys.enrolment_body(device.id, name=name, platform="ios", one_time_pre_keys=5)


def register(
    invitation: Invitation, *, keys: DeviceKeys | None = None
) -> tuple[OnboardingClient, Device]:
    """The whole way up to the wait for approval."""
    device = client()
    device.start(invitation_token(invitation))
    prove(device, invitation.organisation, invitation.phone)
    registered = device.register(body(device, keys))
    return device, device_of(invitation.organisation, registered)


def device_of(of: Organisation, registered: JsonObject) -> Device:
    """The row of a registered device."""
    with organisation_scope(of.id):
        return Device.objects.select_related("membership__account").get(id=registered["device_id"])


@contextmanager
def acting(person: Membership) -> Iterator[None]:
    """Within the block the person acts in their organisation."""
    actor = Actor(kind=ActorKind.MEMBER, id=person.id, label=person.name, membership_id=person.id)
    with organisation_scope(person.organisation_id), acting_as(actor):
        yield


def approve(by: Membership, device: Device, *, same_person: bool = False) -> Device:
    """The administrator approves, having compared in person."""
    with acting(by):
        return approvals.approve(
            device_id=device.id, compared=Comparison.IN_PERSON, same_person=same_person
        )


def bring_in(by: Membership, of: Organisation, **more: Any) -> cast.Phone:
    """Invited, registered and approved."""
    keys = DeviceKeys.generate()
    _, device = register(invite(of, **more), keys=keys)
    approve(by, device)
    return cast.Phone(device=device_of(of, {"device_id": device.id}), keys=keys)


def proof(of: Organisation, phone: str = DANAS) -> PhoneProof:
    """The row of a number's code."""
    with organisation_scope(of.id):
        return PhoneProof.objects.get(phone=phone)


def state(invitation: Invitation) -> str:
    """The invitation's state now."""
    with organisation_scope(invitation.organisation_id):
        return Invitation.objects.get(id=invitation.id).state
