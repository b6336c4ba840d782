"""Scheduled work of the orgs app."""

from orgs.services import ends
from semafore.kernel.tasks import system_task

end_lapsed_memberships = system_task("orgs.end_lapsed_memberships")(ends.end_lapsed_memberships)
