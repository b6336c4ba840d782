"""What an organisation decided for itself."""

from orgs.managed_app import ManagedApp, ManagedConfig
from orgs.models import Organisation, Policy
from semafore.kernel.tenancy import current_organisation_id


def policy() -> Policy:
    """The current organisation's policy."""
    return Policy.objects.get()


def organisation() -> Organisation:
    """The current organisation."""
    return Organisation.objects.get(id=current_organisation_id())


def managed_config() -> ManagedConfig:
    """What the current organisation wants of the app."""
    row = Policy.objects.values_list("organisation_id", "managed_app_version", "managed_app").get()
    organisation_id, version, chosen = row
    return ManagedConfig(organisation_id, version, ManagedApp(**chosen))
