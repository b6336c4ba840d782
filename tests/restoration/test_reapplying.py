"""Lost events that are carried out again, and those that are left to people."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from audit.models import Hold, RetentionPeriods
from audit.registry import REGISTRY
from invitations.models import Channel, LinkToken, Onboarding, Purpose, State
from invitations.services.issuing import issue_invitation
from invitations.services.terms import Draft
from invitations.services.voiding import void_onboardings
from keys.models import KeyBundle, OneTimePreKey
from keys.services.voiding import SKIPPED, void_one_time_pre_keys
from orgs.models import (
    Membership,
    MembershipStatus,
    Organisation,
    Policy,
    Role,
    Scope,
    ServiceToken,
)
from orgs.services.service_tokens import issue_service_token
from orgs.services.voiding import skip_managed_app_versions, void_service_tokens
from restoration.lost_events import LostEvent, UnreadableError, read
from restoration.services.reapplying import HANDLERS, NOTHING_TO_DO, Outcome, reapply
from semafore.kernel import clock
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.cast import Phone, inside
from tests.keys.managed.saying import ask, want
from tests.messaging import talk


def lost(kind: str, about: dict[str, UUID], reason: str = "", **data: Any) -> LostEvent:
    return LostEvent(uuid4(), None, 7, kind, "success", reason, about, data)


def outcome(of: Organisation, event: LostEvent) -> Outcome:
    """Of carrying it out; once more it is never carried out again."""
    with inside(of):
        (first,), (second,) = reapply([event]), reapply([event])
    assert second.outcome is not Outcome.REAPPLIED
    return first.outcome


def test_whoever_lost_something_loses_it_again(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone
) -> None:
    room = talk.group(acme, alice, bob)
    in_room = {"member": bob.id, "room": room.id}
    for event in (
        lost("room.member_removed", in_room),
        lost("room.closed", {"room": room.id}),
        lost("device.revoked", {"device": bob_phone.id}, "lost", wipe=True),
        lost("member.suspended", {"member": bob.id}),
        lost("member.ended", {"member": bob.id}, "Left"),
    ):
        assert outcome(acme, event) is Outcome.REAPPLIED, event.type
    bob.refresh_from_db()
    assert bob.status == MembershipStatus.ENDED


def test_a_role_only_falls_and_an_end_only_comes_nearer(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    about = {"member": bob.id}
    assert outcome(acme, lost("member.role_changed", about, after="admin")) is Outcome.AGAIN
    admin = cast.member(acme, "Ada", Role.ADMIN)
    about = {"member": admin.id}
    assert outcome(acme, lost("member.role_changed", about, after="member")) is Outcome.REAPPLIED
    soon, later = (clock.rfc3339(clock.now() + timedelta(days=days)) for days in (3, 30))
    assert outcome(acme, lost("member.end_changed", about, after=None)) is Outcome.AGAIN
    assert outcome(acme, lost("member.end_changed", about, after=soon)) is Outcome.REAPPLIED
    assert outcome(acme, lost("member.end_changed", about, after=later)) is Outcome.AGAIN
    past = clock.rfc3339(clock.now() - timedelta(minutes=1))
    assert outcome(acme, lost("member.end_changed", about, after=past)) is Outcome.REAPPLIED
    admin.refresh_from_db()
    assert admin.status == MembershipStatus.ENDED


def test_what_was_to_be_kept_is_kept(acme: Organisation, bob: Membership) -> None:
    hold_id = uuid4()
    held = lost(
        "hold.placed",
        {"hold": hold_id, "member": bob.id},
        "Litigation",
        hold_id=str(hold_id),
        from_at=None,
        until_at=None,
        case_reference="HC-1",
    )
    assert outcome(acme, held) is Outcome.REAPPLIED
    with inside(acme):
        assert Hold.objects.get(id=hold_id).person_id == bob.id
        before = RetentionPeriods.objects.get()
        days = {name: getattr(before, name) for name in ("metadata_days", "audit_days")}
    longer = days | {"metadata_days": 30, "audit_days": 9999, "existence_days": 9999}
    assert outcome(acme, lost("retention.changed", {}, after=longer)) is Outcome.REAPPLIED
    with inside(acme):
        after = RetentionPeriods.objects.get()
    assert (after.audit_days, after.metadata_days) == (9999, before.metadata_days)


def test_what_names_nobody_here_is_left_to_people(
    acme: Organisation, alice: Membership, charlie: Membership
) -> None:
    for someone in (uuid4(), charlie.id):
        assert outcome(acme, lost("member.ended", {"member": someone})) is Outcome.AGAIN
        assert outcome(acme, lost("device.revoked", {"device": someone}, "lost")) is Outcome.AGAIN
    assert outcome(acme, lost("member.ended", {"member": alice.id})) is Outcome.AGAIN
    assert outcome(acme, lost("member.admitted", {"member": uuid4()})) is Outcome.AGAIN
    assert outcome(acme, lost("hold.lifted", {"hold": uuid4()})) is Outcome.AGAIN
    for request in ("hold.lift", "retention.change"):
        assert outcome(acme, lost(f"{request}_requested", {})) is Outcome.NOTED
        for taken_back in ("denied", "withdrawn"):
            assert outcome(acme, lost(f"{request}_{taken_back}", {})) is Outcome.AGAIN
    assert outcome(acme, lost("member.role_changed", {"member": alice.id})) is Outcome.AGAIN
    denied = LostEvent(uuid4(), None, 7, "member.ended", "denied", "", {"member": alice.id}, {})
    assert outcome(acme, denied) is Outcome.NOTED
    charlie.refresh_from_db()
    assert charlie.status == MembershipStatus.ACTIVE


def test_an_old_link_and_a_revoked_invitation_stay_dead(
    acme: Organisation, alice: Membership
) -> None:
    with inside(acme):
        draft = Draft(
            purpose=Purpose.MEMBER, name="Nora", phone="+447700900777", channel=Channel.HAND
        )
        invitation = issue_invitation(draft=draft)
    about = {"invitation": invitation.id}
    assert outcome(acme, lost("invitation.link_renewed", about, issue_number=3)) is (
        Outcome.REAPPLIED
    )
    assert outcome(acme, lost("invitation.revoked", about, "A mistake")) is Outcome.REAPPLIED
    with inside(acme):
        invitation.refresh_from_db()
    assert (invitation.issue_number, invitation.state) == (3, State.REVOKED)


def test_every_type_that_is_named_exists() -> None:
    assert HANDLERS.keys() <= REGISTRY.keys()
    for beginning in NOTHING_TO_DO:
        assert any(name.startswith(beginning) for name in REGISTRY), beginning
    assert not [name for name in HANDLERS if name.startswith(NOTHING_TO_DO)]


def test_void_keys_are_not_issued_and_ids_are_skipped(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    with inside(acme):
        highest = KeyBundle.objects.get(device_id=bob_phone.id).highest_key_id
        assert void_one_time_pre_keys() == 40
        assert not OneTimePreKey.objects.filter(claimed_at=None).exists()
    assert alice_phone.api.claim(bob_phone.id)["one_time_pre_key"] is None
    status = bob_phone.api.status()["one_time_pre_keys"]
    assert status["available"] == 0
    assert status["highest_key_id"] == highest + SKIPPED
    batch = bob_phone.keys.make_one_time_pre_keys(5)
    with pytest.raises(ApiProblem, match="key_id_conflict"):
        bob_phone.api.publish(batch)
    fresh = bob_phone.keys.make_one_time_pre_keys(5, above=status["highest_key_id"])
    assert bob_phone.api.publish(fresh)["one_time_pre_keys"]["available"] == 5
    assert alice_phone.api.claim(bob_phone.id)["one_time_pre_key"]["key_id"] == fresh[0]["key_id"]


def test_settings_that_are_decided_anew_reach_who_had_the_lost_ones(
    acme: Organisation, bob_phone: Phone
) -> None:
    want(acme, lock_after_minutes=5)
    lost_version = ask(bob_phone, "managed-config").headers["ETag"]
    with inside(acme):
        Policy.objects.update(managed_app={}, managed_app_version=1)
        skip_managed_app_versions()

    want(acme, lock_after_minutes=1)
    anew = ask(bob_phone, "managed-config", **{"If-None-Match": lost_version})
    assert anew.json()["lock_after_minutes"] == 1
    assert anew.json()["config_version"] > 2


def test_tokens_of_programs_and_links_are_void(
    acme: Organisation, alice: Membership, alice_phone: Phone
) -> None:
    alice_phone.api.link_token()
    with inside(acme):
        issue_service_token(
            name="SIEM", scopes=[Scope.LOG_READ], expires_at=clock.now() + timedelta(days=9)
        )
        assert void_service_tokens(reason="restored") == 1
        assert ServiceToken.objects.get().status == "revoked"
        assert void_onboardings().link_tokens == 1
        assert LinkToken.objects.get().expires_at <= clock.now()
        assert not Onboarding.objects.filter(session_hash__isnull=False).exists()


def test_a_line_that_is_no_event_of_ours_stops_everything() -> None:
    for line in ("{}", "not one", '{"what": 1, "who": 2}', "<109>1 - - - - - -"):
        with pytest.raises(UnreadableError, match="line 2"):
            list(read(["", line]))
