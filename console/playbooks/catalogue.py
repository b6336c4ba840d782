"""The five playbooks: when to use each, and who may."""

from dataclasses import dataclass

from semafore.kernel.permissions import Permission


@dataclass(frozen=True, slots=True)
class Playbook:
    """A guided page for one act."""

    title: str
    when: str
    """When to use it, in one sentence."""
    who: str
    """Who may carry it out, in words."""
    permission: Permission
    """Which the act needs."""
    page: str
    """The name of its route."""


LOST_PHONE = Playbook(
    title="Lost phone",
    when="A phone or a tablet is lost or stolen, and whoever finds it must get in nowhere.",
    who="Owners, admins and the helpdesk",
    permission=Permission.DEVICES_REPORT_LOST,
    page="playbook_lost_phone",
)
LEAVER = Playbook(
    title="Leaver",
    when="Somebody leaves the organisation, and what hangs on them goes to somebody else.",
    who="Owners and admins",
    permission=Permission.PEOPLE_MANAGE,
    page="playbook_leaver",
)
SUPPLIER_BREACH = Playbook(
    title="Supplier breach",
    when="A company whose people are guests here was broken into, and all of it has to end now.",
    who="Owners and admins",
    permission=Permission.ROOMS_MANAGE,
    page="playbook_supplier_breach",
)
INCIDENT_ROOM = Playbook(
    title="Incident room",
    when="An incident can't wait for an approval, and people of both sides must talk at once.",
    who="The duty approver whom the policy names",
    permission=Permission.ROOMS_MANAGE,
    page="playbook_incident_room",
)
INVESTIGATION = Playbook(
    title="Investigation",
    when="Somebody's conduct, or what went on in a room, has to be looked into, and they must not "
    "learn of it.",
    who="Owners and auditors",
    permission=Permission.HOLDS_PLACE,
    page="playbook_investigation",
)

PLAYBOOKS = (LOST_PHONE, LEAVER, SUPPLIER_BREACH, INCIDENT_ROOM, INVESTIGATION)
