"""An export worker that kills itself: `python -m tests.audit.exports.mortal_worker ORGANISATION
FOLDER NUMBER WHERE`.

When it stores its object of this number: `before` anything of it is there, or `after` all of it is
and its row doesn't say so yet. Its objects are small, so that there are many.
"""

import os
import signal
import sys
from typing import Any

# Sets Django up, so it comes before everything else.
import semafore.wsgi  # noqa: F401

# isort: split
from uuid import UUID

from django.conf import settings
from django.core.files.storage import FileSystemStorage

from audit.services.exports import work
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope

PART_BYTES = 100_000


class MortalStorage(FileSystemStorage):
    """A directory that its writer doesn't outlive."""

    def __init__(self, location: str, number: int, where: str) -> None:
        super().__init__(location=location)
        self.left, self.where = number, where

    def _save(self, name: str, content: Any) -> str:
        if not self.left and self.where == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        saved: str = super()._save(name, content)  # type: ignore[misc]  # not in the stubs
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        return saved


def main(organisation: str, folder: str, number: str, where: str) -> None:
    settings.STORAGES["exports"] = {
        "BACKEND": f"tests.audit.exports.mortal_worker.{MortalStorage.__name__}",
        "OPTIONS": {"location": folder, "number": int(number), "where": where},
    }
    work.PART_BYTES, work.SLICE = PART_BYTES, 10
    with acting_as(SYSTEM), organisation_scope(UUID(organisation)):
        work.write_exports()


if __name__ == "__main__":
    main(*sys.argv[1:])
