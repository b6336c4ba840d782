"""A sweeper that dies: `python -m tests.audit.mortal_sweeper <organisation> <batches> <where>`.

It does so many batches, then kills itself: `between` batches, or `within` the next, when that has
deleted and written down all and not yet committed.
"""

import os
import signal
import sys

# Sets Django up, so it comes before everything else.
import semafore.wsgi  # noqa: F401

# isort: split
from uuid import UUID

from django.db import transaction

from audit.services.retention.sweeps import sweep_batch
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope


def main() -> None:
    organisation_id, batches, where = UUID(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    with acting_as(SYSTEM), organisation_scope(organisation_id):
        for _ in range(batches):
            assert sweep_batch()
        with transaction.atomic():
            if where == "within":
                assert sweep_batch()
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
