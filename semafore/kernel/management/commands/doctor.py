"""`manage.py doctor`: a line for everything that can be wrong, and what to do about it."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from semafore.kernel.doctor import DOCTOR, Finding, State

WIDTH = 15


class Command(BaseCommand):
    """Looks and changes nothing; sends nothing. The exit code is 1 where something is wrong."""

    help = "Look at everything that the server needs, and say what to do about what is wrong."
    requires_system_checks = ()  # they are one of the looks

    def add_arguments(self, parser: CommandParser) -> None:
        """One option."""
        parser.add_argument("--json", action="store_true", help="a list of objects, for programs")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Look at everything; exits with 1 where something is wrong or can't be seen."""
        found = []
        for about, finding in DOCTOR.findings():
            found.append((about, finding))
            if not options["json"]:
                self._show(about, finding)
        if options["json"]:
            rows = [
                {"about": about, "state": one.state, "says": one.says, "remedy": one.remedy}
                for about, one in found
            ]
            self.stdout.write(json.dumps(rows, indent=2))
        if any(one.state in {State.WRONG, State.UNKNOWN} for _, one in found):
            sys.exit(1)

    def _show(self, about: str, finding: Finding) -> None:
        styles = {State.OK: self.style.SUCCESS, State.WARNING: self.style.WARNING}
        styled = styles.get(finding.state, self.style.ERROR)
        word = finding.state.upper() if finding.state is State.WRONG else finding.state
        self.stdout.write(f"{styled(word.ljust(8))} {about.ljust(WIDTH)} {finding.says}")
        if finding.remedy:
            self.stdout.write(f"{'':8} {'':{WIDTH}} Remedy: {finding.remedy}")
