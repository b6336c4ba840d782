"""`manage.py reseal`: after a new key was put first into FIELD_KEYS (docs/secrets.md)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orgs.services.resealing import reseal
from semafore.kernel.actor import SYSTEM, acting_as


class Command(BaseCommand):
    """Exit code 1 while something is sealed under a key that FIELD_KEYS lacks."""

    help = "Seal second factors, push tokens and SIEM secrets under the first of FIELD_KEYS."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Seal, and say what may be done now."""
        with acting_as(SYSTEM):
            found = reseal()
        self.stdout.write(f"{found.anew} sealed anew, {found.already} under the first key already.")
        if found.unreadable:
            raise CommandError(
                f"{found.unreadable} are sealed under a key that FIELD_KEYS lacks: put it back, or "
                "see docs/secrets.md for what its loss means."
            )
        self.stdout.write("The older keys may be taken out of FIELD_KEYS.")
