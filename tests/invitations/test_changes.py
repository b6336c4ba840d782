"""What becomes of an issued invitation."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from invitations.errors import (
    InvitationExpired,
    InvitationOpen,
    InvitationRevoked,
    InvitationTerms,
    InvitationTransition,
    InvitationUnknown,
    InvitationUsed,
)
from invitations.events import invitations as events
from invitations.models import Channel, Delivery, Invitation, State
from invitations.services import changes
from invitations.services.progress import advance, locked_invitation
from invitations.services.tokens import check_usable, find_invitation, invitation_token
from invitations.tasks.invitations import expire
from orgs.errors import AlreadyMember
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from semafore.kernel.problems import NotFound, NotPermitted
from tests import cast
from tests.invitations.acts import as_member, issue, now, within

PATH = [State.OPENED, State.PHONE_VERIFIED, State.AWAITING_APPROVAL, State.ACCEPTED]


def bring(invitation: Invitation, to: State) -> None:
    """As far as onboarding would."""
    from django.db import transaction

    def steps() -> None:
        with transaction.atomic():
            locked = locked_invitation(invitation.id)
            for state in PATH[: PATH.index(to) + 1]:
                advance(locked, state, events.InvitationResent(channel="hand"))

    within(invitation, steps)


def change(name: str, invitation: Invitation, **further: Any) -> Invitation:
    changed: Invitation = within(
        invitation, getattr(changes, name), invitation_id=invitation.id, **further
    )
    return changed


def test_sent_again_keeps_the_link(acme: Organisation) -> None:
    dan = issue(acme)
    token = invitation_token(dan)
    with clock.moved_by(timedelta(hours=1)):
        again = now(change("resend", dan))

    assert invitation_token(again) == token
    assert again.delivery == Delivery.QUEUED
    assert again.delivery_at is not None
    assert again.delivery_at > dan.issued_at + timedelta(minutes=59)
    assert len(cast.events(acme, "invitation.resent")) == 1


def test_by_hand_is_not_sent(acme: Organisation) -> None:
    with pytest.raises(InvitationTransition):
        change("resend", issue(acme, channel=Channel.HAND))


@pytest.mark.parametrize("before", [None, State.OPENED, State.PHONE_VERIFIED])
def test_a_new_link_kills_the_old_one(acme: Organisation, before: State | None) -> None:
    dan = issue(acme)
    old = invitation_token(dan)
    if before:
        bring(dan, before)
    new = change("new_link", dan)

    with pytest.raises(InvitationUnknown):
        find_invitation(old)
    assert find_invitation(invitation_token(new)) == dan
    # What was begun through the old link can't go on.
    assert now(dan).state == State.ISSUED
    (what,) = cast.events(acme, "invitation.link_renewed")
    assert what["data"] == {"issue_number": 2}


def test_more_time(acme: Organisation) -> None:
    dan = issue(acme, valid_days=1)
    longer = change("extend", dan, valid_days=30)

    assert longer.expires_at > clock.now() + timedelta(days=29)
    assert longer.state == State.ISSUED
    for days in (0, 31):
        with pytest.raises(InvitationTerms):
            change("extend", dan, valid_days=days)


def test_an_expired_one_lives_again_with_its_link(acme: Organisation) -> None:
    dan = issue(acme, valid_days=1)
    with clock.moved_by(timedelta(days=2)):
        assert expire() == 1
        with pytest.raises(InvitationExpired):
            check_usable(now(dan))
        alive = change("extend", now(dan), valid_days=7)
        check_usable(alive)

    assert invitation_token(alive) == invitation_token(dan)
    assert alive.state == State.ISSUED


def test_an_expired_one_stays_so_when_the_person_came_otherwise(
    acme: Organisation, bob: Membership
) -> None:
    dan = issue(acme, phone="+447922300999", valid_days=1)
    with clock.moved_by(timedelta(days=2)):
        expire()
        again = issue(acme, phone="+447922300999")
        with pytest.raises(InvitationOpen):
            change("extend", dan, valid_days=7)
        change("revoke", again, reason="mistake")
        within(acme, _takes, person=bob, phone="+447922300999")
        with pytest.raises(AlreadyMember):
            change("extend", dan, valid_days=7)
    assert now(dan).state == State.EXPIRED


def _takes(*, person: Membership, phone: str) -> None:
    Membership.objects.filter(id=person.id).update(phone=phone)


def test_extending_a_role_takes_who_may_give_it(acme: Organisation, alice: Membership) -> None:
    admin = cast.member(acme, "Ann", Role.ADMIN)
    owner = issue(acme, actor=as_member(alice), role=Role.OWNER)
    for name, further in (("extend", {"valid_days": 7}), ("new_link", {})):
        act = getattr(changes, name)
        with pytest.raises(NotPermitted):
            within(acme, act, actor=as_member(admin), invitation_id=owner.id, **further)
        within(acme, act, actor=as_member(alice), invitation_id=owner.id, **further)


def test_revoked_says_so_for_ever(acme: Organisation) -> None:
    dan = issue(acme)
    change("revoke", dan, reason="wrong person")

    assert (now(dan).state, now(dan).reason) == (State.REVOKED, "wrong person")
    with pytest.raises(InvitationRevoked):
        check_usable(find_invitation(invitation_token(dan)))
    for name, further in (("revoke", {"reason": "x"}), ("extend", {"valid_days": 7})):
        with pytest.raises(InvitationTransition):
            change(name, dan, **further)
    for name in ("resend", "new_link", "decline"):
        with pytest.raises(InvitationRevoked):
            change(name, dan)


def test_who_waits_for_approval_is_denied_there(acme: Organisation) -> None:
    dan = issue(acme)
    bring(dan, State.AWAITING_APPROVAL)
    with pytest.raises(InvitationTransition, match="deny it there"):
        change("revoke", dan, reason="x")
    with pytest.raises(InvitationTransition):
        change("extend", dan, valid_days=7)
    for name in ("resend", "new_link", "decline"):
        with pytest.raises(InvitationUsed):
            change(name, dan)
    with clock.moved_by(timedelta(days=60)):
        assert expire() == 0


def test_declined(acme: Organisation) -> None:
    dan = issue(acme)
    change("decline", dan, reason="not me")

    assert (now(dan).state, now(dan).reason) == (State.DECLINED, "not me")
    with pytest.raises(InvitationRevoked, match="declined"):
        check_usable(now(dan))


def test_the_sweep_expires_each_organisations_own(acme: Organisation, globex: Organisation) -> None:
    short, long, theirs = issue(acme, valid_days=1), issue(acme), issue(globex, valid_days=1)
    with clock.moved_by(timedelta(days=1, seconds=1)):
        assert expire() == 2
        assert expire() == 0

    assert [now(one).state for one in (short, long, theirs)] == ["expired", "issued", "expired"]
    assert len(cast.events(acme, "invitation.expired")) == 1


@pytest.mark.parametrize(
    ("name", "further"),
    [
        ("resend", {}),
        ("new_link", {}),
        ("extend", {"valid_days": 7}),
        ("revoke", {"reason": "x"}),
        ("decline", {}),
    ],
)
def test_another_organisations_is_not_found(
    acme: Organisation, globex: Organisation, name: str, further: dict[str, Any]
) -> None:
    theirs = issue(globex)
    for invitation_id in (theirs.id, uuid4()):
        with pytest.raises(NotFound):
            within(acme, getattr(changes, name), invitation_id=invitation_id, **further)
    assert now(theirs).state == State.ISSUED
