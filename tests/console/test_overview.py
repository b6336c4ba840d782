"""The first page: what waits for this person, and numbers of this organisation alone."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from invitations.models import Channel, Delivery, Invitation, Purpose
from keys.models import SignedPreKey
from orgs.models import Membership, Organisation, Role
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
from tests import cast


def overview(person: Membership, slug: str) -> Any:
    answer = cast.signed_in(person).get(f"/console/{slug}/")
    assert answer.status_code == 200
    return answer


@pytest.fixture
def busy(acme: Organisation, alice: Membership, globex: Organisation) -> None:
    """One of each thing that waits in Acme; Globex has two."""
    for organisation, number in ((acme, 1), (globex, 2)):
        for _ in range(number):
            person = cast.member(organisation, "Dora")
            cast.phone(person, approved=False)
            lapsed = cast.phone(cast.member(organisation, "Edna"))
            suspended = cast.member(organisation, "Finn")
            with cast.inside(organisation):
                SignedPreKey.objects.filter(device_id=lapsed.id).update(
                    uploaded_at=clock.now() - settings.SPK_MAX_AGE - timedelta(minutes=1)
                )
                suspend_membership(membership_id=suspended.id, reason="leave")
                Invitation.objects.create(
                    organisation_id=organisation.id,
                    purpose=Purpose.MEMBER,
                    name="Gil",
                    phone=person.phone,
                    channel=Channel.SMS,
                    delivery=Delivery.FAILED,
                    expires_at=clock.now() + timedelta(days=1),
                )


def test_it_counts_what_waits_in_this_organisation(
    acme: Organisation, alice: Membership, busy: None
) -> None:
    answer = overview(alice, acme.slug)

    counts = {
        decision.url.split("/")[3]: decision.count for decision in answer.context["decisions"]
    }
    assert list(counts.values()) == [1, 1, 1]
    state = answer.context["state"]
    assert (state.members, state.suspended, state.devices) == (3, 1, 1)


def test_it_offers_nobody_what_they_may_not_decide(
    acme: Organisation, alice: Membership, busy: None
) -> None:
    auditor = cast.member(acme, "Odo", Role.AUDITOR)

    (decision,) = overview(auditor, acme.slug).context["decisions"]
    assert decision.url.endswith("?health=expired")


def test_it_says_when_nothing_waits(acme: Organisation, alice: Membership) -> None:
    assert "Nothing waits for you" in overview(alice, acme.slug).content.decode()


def test_it_takes_as_many_statements_however_many_people(
    acme: Organisation, alice: Membership, busy: None, django_assert_max_num_queries: Any
) -> None:
    browser = cast.signed_in(alice)
    browser.get(f"/console/{acme.slug}/")
    with django_assert_max_num_queries(20) as few:
        browser.get(f"/console/{acme.slug}/")
    cast.crowd(acme, 300)
    with django_assert_max_num_queries(len(few.captured_queries)):
        browser.get(f"/console/{acme.slug}/")
