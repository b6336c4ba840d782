"""A leaver in a process that can be killed, by the memberships of who acts and of who goes:
`python -m tests.console.playbooks.mortal_leaver ACTOR LEAVER`.
"""

import sys

# Sets Django up, so it comes before everything else.
import semafore.wsgi  # noqa: F401

# isort: split
from uuid import UUID

from console.playbooks.acts import let_go
from orgs.models import Membership
from semafore.kernel.tenancy import locate
from tests.invitations.onboarding.acts import acting


def main(actor: str, leaver: str) -> None:
    with acting(locate(Membership).get(id=UUID(actor))):
        let_go(membership_id=UUID(leaver), reason="New job")


if __name__ == "__main__":
    main(*sys.argv[1:])
