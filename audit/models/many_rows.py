"""Tables that take rows by the thousand: their organisation is looked at once a statement."""

import pgtrigger
from django.db import models

from semafore.kernel.tenancy import TenantModel

# Instead of a foreign key: measured, a key on each row is a tenth of the sequencer's work.
OF_AN_ORGANISATION = pgtrigger.Trigger(
    name="of_an_organisation",
    when=pgtrigger.After,
    operation=pgtrigger.Insert,
    level=pgtrigger.Statement,
    referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]
    func="""
        IF EXISTS (
            SELECT FROM (SELECT DISTINCT organisation_id FROM added) AS given
            WHERE NOT EXISTS (
                SELECT FROM orgs_organisation WHERE orgs_organisation.id = given.organisation_id
            )
        ) THEN
            RAISE EXCEPTION '% is of no organisation', TG_TABLE_NAME
                USING ERRCODE = 'foreign_key_violation';
        END IF;
        RETURN NULL;
    """,
)


class ManyRows(TenantModel):
    """Base of tables that take rows by the thousand."""

    organisation = models.ForeignKey(
        "orgs.Organisation",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        abstract = True
