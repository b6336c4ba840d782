"""Lost phone: the device goes; what stays, what the person must do, what nobody can recover."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import QueryDict

from console.forms.playbooks import LostPhoneForm
from console.playbooks.acts import report_lost
from console.playbooks.catalogue import LOST_PHONE
from console.playbooks.guided import Choice, PlaybookView, id_of
from console.selectors.search import find, people_called
from keys.models import Device
from keys.selectors.devices import devices_of
from keys.selectors.health import device
from keys.services.revocation import LIVE
from orgs.models import Membership, MembershipStatus
from orgs.selectors.members import member
from semafore.kernel.permissions import Permission


@dataclass(frozen=True, slots=True)
class Lost:
    """A person, their devices, and the one that the address names."""

    person: Membership
    devices: Sequence[Device]
    named: UUID | None

    @property
    def live(self) -> list[Device]:
        """Those that can be revoked."""
        return [one for one in self.devices if one.status in LIVE]


class LostPhoneView(PlaybookView):
    """One or several devices of a person."""

    requires_to_change = Permission.DEVICES_REPORT_LOST
    playbook = LOST_PHONE
    template = "console/playbooks/lost_phone.html"
    asks = "Whose device is lost?"
    hint = "The person's name, phone number or email address, or the name of the device."

    def subject(self, query: QueryDict) -> Lost | None:
        """The person, or whose device it is. Raises NotFound."""
        named, person_id = id_of(query, "device"), id_of(query, "person")
        if named is not None:
            person_id = device(named).membership_id
        if person_id is None:
            return None
        return Lost(member(person_id), list(devices_of(person_id)), named)

    def choices(self, words: str) -> list[Choice]:
        """People, then devices."""
        found = find(words, traffic=False)
        people = [
            Choice(one.name, one.phone or one.email, one.status, f"person={one.id}")
            for one in people_called(words)
        ]
        return people + [
            Choice(one.name, f"of {one.membership.name}", one.status, f"device={one.id}")
            for one in found.devices
        ]

    def plan(self, subject: Lost) -> dict[str, Any]:
        """The devices as they are, and what comes afterwards."""
        may_invite = Permission.MEMBERS_INVITE in self.seat.permissions
        invitation = self.link("invitation_new")
        replaced = subject.person.status == MembershipStatus.ACTIVE and not subject.live
        return {
            "person": subject.person,
            "devices": subject.devices,
            "live": subject.live,
            "replacement": f"{invitation}?purpose=device&member={subject.person.id}"
            if replaced and may_invite
            else "",
            "why_not": ""
            if subject.live
            else f"It is done already: no device of {subject.person.name} is left to revoke.",
        }

    def form(self, subject: Lost, data: QueryDict | None = None) -> LostPhoneForm:
        """The one that the address names is ticked, or the only one that there is."""
        chosen = [one.id for one in subject.live if subject.named in {None, one.id}]
        initial = {"devices": chosen} if len(chosen) == 1 else {}
        # Once one is revoked the same form is still understood, and answered.
        offered = subject.live if data is None else subject.devices
        return LostPhoneForm(data, devices=offered, initial=initial)

    def act(self, subject: Lost, form: LostPhoneForm) -> UUID:
        """Raises NotFound, PlaybookDone."""
        return report_lost(
            membership_id=subject.person.id,
            device_ids=form.cleaned_data["devices"],
            reason=form.cleaned_data["reason"],
        )
