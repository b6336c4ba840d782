"""`demo.json`: where everything of the demo is, for programs and for the terminal."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings

from invitations.models import Channel, Invitation, Purpose, State
from invitations.services.issuing import issue_invitation
from invitations.services.terms import Draft
from invitations.services.tokens import invitation_token
from keys.models import Device
from orgs.models import Account, Membership, MembershipKind, MembershipStatus, Organisation
from orgs.totp import key_text
from semafore.kernel import clock
from semafore.kernel.actor import acting_as
from semafore.kernel.sealing import unseal
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.keyfile import KeyFile, KeyFileError
from semafore.local.demo.arrivals import PASSWORD
from semafore.local.demo.characters import OrganisationStory
from semafore.local.demo.story import OPERATOR, STORY
from semafore.local.demo.town import member_actor

UNUSED = 2
"""So many invitations wait in each organisation after a start."""
NEWCOMERS = ("Noor Haddad", "Owen Pryce", "Priya Nair", "Rhys Morgan", "Sofia Lindqvist")


def write_listing(folder: Path) -> None:
    """Replaced at once, so that nobody reads half of it; for its owner alone: it opens consoles."""
    listing: dict[str, Any] = {
        "base_url": settings.BASE_URL,
        "events_url": settings.EVENTS_URL,
        "sms_outbox": settings.SMS_FILE,
        "operator": _sign_in(Account.objects.get(email=OPERATOR)),
        "organisations": [],
        "console_users": [],
        "invitations": [],
        "devices": [],
    }
    state_files = _state_files(folder)
    for story in STORY:
        organisation = Organisation.objects.get(slug=story.slug)
        listing["organisations"].append(
            {"id": str(organisation.id), "slug": organisation.slug, "name": organisation.name}
        )
        with organisation_scope(organisation.id):
            _keep_invitations(story)
            listing["console_users"] += _console_users(story)
            listing["invitations"] += _invitations(story)
            listing["devices"] += _devices(story, state_files)
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"demo.json.{os.getpid()}"
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(listing, indent=2) + "\n", encoding="utf-8")
    fresh.replace(folder / "demo.json")


def _sign_in(account: Account) -> dict[str, str]:
    """What takes an account of the demo in, unless somebody has changed the password since."""
    return {
        "email": account.email or "",
        "password": PASSWORD,
        "totp_secret": key_text(unseal(bytes(account.factor.sealed_key or b""))),
    }


def _console_users(story: OrganisationStory) -> list[dict[str, str]]:
    """The staff who may still sign in at the console of the organisation in scope."""
    staff = Membership.objects.filter(
        name__in=[person.name for person in story.people if person.email],
        status=MembershipStatus.ACTIVE,
        account__factor__sealed_key__isnull=False,
    )
    return [
        {"organisation": story.slug, "role": member.role, **_sign_in(member.account)}
        for member in staff.select_related("account__factor").order_by("created_at")
    ]


def _keep_invitations(story: OrganisationStory) -> None:
    """See that some invitations wait, whatever became of those of earlier starts."""
    missing = UNUSED - _unused().count()
    known = {*Invitation.objects.values_list("phone", flat=True)}
    known |= {*Membership.objects.values_list("phone", flat=True)}
    numbers = [(n, f"{story.newcomers}{n:02}") for n in range(100)]
    with acting_as(member_actor(Membership.objects.get(name=story.people[0].name))):
        for number, phone in [one for one in numbers if one[1] not in known][: max(missing, 0)]:
            issue_invitation(
                draft=Draft(
                    purpose=Purpose.MEMBER,
                    channel=Channel.HAND,
                    name=NEWCOMERS[number % len(NEWCOMERS)],
                    phone=phone,
                    valid_days=30,
                )
            )


def _unused() -> Any:
    return Invitation.objects.filter(
        purpose=Purpose.MEMBER, channel=Channel.HAND, state=State.ISSUED, expires_at__gt=clock.now()
    )


def _invitations(story: OrganisationStory) -> list[dict[str, str]]:
    """Those that a device can enrol with."""
    return [
        {
            "organisation": story.slug,
            "name": invitation.name,
            "phone": invitation.phone,
            "token": invitation_token(invitation),
        }
        for invitation in _unused().order_by("issued_at")
    ]


def _state_files(folder: Path) -> dict[bytes, Path]:
    """The devices whose keys lie here, by identity key: the story's, and those enrolled since."""
    found = {}
    for path in sorted((folder / "devices").glob("*.json")):
        try:
            found[KeyFile(path).load().identity_key] = path
        except KeyFileError:
            continue
    return found


def _devices(story: OrganisationStory, state_files: dict[bytes, Path]) -> list[dict[str, Any]]:
    rows = Device.objects.select_related("membership").filter(identity_key__in=list(state_files))
    return [
        {
            "name": state_files[bytes(device.identity_key)].stem,
            "organisation": story.slug,
            "organisation_id": str(device.organisation_id),
            "member": device.membership.name,
            "device_id": str(device.id),
            "status": device.status,
            "guest": device.membership.kind == MembershipKind.GUEST,
            "state_file": f"devices/{state_files[bytes(device.identity_key)].name}",
        }
        for device in rows.order_by("enrolled_at")
    ]
