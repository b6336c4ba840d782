"""A log that grows by many events at once."""

from django.db import transaction

from audit.selectors.checkpoints import SignedHead
from audit.services.recording import Fact, record_many
from orgs.events.people import OrganisationCreated
from orgs.models import Organisation
from tests.audit.published import publish
from tests.cast import inside


def record_events(of: Organisation, number: int) -> None:
    """So many more events, which wait."""
    with inside(of), transaction.atomic():
        record_many([Fact(OrganisationCreated(name="x", slug="x")) for _ in range(number)])


def grow(of: Organisation, number: int) -> SignedHead:
    """So many more events, and a checkpoint."""
    record_events(of, number)
    return publish(of)
