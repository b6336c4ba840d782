"""The log of the organisation that is looked at: under a checkpoint, partly swept, partly held."""

from datetime import timedelta
from uuid import UUID

from audit.models import IndexedEvent, RetentionRequest
from audit.services.recording import Ref
from audit.services.retention.holds import place_hold, request_lift
from audit.services.retention.periods import change_periods
from audit.services.retention.requests import deny_request
from audit.services.retention.sweeps import sweep
from orgs.services.memberships import membership_ref, suspend_membership
from semafore.kernel import clock
from tests.audit.published import announce, publish
from tests.browser.scene import LONG_NAME, LONG_UNIT, Scene
from tests.cast import inside

YEARS = timedelta(days=2600)


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
    with scene.by("adam"):
        suspend_membership(membership_id=scene.people["guest"].id, reason="Asked by the company.")
    publish(scene.organisation)


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
