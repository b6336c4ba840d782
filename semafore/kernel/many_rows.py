"""Tables that take rows by the hundred: whose they are is looked at once a statement.

A foreign key is looked at once a row. Measured: one to the organisation is a tenth of the
sequencer's work, two are a third of an insert into the mailboxes.
"""

import pgtrigger
from django.db import models

from semafore.kernel.tenancy import TenantModel


class ManyRows(TenantModel):
    """Base of such a table, which bears one of the two guards below."""

    organisation = models.ForeignKey(
        "orgs.Organisation",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        abstract = True


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
"""For a table that refers to nothing else: each row's organisation is there."""


def same_organisation_per_statement(
    *keys: tuple[str, str],
) -> tuple[pgtrigger.Trigger, pgtrigger.Trigger]:
    """`SameOrganisation` for a table that takes rows by the hundred: one look a statement.

    For columns (`device_id`) and the tables they refer to, whose rows never change their key and
    aren't deleted before these. It stands in for the key to the organisation too.
    """
    looks = "".join(
        f"""
                IF EXISTS (
                    SELECT FROM (SELECT DISTINCT organisation_id, {column} FROM added) AS given
                    WHERE NOT EXISTS (
                        SELECT FROM {references}
                        WHERE {references}.organisation_id = given.organisation_id
                          AND {references}.id = given.{column}
                    )
                ) THEN
                    RAISE EXCEPTION 'insert on % violates same_organisation', TG_TABLE_NAME
                        USING ERRCODE = 'foreign_key_violation';
                END IF;"""  # noqa: S608 - names of ours
        for column, references in keys
    )
    return (
        pgtrigger.Trigger(
            name="same_organisation",
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            level=pgtrigger.Statement,
            referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]
            func=f"""{looks}
                RETURN NULL;
            """,
        ),
        pgtrigger.Trigger(
            name="owner_immutable",
            when=pgtrigger.Before,
            operation=pgtrigger.UpdateOf(  # type: ignore[no-untyped-call]
                "organisation_id", *(column for column, _ in keys)
            ),
            func="RAISE EXCEPTION 'update of % violates same_organisation', TG_TABLE_NAME"
            " USING ERRCODE = 'foreign_key_violation';",
        ),
    )
