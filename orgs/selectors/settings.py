"""What an organisation decided for itself."""

from orgs.models import Organisation, Policy
from semafore.kernel.tenancy import current_organisation_id


def policy() -> Policy:
    """The current organisation's policy."""
    return Policy.objects.get()


def organisation() -> Organisation:
    """The current organisation."""
    return Organisation.objects.get(id=current_organisation_id())
