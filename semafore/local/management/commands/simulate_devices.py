"""`manage.py simulate_devices`: the demo's devices, alive until Ctrl-C."""

import asyncio
import contextlib
import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from semafore.local.client.demo import Demo
from semafore.local.demo.characters import Habit
from semafore.local.demo.simulation import simulate
from semafore.local.demo.story import STORY


class Command(BaseCommand):
    """Runs the simulated devices; refuses where DEBUG is off."""

    help = __doc__

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run every lively device of the story."""
        if not settings.DEBUG:
            message = "simulated devices are for DEBUG alone"
            raise CommandError(message)
        lively = [
            device.name
            for organisation in STORY
            for person in organisation.people
            for device in person.devices
            if device.habit == Habit.LIVELY
        ]
        demo = Demo.load(Path(os.environ.get("SEMAFORE_LOCAL_DIR", ".local")) / "demo.json")
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(simulate(demo, lively))
