"""What Django finds for the operator's site: its autodiscovery imports the module of this name."""

from console.operator.maintenance import MaintenanceWindowAdmin
from console.operator.organisations import OrganisationAdmin

__all__ = ("MaintenanceWindowAdmin", "OrganisationAdmin")
