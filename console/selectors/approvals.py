"""What waits for an administrator's decision, and what was decided."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from audit.models import RequestKind, RequestStatus, RetentionRequest
from audit.selectors.reading import Reader
from audit.selectors.retention import requests_decided, requests_waiting, unreadable_requests
from invitations.selectors.phone_changes import waiting_phone_changes
from keys.fingerprint import fingerprint
from keys.models import Device, DeviceStatus
from messaging.models import Room
from messaging.selectors.external import rooms_ahead
from messaging.selectors.requests import waiting_requests
from orgs.models import Membership, MembershipKind, MembershipStatus
from orgs.selectors.sign_in import pending_factor_resets
from semafore.kernel import clock
from semafore.kernel.paging import Page, paginate
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """A device that waits, with the person whom approving it lets in."""

    device: Device
    fingerprint: str
    rooms: Sequence[Room] = ()
    """Which a guest comes into with it."""

    @property
    def person(self) -> Membership:
        """Whose device it is."""
        return self.device.membership

    @property
    def lets_in(self) -> bool:
        """Whether the person's membership begins with it."""
        return self.person.status == MembershipStatus.PENDING


def _requests() -> QuerySet[Device]:
    return Device.objects.select_related(
        "membership", "membership__party", "membership__sponsor", "endorser"
    )


def _late() -> Q:
    """The membership's end came before anybody decided."""
    return Q(membership__ends_at__lte=clock.now())


def as_requests(devices: Iterable[Device]) -> list[DeviceRequest]:
    """Devices with the fingerprints to compare, and the rooms that guests come into."""
    found = [
        DeviceRequest(device, fingerprint(bytes(device.identity_key), device.id))
        for device in devices
    ]
    coming = [
        one.person.id for one in found if one.lets_in and one.person.kind == MembershipKind.GUEST
    ]
    rooms = rooms_ahead(coming) if coming else {}
    return [replace(one, rooms=rooms.get(one.person.id, ())) for one in found]


def waiting_devices(cursor: str | None = None) -> Page[Device]:
    """Devices that may be approved, the longest waiting first."""
    rows = _requests().filter(status=DeviceStatus.PENDING).exclude(_late())
    return paginate(rows, by=("enrolled_at", "id"), cursor=cursor)


def expired_devices(cursor: str | None = None) -> Page[Device]:
    """Devices that can only be denied: the person's time ended while they waited."""
    rows = _requests().filter(_late(), status=DeviceStatus.PENDING)
    return paginate(rows, by=("enrolled_at", "id"), cursor=cursor)


def decided_devices(cursor: str | None = None) -> Page[Device]:
    """Devices that somebody approved or denied, the latest first."""
    rows = _requests().filter(decided_at__isnull=False).select_related("decided_by")
    return paginate(rows, by=("-decided_at", "-id"), cursor=cursor)


def device_request(device_id: UUID) -> DeviceRequest:
    """One device, whatever became of it. Raises NotFound."""
    device = _requests().select_related("decided_by").filter(id=device_id).first()
    if device is None:
        raise NotFound
    return as_requests([device])[0]


def chosen_requests(device_ids: Sequence[UUID]) -> list[DeviceRequest]:
    """Those of these devices that still wait."""
    found = _requests().filter(id__in=device_ids, status=DeviceStatus.PENDING)
    return as_requests(found.order_by(F("enrolled_at"), "id"))


def retention_kinds(permissions: AbstractSet[Permission]) -> list[RequestKind]:
    """The requests of which somebody with these permissions knows: holds are for few to see."""
    needed = {
        RequestKind.SHORTEN: Permission.AUDIT_READ,
        RequestKind.LIFT: Permission.HOLDS_PLACE,
    }
    return [kind for kind, permission in needed.items() if permission in permissions]


def waiting_retention(reader: Reader) -> QuerySet[RetentionRequest]:
    """Shorter periods and ends of holds that wait, the longest waiting first."""
    return _known(requests_waiting(), reader)


def decided_retention(reader: Reader, *, lapsed: bool) -> QuerySet[RetentionRequest]:
    """Those that somebody decided or took back, or that lapsed undecided; the newest first."""
    undecided = Q(status__in=(RequestStatus.PENDING, RequestStatus.EXPIRED))
    return _known(requests_decided(), reader).filter(undecided if lapsed else ~undecided)


def _known(requests: QuerySet[RetentionRequest], reader: Reader) -> QuerySet[RetentionRequest]:
    known = requests.filter(kind__in=retention_kinds(reader.permissions))
    return known.exclude(unreadable_requests(reader))


def waiting_decisions(reader: Reader) -> int:
    """How many of all kinds of which the reader knows wait, in one statement."""
    waiting = Device.objects.filter(status=DeviceStatus.PENDING).exclude(_late())
    devices = waiting.order_by().values("id")
    others: tuple[QuerySet[Any], ...] = (
        waiting_phone_changes(),
        pending_factor_resets(),
        waiting_requests(),
        waiting_retention(reader),
    )
    return devices.union(*(rows.order_by().values("id") for rows in others), all=True).count()
