"""The cast: Alice owns Acme, Bob is on her team, Charlie belongs to Globex and must see nothing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
from django.conf import settings
from django.test import Client

from audit.models import Event, Pending
from keys.models import Comparison, Device
from keys.services.enrolment import approve_device, enrol_device
from orgs.models import Account, Membership, MembershipStatus, Organisation, Role
from orgs.services.accounts import create_account
from orgs.services.memberships import admit_member, end_membership
from orgs.services.organisations import create_organisation
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.http.console import PROVEN_AT
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import DeviceClient
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.uploads import enrolment_of
from semafore.wsgi import application

_phones = iter(range(7_700_910_000, 7_701_000_000))
"""Beyond all numbers that tests write out: a long run would come to them."""


@dataclass
class Phone:
    """A device: its row, its private keys, and its API client."""

    device: Device
    keys: DeviceKeys
    base_url: str = field(default_factory=lambda: settings.BASE_URL)
    transport: httpx.BaseTransport | None = None
    _client: DeviceClient | None = None

    @property
    def id(self) -> UUID:
        """The device id."""
        return self.device.id

    @property
    def api(self) -> DeviceClient:
        """A client that runs the server's WSGI application in this thread."""
        if self._client is None:
            self._client = DeviceClient(
                base_url=self.base_url,
                device_id=self.device.id,
                organisation_id=self.device.organisation_id,
                keys=self.keys,
                transport=self.transport or httpx.WSGITransport(app=application),
            )
        return self._client

    def reload(self) -> Device:
        """The row as it stands now."""
        with organisation_scope(self.device.organisation_id):
            return Device.objects.select_related("membership").get(id=self.device.id)


def organisation(name: str) -> Organisation:
    """A new organisation."""
    with acting_as(SYSTEM):
        return create_organisation(name=name, slug=f"{name.lower()}-{uuid4().hex[:8]}")


def member(
    of: Organisation,
    name: str,
    role: Role = Role.MEMBER,
    status: MembershipStatus = MembershipStatus.ACTIVE,
) -> Membership:
    """A new person with a membership."""
    with acting_as(SYSTEM), organisation_scope(of.id):
        phone = f"+44{next(_phones)}"
        email = f"{name.lower()}.{phone[-6:]}@{of.slug}.example"
        account = create_account(phone=phone, email=email)
        return admit_member(
            account=account, name=name, phone=phone, email=email, role=role, status=status
        )


def again(person: Membership, role: Role = Role.MEMBER) -> Membership:
    """The same person's next membership, this one ended."""
    with acting_as(SYSTEM), organisation_scope(person.organisation_id):
        end_membership(membership_id=person.id, reason="Left")
        return admit_member(
            account=person.account,
            name=person.name,
            phone=person.phone,
            email=person.email,
            role=role,
            status=MembershipStatus.ACTIVE,
        )


def signed_in(person: Membership, *, proven: bool = True) -> Client:
    """A browser in which the person has signed in; `proven`: the second factor given just now."""
    return browser_of(person.account, proven=proven)


def browser_of(account: Account, *, proven: bool = True) -> Client:
    """The same of an account, such as an operator's."""
    browser = Client()
    browser.force_login(account)
    if proven:
        session = browser.session
        session[PROVEN_AT] = clock.now().timestamp()
        session.save()
    return browser


def phone(
    person: Membership, *, one_time_pre_keys: int = 20, approved: bool = True, name: str = "Phone"
) -> Phone:
    """A new device of a person, approved unless said otherwise."""
    keys = DeviceKeys.generate()
    onboarding_id = uuid4()
    with acting_as(SYSTEM), organisation_scope(person.organisation_id):
        device = enrol_device(
            membership_id=person.id,
            onboarding_id=onboarding_id,
            enrolment=enrolment_of(
                keys, onboarding_id, name=name, one_time_pre_keys=one_time_pre_keys
            ),
        )
        if approved:
            device = approve_device(device_id=device.id, compared=Comparison.IN_PERSON)
    return Phone(device=device, keys=keys)


def events(of: Device | Membership | Organisation, *types: str) -> list[dict[str, Any]]:
    """The `what` parts of an organisation's events, oldest first, of these types if any."""
    organisation_id = of.id if isinstance(of, Organisation) else of.organisation_id
    with organisation_scope(organisation_id):
        parts = Pending.objects.order_by("id").values_list("event_id", flat=True)
        by_id = {event.id: event for event in Event.objects.all()}
    found = [json.loads(bytes(by_id[event_id].what or b"{}")) for event_id in parts]
    return [what for what in found if not types or what["type"] in types]


@contextmanager
def inside(of: Organisation) -> Iterator[None]:
    """The organisation's scope, as the system."""
    with acting_as(SYSTEM), organisation_scope(of.id):
        yield


def crowd(of: Organisation, number: int) -> list[Membership]:
    """Many members with a row each and nothing more, for lists."""
    with inside(of):
        accounts = Account.objects.bulk_create(Account() for _ in range(number))
        return Membership.objects.bulk_create(
            Membership(
                organisation_id=of.id,
                account=account,
                name=f"Person {count:05}",
                phone=f"+4420{70_000_000 + count}",
                status=MembershipStatus.ACTIVE,
            )
            for count, account in enumerate(accounts)
        )
