"""Versions of rows that devices follow by cursor: who is here, with which devices, in which rooms.

A number from one sequence, given under the organisation's exclusive lock: within an organisation
numbers commit in their order, so who has read up to one misses nothing below it. (Identity values
in general commit out of order.)
"""

import pgtrigger
from django.db import models
from django.db.migrations.operations import RunSQL

SEQUENCE = "semafore_version"

NEXT = f"""
    PERFORM pg_advisory_xact_lock(hashtextextended('org:' || NEW.organisation_id::text, 0));
    NEW.version := nextval('{SEQUENCE}');
    RETURN NEW;
"""


def version_field() -> "models.BigIntegerField[int, int]":
    """The column; the database fills it."""
    return models.BigIntegerField(default=0, editable=False)


def versioned(
    *columns: str, forgettable: str | None = None
) -> tuple[pgtrigger.Trigger, pgtrigger.Trigger]:
    """A new version for a new row, and whenever one of the columns changes.

    A `forgettable` text that retention empties is no news: whoever it named was gone long before.
    """
    changed = pgtrigger.Q()
    if forgettable:
        changed = pgtrigger.Q(
            **{f"old__{forgettable}__df": pgtrigger.F(f"new__{forgettable}")}
        ) & ~pgtrigger.Q(**{f"new__{forgettable}": ""})
    for column in columns:
        changed |= pgtrigger.Q(**{f"old__{column}__df": pgtrigger.F(f"new__{column}")})
    return (
        pgtrigger.Trigger(
            name="version_of_new", when=pgtrigger.Before, operation=pgtrigger.Insert, func=NEXT
        ),
        pgtrigger.Trigger(
            name="version_of_changed",
            when=pgtrigger.Before,
            operation=pgtrigger.Update,
            condition=changed,
            func=NEXT,
        ),
    )


def number(table: str) -> RunSQL:
    """For a migration: give the rows that are there already a version."""
    return RunSQL(f"UPDATE {table} SET version = nextval('{SEQUENCE}')", RunSQL.noop)  # noqa: S608
