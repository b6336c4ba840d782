"""A change of FIELD_KEYS: what older keys sealed is sealed anew under the first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import connection, transaction

from audit.services.recording import record_platform
from orgs.events.platform import SecretsResealed
from semafore.kernel.models import SealedField
from semafore.kernel.sealing import sealed_anew
from semafore.kernel.tasks import BATCH


@dataclass(slots=True)
class Resealed:
    """How many values there are of each kind."""

    anew: int = 0
    already: int = 0
    """Under the first key."""
    unreadable: int = 0
    """Under a key that FIELD_KEYS lacks: they stay as they are."""


def reseal() -> Resealed:
    """Seal everything under the first of FIELD_KEYS, in batches; may be broken off and repeated."""
    found = Resealed()
    for table, key, column in _sealed_columns():
        last: Any = None
        while (last := _reseal_batch(found, table, key, column, after=last)) is not None:
            pass
    with transaction.atomic():
        record_platform(
            SecretsResealed(anew=found.anew, already=found.already, unreadable=found.unreadable)
        )
    return found


def _sealed_columns() -> Iterator[tuple[str, str, str]]:
    """Table, primary key and column of each; every organisation's are treated alike."""
    for model in apps.get_models():
        meta = model._meta  # noqa: SLF001 - Django documents it
        for field in meta.local_concrete_fields:
            if isinstance(field, SealedField) and meta.pk is not None:
                yield meta.db_table, meta.pk.column, field.column


@transaction.atomic
def _reseal_batch(found: Resealed, table: str, key: str, column: str, *, after: Any) -> Any:
    """The last key of the next rows, None after the last. Who writes one meanwhile waits."""
    with connection.cursor() as cursor:
        beyond = f"AND {key} > %s" if after is not None else ""
        cursor.execute(
            f"SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL {beyond}"  # noqa: S608 - names of our own
            f" ORDER BY {key} LIMIT {BATCH} FOR UPDATE",
            [] if after is None else [after],
        )
        rows = cursor.fetchall()
        for identity, sealed in rows:
            try:
                anew = sealed_anew(sealed)
            except InvalidToken:
                found.unreadable += 1
                continue
            if anew is None:
                found.already += 1
                continue
            cursor.execute(
                f"UPDATE {table} SET {column} = %s WHERE {key} = %s",  # noqa: S608 - the same
                [anew, identity],
            )
            found.anew += 1
    return rows[-1][0] if rows else None
