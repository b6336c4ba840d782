"""Organisations and their policy."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.forms.models import model_to_dict

from audit.services.recording import Ref, record
from audit.services.retention.periods import begin_periods
from orgs.errors import PolicyInvalid
from orgs.events import people as events
from orgs.models import (
    DEVICES_PER_MEMBER,
    GUEST_STAY_DAYS,
    Organisation,
    Policy,
    SecondDeviceApproval,
)
from orgs.selectors.members import holders_of
from semafore.kernel.permissions import Permission
from semafore.kernel.tenancy import organisation_scope

BOUNDS = {"devices_per_member": DEVICES_PER_MEMBER, "guest_stay_days": GUEST_STAY_DAYS}


@transaction.atomic
def create_organisation(*, name: str, slug: str, sla_notice_hours: int = 72) -> Organisation:
    """A new tenant, its policy and periods the defaults. Its first event opens its own log."""
    organisation = Organisation.objects.create(
        name=name, slug=slug, sla_notice_hours=sla_notice_hours
    )
    with organisation_scope(organisation.id):
        Policy.objects.create(organisation=organisation)
        begin_periods()
        record(
            events.OrganisationCreated(name=name, slug=slug),
            target=Ref(kind="organisation", id=organisation.id, label=name),
        )
    return organisation


@dataclass(frozen=True, kw_only=True)
class PolicyChange:
    """The settings to change; None leaves one as it is."""

    totp_required: bool | None = None
    devices_per_member: int | None = None
    second_device_approval: SecondDeviceApproval | None = None
    guest_stay_days: int | None = None
    external_room_approvers: int | None = None
    emergency_rooms: bool | None = None
    duty_approver: UUID | Literal[""] | None = None
    """An owner or admin; the empty text for nobody."""
    push_wake_ups: bool | None = None


@transaction.atomic
def change_policy(*, change: PolicyChange) -> Policy:
    """Change the current organisation's policy; nothing happens when nothing differs.

    Raises PolicyInvalid. Retention has its own path (`audit.services.retention`).
    """
    policy = Policy.objects.select_for_update().get()
    before = model_to_dict(policy)
    wanted: dict[str, Any] = {
        name: value or None if name == "duty_approver" else value
        for name, value in vars(change).items()
        if value is not None
    }
    changed = {name: value for name, value in wanted.items() if before[name] != value}
    if not changed:
        return policy
    for name, (least, most) in BOUNDS.items():
        if not least <= changed.get(name, least) <= most:
            raise PolicyInvalid(detail=f"{name} must lie between {least} and {most}.")
    if changed.get("external_room_approvers", 1) not in (1, 2):
        raise PolicyInvalid(detail="external_room_approvers must be 1 or 2.")
    approver = changed.get("duty_approver")
    if approver and not holders_of(Permission.ROOMS_MANAGE).filter(id=approver).exists():
        raise PolicyInvalid(detail="The duty approver must be an active owner or admin.")
    for name, value in changed.items():
        setattr(policy, "duty_approver_id" if name == "duty_approver" else name, value)
    policy.save(update_fields=list(changed))
    record(
        events.PolicyChanged(before={name: before[name] for name in changed}, after=changed),
        target=Ref(kind="organisation", id=policy.organisation_id),
    )
    return policy
