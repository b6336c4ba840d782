"""How people and devices came in: by the founding, by a mailed link, by an invitation."""

from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings

from invitations.models import Channel, Invitation, Purpose
from invitations.services.approvals import approve, deny
from invitations.services.issuing import issue_invitation
from invitations.services.linking import issue_link_token
from invitations.services.onboarding import prove_phone, start_onboarding
from invitations.services.redemption import redeem_with_new_account
from invitations.services.registration import register_device
from invitations.services.terms import Draft
from invitations.services.tokens import invitation_token
from keys.models import Comparison, Device
from keys.services.enrolment import Enrolment, approve_device, enrol_device
from keys.services.tokens import issue_challenge, issue_token
from orgs.models import Account, MembershipStatus
from orgs.services.accounts import create_account
from orgs.services.factors import adopt_factor
from orgs.services.memberships import admit_member
from orgs.totp import new_totp_key
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, acting_as
from semafore.kernel.sealing import seal
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.uploads import enrolment_of
from semafore.local.demo.characters import DeviceStory, Habit, PersonStory
from semafore.local.demo.post import carry, receive_code
from semafore.local.demo.town import PHONE, LoadedDevice, Town

PASSWORD = "swans-glide-over-the-weir"  # noqa: S105 - everybody's in the demo, which DEBUG alone loads
FIRST_STOCK = 24
LOW_STOCK = 6
MISMATCH = "The fingerprint on your screen was another. Come to the desk and start again."


def arrive(town: Town, person: PersonStory) -> None:
    """Somebody comes in, with their devices, an hour between two."""
    if person.email and person.phone:
        _found(town, person)
        return
    if person.email:
        _redeem(town, person)
        return
    approver = town.administrator(person.joined)
    token = _token_of_guest(person) if person.guest else _invite(person, approver)
    for number, story in enumerate(one for one in person.devices if one.linked is None):
        with clock.moved_by(timedelta(hours=number)):
            if number:
                token = _link(town.device_of(person.name))
            one = _decided(_onboard(token, story), approver)
            town.devices.append(one)
            town.members[person.name] = one.device.membership


def link(town: Town, person: PersonStory, story: DeviceStory) -> None:
    """A further device of somebody who is there: in place of a lost one, say."""
    token = _link(town.device_of(person.name))
    town.devices.append(_decided(_onboard(token, story), town.owner))


def give_factor(account: Account) -> None:
    """An authenticator whose key `demo.json` tells."""
    adopt_factor(account=account, sealed_key=seal(new_totp_key()), last_step=0)


def _found(town: Town, person: PersonStory) -> None:
    """Those who were there before anybody could invite; the server itself let them in."""
    with acting_as(SYSTEM):
        account = create_account(phone=person.phone, email=person.email, password=PASSWORD)
        give_factor(account)
        member = admit_member(
            account=account,
            name=person.name,
            phone=person.phone,
            email=person.email,
            role=person.role,
            unit=person.unit,
            status=MembershipStatus.ACTIVE,
        )
        town.members[person.name] = member
        for story in person.devices:
            keys, onboarding_id = DeviceKeys.generate(), uuid4()
            device = enrol_device(
                membership_id=member.id,
                onboarding_id=onboarding_id,
                enrolment=_enrolment(keys, onboarding_id, story),
            )
            approve_device(device_id=device.id, compared=Comparison.IN_PERSON)
            town.devices.append(_signed_on(LoadedDevice(story, device, keys)))


def _redeem(town: Town, person: PersonStory) -> None:
    """Console staff: the link in the mail is enough."""
    with acting_as(town.owner):
        invitation = issue_invitation(
            draft=Draft(
                purpose=Purpose.CONSOLE,
                name=person.name,
                email=person.email,
                role=person.role,
                unit=person.unit,
            )
        )
    carry(invitation, arrives=True)
    with acting_as(PHONE):
        member = redeem_with_new_account(
            invitation_id=invitation.id, name=person.name, password=PASSWORD
        )
        give_factor(member.account)
    town.members[person.name] = member


def _invite(person: PersonStory, by: Actor) -> str:
    draft = Draft(
        purpose=Purpose.MEMBER,
        channel=Channel.SMS,
        name=person.name,
        phone=person.phone,
        unit=person.unit,
    )
    with acting_as(by):
        invitation = issue_invitation(draft=draft)
    carry(invitation, arrives=True)
    return invitation_token(invitation)


def _token_of_guest(person: PersonStory) -> str:
    """The invitation went out when the external room was approved."""
    return invitation_token(Invitation.objects.get(phone=person.phone, purpose=Purpose.GUEST))


def _link(first: LoadedDevice) -> str:
    """The device that is in lets another one in."""
    with acting_as(first.actor):
        return issue_link_token(device_id=first.device.id).link_token


def _onboard(token: str, story: DeviceStory) -> LoadedDevice:
    """Every step of the device's way, up to waiting for approval."""
    keys = DeviceKeys.generate()
    with acting_as(PHONE):
        onboarding = start_onboarding(token=token).onboarding
        prove_phone(onboarding_id=onboarding.id, code=receive_code())
        device = register_device(
            onboarding_id=onboarding.id, enrolment=_enrolment(keys, onboarding.id, story)
        )
    return _reloaded(LoadedDevice(story, device, keys))


def _decided(one: LoadedDevice, approver: Actor) -> LoadedDevice:
    """Approved or denied, unless it still waits."""
    if one.story.habit == Habit.PENDING:
        return one
    with acting_as(approver):
        if one.story.habit == Habit.DENIED:
            deny(device_id=one.device.id, reason=MISMATCH)
            return _reloaded(one)
        approve(device_id=one.device.id, compared=Comparison.IN_PERSON)
    return _signed_on(one)


def _signed_on(one: LoadedDevice) -> LoadedDevice:
    """The device's first token, by which it was seen."""
    device = one.device
    with acting_as(PHONE):
        challenge = issue_challenge(device_id=device.id).challenge
        signature = one.keys.sign_challenge(
            settings.BASE_URL, challenge, device.id, device.organisation_id
        )
        issue_token(device_id=device.id, challenge=challenge, signature=signature)
    return _reloaded(one)


def _enrolment(keys: DeviceKeys, onboarding_id: UUID, story: DeviceStory) -> Enrolment:
    return enrolment_of(
        keys,
        onboarding_id,
        name=story.name,
        platform=story.platform,
        one_time_pre_keys=LOW_STOCK if story.habit == Habit.LOW else FIRST_STOCK,
    )


def _reloaded(one: LoadedDevice) -> LoadedDevice:
    """With the device as it stands, and whom it belongs to."""
    one.device = Device.objects.select_related("membership__account").get(id=one.device.id)
    return one
