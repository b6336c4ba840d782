"""What happened to people and invitations once they were there."""

from datetime import timedelta

from invitations.models import Purpose, State
from invitations.services.changes import expire, revoke
from invitations.services.issuing import issue_invitation
from invitations.services.onboarding import start_onboarding
from invitations.services.phone_changes import prove_phone_change, request_phone_change
from invitations.services.terms import Draft
from invitations.services.tokens import invitation_token
from keys.models import RevocationReason
from keys.selectors.credentials import credential_of
from keys.services.revocation import revoke_device
from messaging.services.screenshots import report_screenshot
from orgs.models import MembershipStatus, Scope
from orgs.services.memberships import end_membership, suspend_membership
from orgs.services.service_tokens import issue_service_token
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.local.demo.arrivals import link
from semafore.local.demo.characters import InvitationStory, NewNumber, ScreenshotStory
from semafore.local.demo.evidence import look_back
from semafore.local.demo.post import carry, receive_code
from semafore.local.demo.rooms import open_rooms
from semafore.local.demo.talk import broadcast
from semafore.local.demo.town import PHONE, Town


def happen(town: Town, day: int) -> None:
    """All that the story knows of this day, but for who came."""
    for invitation in town.story.invitations:
        if invitation.day == day:
            _invite(town, invitation)
    for change in town.story.new_numbers:
        if change.day == day:
            _change_number(town, change)
    for token in town.story.service_tokens:
        if token.day == day:
            with acting_as(town.owner):
                issue_service_token(
                    name=token.name,
                    scopes=[Scope.AUDIT_READ, Scope.LOG_READ],
                    expires_at=clock.now() + timedelta(days=90),
                )
    open_rooms(town, day)
    _announce(town, day)
    look_back(town, day)
    _turn(town, day)
    with acting_as(SYSTEM):
        expire()


def _announce(town: Town, day: int) -> None:
    """Words to everybody, and screenshots that devices told of."""
    for word in town.story.broadcasts:
        if word.day == day:
            broadcast(town.device_of(word.person), word.text)
    for shot in town.story.screenshots:
        if shot.day == day:
            _report(town, shot)


def _report(town: Town, shot: ScreenshotStory) -> None:
    one = town.device_of(shot.person)
    with acting_as(one.actor):
        report_screenshot(
            credential=credential_of(one.device),
            room_id=town.rooms[shot.room],
            taken_at=clock.now() - timedelta(minutes=3),
            platform=one.story.platform,
        )


def _turn(town: Town, day: int) -> None:
    """Memberships suspended and ended, devices lost."""
    with acting_as(town.administrator(day)):
        for person in town.story.people:
            turn = person.turn
            if turn is not None and turn.day == day:
                act = end_membership if turn.to == MembershipStatus.ENDED else suspend_membership
                act(membership_id=town.members[person.name].id, reason=turn.reason)
            for device in person.devices:
                if device.lost == day:
                    lost = town.device(device.name).device
                    revoke_device(device_id=lost.id, reason=RevocationReason.LOST)
                if device.linked == day:
                    link(town, person, device)


def _invite(town: Town, story: InvitationStory) -> None:
    with acting_as(town.owner):
        invitation = issue_invitation(
            draft=Draft(
                purpose=Purpose.MEMBER if story.phone else Purpose.CONSOLE,
                channel=story.channel,
                name=story.name,
                phone=story.phone,
                email=story.email,
                role=story.role,
                unit=story.unit,
            )
        )
    carry(invitation, arrives=story.arrives)
    if story.becomes == State.OPENED:
        with acting_as(PHONE):
            start_onboarding(token=invitation_token(invitation))
            receive_code()
    if story.becomes == State.REVOKED:
        with acting_as(town.owner):
            revoke(invitation_id=invitation.id, reason=story.reason)


def _change_number(town: Town, change: NewNumber) -> None:
    """Up to the approval, which is somebody else's."""
    phone, member = town.device_of(change.person), town.members[change.person]
    with acting_as(phone.actor):
        request_phone_change(membership_id=member.id, phone=change.phone)
        prove_phone_change(membership_id=member.id, code=receive_code())
