"""How long things are kept, what is held, and the sweeps that delete the rest."""

from semafore.kernel.database import prepared_cursor
from semafore.kernel.tenancy import LOCK, LOCK_SHARED, current_organisation_id


def lock_retention(*, shared: bool = False) -> None:
    """Hold the current organisation's retention lock until the transaction ends.

    Batches of a sweep take it shared; what changes what may be deleted takes it exclusive, so that
    once it is done no batch goes by what held before.
    """
    with prepared_cursor() as cursor:
        cursor.execute(LOCK_SHARED if shared else LOCK, [f"retention:{current_organisation_id()}"])
