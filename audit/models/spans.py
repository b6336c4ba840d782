"""When the events of each stretch of a log happened: what a time range is looked up by."""

import pgtrigger
from django.db import models
from django.db.models import F, Q

from audit.models.log import GROWS, SAME_ORGANISATION, only_added
from semafore.kernel.tenancy import TenantModel

STRETCH = 4096
"""Places in a stretch."""

WIDENS = """NEW.number = OLD.number
    AND NEW.earliest <= OLD.earliest AND NEW.latest >= OLD.latest"""

# Not of the sequencer's statement: so no row gets past it, whatever version writes.
KEEPS_SPANS = pgtrigger.Trigger(
    name="keeps_spans",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    level=pgtrigger.Statement,
    referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]
    func=f"""
        INSERT INTO audit_span AS span (organisation_id, number, earliest, latest)
        SELECT organisation_id, seq / {STRETCH}, min(at), max(at) FROM added GROUP BY 1, 2
        ON CONFLICT (organisation_id, number) DO UPDATE
            SET earliest = least(span.earliest, excluded.earliest),
                latest = greatest(span.latest, excluded.latest);
        RETURN NULL;
    """,  # noqa: S608 - a number of ours
)


class Span(TenantModel):
    """The earliest and the latest time of the events in places from STRETCH * number on.

    Time doesn't rise with place: an event gets its place after its act has committed, whenever that
    began. Kept by a trigger of the index; holds times alone, and stays when the events go.
    """

    pk = models.CompositePrimaryKey("organisation_id", "number")
    number = models.PositiveBigIntegerField()
    earliest = models.DateTimeField()
    latest = models.DateTimeField()

    class Meta:
        triggers = only_added(GROWS.format(stays=SAME_ORGANISATION + WIDENS))
        constraints = (
            models.CheckConstraint(condition=Q(earliest__lte=F("latest")), name="span_in_order"),
        )

    def __str__(self) -> str:
        return str(self.number)
