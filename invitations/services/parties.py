"""The external parties whose people are invited."""

from collections.abc import Collection

from audit.services.recording import Ref, record
from invitations.events.invitations import PartyCreated
from orgs.models import ExternalParty
from semafore.kernel.tenancy import current_organisation_id


def party_ref(party: ExternalParty) -> Ref:
    """A party as events name it."""
    return Ref(kind="party", id=party.id, label=party.name)


def parties_named(names: Collection[str]) -> dict[str, ExternalParty]:
    """The parties of these names, by name in lower case; new ones are created.

    Within the caller's transaction, the organisation locked.
    """
    wanted = {name.lower(): name for name in names if name}
    if not wanted:
        return {}
    found = {party.name.lower(): party for party in ExternalParty.objects.all()}
    for key in wanted.keys() - found.keys():
        found[key] = party = ExternalParty.objects.create(
            organisation_id=current_organisation_id(), name=wanted[key]
        )
        record(PartyCreated(), target=party_ref(party))
    return found
