"""`manage.py load_demo`: the demo's organisations, people, devices and history."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from semafore.local.demo.evidence import export_once
from semafore.local.demo.loading import load_demo
from semafore.local.demo.story import NORTHGATE


class Command(BaseCommand):
    """Loads the demo; refuses where DEBUG is off."""

    help = __doc__

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Load what is not there yet, and write demo.json."""
        if not settings.DEBUG:
            message = "demo data is for DEBUG alone"
            raise CommandError(message)
        load_demo(Path(os.environ.get("SEMAFORE_LOCAL_DIR", ".local")))
        export_once(NORTHGATE)
