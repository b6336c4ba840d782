"""The log of the organisation that is looked at: under a checkpoint, partly swept, partly held."""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID, uuid4

from django.db import transaction

from audit.models import IndexedEvent, RetentionRequest
from audit.selectors.existence import Asked
from audit.selectors.reading import Reader
from audit.services.contents import content_root, note_contents
from audit.services.existence import prove_existence
from audit.services.recording import Ref, record
from audit.services.retention.holds import place_hold, request_lift
from audit.services.retention.periods import change_periods
from audit.services.retention.requests import deny_request
from audit.services.retention.sweeps import sweep
from audit.services.searches import save_search
from console.playbooks.acts import investigate, report_lost
from messaging.events.messages import MessageAccepted
from messaging.services.periods import room_ref
from orgs.services.memberships import membership_ref, suspend_membership
from semafore.kernel import clock
from semafore.kernel.actor import Actor, ActorKind, acting_as
from semafore.kernel.permissions import Permission
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.audit.published import announce, publish
from tests.browser.scene import LONG_NAME, LONG_UNIT, Scene
from tests.cast import inside

YEARS = timedelta(days=2600)
LATELY = clock.now().replace(hour=9, minute=15, second=20) - timedelta(days=200)
LONG_AGO = LATELY - timedelta(days=730)
"""Before the period of metadata, which is a year."""


def add_log(scene: Scene) -> None:
    """Events of every sort, one of them from before the periods; holds, and what waits."""
    announce(scene.organisation)
    with clock.moved_by(-YEARS):
        scene.person("forgotten", "Fergus Lyle")
        with scene.by("alice"):
            suspend_membership(membership_id=scene.people["forgotten"].id, reason="Long leave.")
        publish(scene.organisation)
    _holds(scene)
    _requests(scene)
    _playbooks(scene)
    with inside(scene.organisation):
        scene.events["gone"] = _newest("member.suspended")
        sweep()
    with clock.moved_by(-timedelta(days=200)):
        scene.person("newcomer_of_may", "Nell Ford")
        publish(scene.organisation)
    publish(scene.organisation)
    with inside(scene.organisation):
        for key, name in (
            ("revoked", "device.revoked"),
            ("changed", "retention.changed"),
            ("swept", "retention.swept"),
            ("issued", "invitation.issued"),
        ):
            scene.events[key] = _newest(name)
    _proofs(scene)
    with scene.by("adam"):
        suspend_membership(membership_id=scene.people["guest"].id, reason="Asked by the company.")
    _searches(scene)
    publish(scene.organisation)
    with inside(scene.organisation):
        scene.events["suspended"] = _newest("member.suspended")


def _searches(scene: Scene) -> None:
    bob, reader = scene.people["bob"], Permission.AUDIT_READ_TRAFFIC
    for key, by, name, filters in (
        ("week", "alice", "Suspended this week", {"period": "7", "action": "member.suspended"}),
        ("bob", "hana", "What was refused to Bob", {"actor": str(bob.id), "outcome": "denied"}),
        ("long", "hana", LONG_NAME, {"about": str(scene.people["wilhelmina"].id)}),
    ):
        with scene.by(by):
            scene.searches[key] = save_search(
                name=name,
                filters=filters,
                shared=True,
                reader=Reader(frozenset({reader}), scene.people[by].id),
            )


def _proofs(scene: Scene) -> None:
    """Two messages are proved: one as it was recorded, one whose people are forgotten."""
    of, bob, ward = scene.organisation, scene.people["bob"], scene.rooms["ward"]
    device = scene.devices["bob"]
    actor = Actor(
        kind=ActorKind.DEVICE,
        id=device.id,
        label=f"{bob.name}, {device.name}",
        membership_id=bob.id,
    )
    for key, at in {"proved": LATELY, "proved_forgotten": LONG_AGO}.items():
        ciphertext = sha256(key.encode()).digest()
        message = MessageAccepted(
            message_id=uuid4(),
            content_root=content_root([ciphertext]),
            envelopes=1,
            skipped=0,
            total_bytes=612,
            commitment=ciphertext,
        )
        with (
            clock.moved_by(at - clock.now()),
            acting_as(actor),
            organisation_scope(of.id),
            transaction.atomic(),
        ):
            event_id = record(message, room=room_ref(ward)).event_id
            note_contents(event_id=event_id, hashes=[ciphertext])
        publish(of)
        if key == "proved_forgotten":
            with inside(of):
                sweep()
            publish(of)
        with scene.by("hana"):
            made = prove_existence(
                asked=Asked(ciphertext_sha256=ciphertext),
                reader=Reader(frozenset(Permission)),
                reason="Claim of an insurer: was the ward told in time?",
                case_reference="HC-2026-0117",
            )
        scene.events[key] = made.proved[0].record_id
    publish(of)


def _newest(name: str) -> UUID:
    newest: UUID = (
        IndexedEvent.objects.filter(type=name).order_by("-seq").values_list("event_id", flat=True)
    )[0]
    return newest


def _holds(scene: Scene) -> None:
    ward = scene.rooms["ward"]
    with scene.by("hana"):
        scene.holds["person"] = place_hold(
            person=membership_ref(scene.people["wilhelmina"]),
            room=None,
            from_at=None,
            until_at=None,
            reason=f"Letter of the coroner about {LONG_NAME}, {LONG_UNIT}.",
            case_reference="HC-2026-0117",
        )
        scene.holds["room"] = place_hold(
            person=membership_ref(scene.people["bob"]),
            room=Ref(kind="room", id=ward.id, label=ward.name),
            from_at=clock.now() - timedelta(days=90),
            until_at=clock.now() + timedelta(days=30),
            reason="An incident on the ward.",
            case_reference="",
        )
        scene.retention_requests["lift"] = request_lift(
            hold_id=scene.holds["room"].id, reason="The incident is settled."
        )
        scene.holds["period"] = place_hold(
            person=None,
            room=None,
            from_at=clock.now() - timedelta(days=30),
            until_at=clock.now(),
            reason="The month of the outage.",
            case_reference="",
        )
    with scene.by("alice"):
        scene.retention_requests["own"] = request_lift(
            hold_id=scene.holds["period"].id, reason="The outage had another cause."
        )


def _playbooks(scene: Scene) -> None:
    """A phone that was lost, and a case."""
    person, phone = scene.person("mislaid", "Minna Lost"), cast.phone(scene.people["mislaid"])
    cast.phone(person, name="Tablet")
    with scene.by("alice"):
        scene.events["playbook"] = report_lost(
            membership_id=person.id, device_ids=[phone.id], reason="Left in a taxi in Leeds."
        )
        scene.events["case"] = investigate(
            person=scene.people["bob"],
            room=None,
            from_at=None,
            until_at=None,
            reason="Complaint of a supplier about tenders.",
            case_reference="HC-2026-0141",
        )


def _requests(scene: Scene) -> None:
    periods = {"metadata_days": 365, "audit_days": 2555, "existence_days": 2555}
    with scene.by("oliver"):
        change_periods(**periods | {"existence_days": 3000}, reason="Contract with the insurer.")
        scene.retention_requests["denied"] = _asked(periods | {"metadata_days": 90})
    with scene.by("adam"):
        deny_request(
            request_id=scene.retention_requests["denied"].id, reason="The regulator wants a year."
        )
    with scene.by("oliver"):
        scene.retention_requests["waiting"] = _asked(periods | {"audit_days": 1825})


def _asked(periods: dict[str, int]) -> RetentionRequest:
    asked = change_periods(**periods, reason="Storage costs, says the board.")
    assert isinstance(asked, RetentionRequest)
    return asked
